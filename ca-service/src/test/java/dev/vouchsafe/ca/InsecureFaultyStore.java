package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyStoreDescription;
import dev.vouchsafe.keys.KeyStoreHealth;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.StoredKey;
import java.security.KeyPair;
import java.security.PublicKey;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** A real store behind a switch: it can be away, fail, sign wrongly, or tell when it is to sign. */
final class InsecureFaultyStore implements PrivateKeyStore {
  /** What happens in place of a signature, or around it. */
  interface Behaviour {
    byte[] sign(StoredKey key, byte[] message) throws KeyFault;
  }

  /** What happens before something is sealed or unsealed, or a key is made. */
  interface Guard {
    void pass(KeyLabel purpose) throws KeyFault;
  }

  private final PrivateKeyStore real;
  private final AtomicInteger signatures = new AtomicInteger();
  private volatile Behaviour behaviour = StoredKey::sign;
  private volatile boolean away;
  private volatile Guard sealing = purpose -> {};
  private volatile Guard making = label -> {};
  private volatile Set<KeyType> types;
  private volatile boolean taking = true;

  InsecureFaultyStore(PrivateKeyStore real) {
    this.real = real;
    this.types = real.keyTypes();
  }

  void behave(Behaviour wanted) {
    behaviour = wanted;
  }

  void setAway(boolean wanted) {
    away = wanted;
  }

  void beforeSealing(Guard wanted) {
    sealing = wanted;
  }

  void beforeMaking(Guard wanted) {
    making = wanted;
  }

  /** How often a signature was asked for. */
  int signatures() {
    return signatures.get();
  }

  private void requireHere() throws KeyFault {
    if (away) {
      throw new KeyFault.Unavailable("unplugged by the test");
    }
  }

  @Override
  public KeyStoreHealth health() {
    return away
        ? new KeyStoreHealth(KeyStoreHealth.State.GONE, "unplugged by the test")
        : real.health();
  }

  @Override
  public KeyStoreDescription describe() {
    return real.describe();
  }

  /** Has it make those types only. */
  void limitTo(KeyType... wanted) {
    types = Set.of(wanted);
  }

  @Override
  public Set<KeyType> keyTypes() {
    return types;
  }

  @Override
  public StoredKey make(KeyLabel label, KeyType type) throws KeyFault {
    requireHere();
    making.pass(label);
    return new Key(real.make(label, type));
  }

  /** From now on it makes its keys itself and takes none, as a token does. */
  void takeNothing() {
    taking = false;
  }

  @Override
  public boolean takesKeys() {
    return taking && real.takesKeys();
  }

  @Override
  public StoredKey take(KeyLabel label, KeyType type, KeyPair pair) throws KeyFault {
    requireHere();
    return new Key(real.take(label, type, pair));
  }

  @Override
  public Optional<StoredKey> find(KeyLabel label) throws KeyFault {
    requireHere();
    return real.find(label).map(Key::new);
  }

  @Override
  public byte[] derive(KeyLabel label) throws KeyFault {
    requireHere();
    return real.derive(label);
  }

  @Override
  public byte[] seal(KeyLabel purpose, byte[] secret) throws KeyFault {
    requireHere();
    sealing.pass(purpose);
    return real.seal(purpose, secret);
  }

  @Override
  public byte[] unseal(KeyLabel purpose, byte[] sealed) throws KeyFault {
    requireHere();
    sealing.pass(purpose);
    return real.unseal(purpose, sealed);
  }

  @Override
  public void close() {
    real.close();
  }

  private final class Key implements StoredKey {
    private final StoredKey key;

    Key(StoredKey key) {
      this.key = key;
    }

    @Override
    public KeyLabel label() {
      return key.label();
    }

    @Override
    public KeyType type() {
      return key.type();
    }

    @Override
    public PublicKey publicKey() {
      return key.publicKey();
    }

    @Override
    public byte[] sign(byte[] message) throws KeyFault {
      signatures.incrementAndGet();
      requireHere();
      return behaviour.sign(key, message);
    }
  }
}
