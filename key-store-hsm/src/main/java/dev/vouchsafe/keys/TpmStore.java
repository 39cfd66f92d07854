package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A key store in a TPM. Its folder holds what only that TPM can load; private keys, and the secret
 * that others are derived from, are never outside of it.
 *
 * <p>Invariant: {@link #connection} is read and written in a turn at the TPM only, of which there
 * is one at a time. What was loaded in one connection is never used in another, and every signature
 * is verified with the public key that was first seen before it is handed out.
 */
final class TpmStore implements PrivateKeyStore {
  private static final String DERIVE = "vouchsafe derived secret";
  private static final String SEAL = "vouchsafe sealing secret";
  private static final byte[] CHECKED_MESSAGE =
      "vouchsafe key check".getBytes(StandardCharsets.US_ASCII);

  private final Path directory;
  private final TpmStoreFile header;
  private final TpmPlace place;
  private final TpmState state;
  private final Map<KeyLabel, TpmKey> keys = new ConcurrentHashMap<>();
  private @Nullable TpmConnection connection;

  TpmStore(Path directory, TpmStoreFile header, TpmPlace place, TpmState state) {
    this.directory = directory;
    this.header = header;
    this.place = place;
    this.state = state;
  }

  /** Goes to the TPM now, which must be there. */
  void connect() throws KeyFault {
    inTurn("opening the key store", TpmFaults::atStart, (_, _) -> true);
  }

  @Override
  public KeyStoreHealth health() {
    return state.health();
  }

  @Override
  public KeyStoreDescription describe() {
    return TpmDescription.of(directory, header, place);
  }

  @Override
  public StoredKey make(KeyLabel label, KeyType type) throws KeyFault {
    if (type != KeyType.EC_P256 && type != KeyType.RSA_2048) {
      throw new KeyFault.Failed(
          "a TPM store makes keys ec-p256 and rsa-2048 only, not " + type.text());
    }
    return inTurn(
        "making the key " + label,
        (turn, open) -> new TpmMaking(this, open).make(turn, label, type));
  }

  /** Fails if it is taken. */
  void checkFree(KeyLabel label) throws KeyFault, IOException {
    checkFolder();
    if (Files.exists(file(label), LinkOption.NOFOLLOW_LINKS)) {
      throw taken(label);
    }
  }

  /** Writes a key's file, so that it survives a power cut. */
  void write(KeyLabel label, TpmKeyFile file, TpmConnection open) throws KeyFault, IOException {
    try {
      place.files().writeNew(file(label), file.encoded(open.ofFiles()));
    } catch (FileAlreadyExistsException e) {
      throw taken(label);
    }
  }

  /** A key that could not be made to the end. */
  void forget(KeyLabel label) {
    keys.remove(label);
    SecureFiles.removeQuietly(file(label));
  }

  private Path file(KeyLabel label) {
    return TpmKeyFile.in(directory, label.encoded());
  }

  private KeyFault.Failed taken(KeyLabel label) {
    return new KeyFault.Failed("there is a key " + label + " already, in " + file(label));
  }

  TpmPlace place() {
    return place;
  }

  TpmStoreFile header() {
    return header;
  }

  @Override
  public Optional<StoredKey> find(KeyLabel label) throws KeyFault {
    return inTurn("finding the key " + label, (turn, open) -> find(turn, open, label));
  }

  private Optional<StoredKey> find(TpmTurn turn, TpmConnection open, KeyLabel label)
      throws KeyFault, TpmException, IOException {
    checkFolder();
    Path file = file(label);
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    TpmKeyFile stored = read(file, open);
    TpmKey known = keys.get(label);
    if (known != null && known.file().is(stored) && known.in(open) != null) {
      return Optional.of(known);
    }
    if (known != null && !known.file().is(stored)) {
      throw new KeyFault.Failed("another key than before is in " + file);
    }
    return Optional.of(load(turn, open, label, stored));
  }

  private TpmKeyFile read(Path file, TpmConnection open) throws KeyFault, IOException {
    try {
      return TpmKeyFile.parse(place.files().readOwn(file), open.ofFiles());
    } catch (MalformedException e) {
      throw new KeyFault.Failed(file + " is damaged or from another version: " + e.getMessage(), e);
    }
  }

  /** Loads a key and tries it. */
  TpmKey load(TpmTurn turn, TpmConnection open, KeyLabel label, TpmKeyFile stored)
      throws KeyFault, TpmException, IOException {
    if (!Arrays.equals(stored.label(), label.encoded())) {
      throw new KeyFault.Failed(file(label) + " holds another key than " + label);
    }
    PublicKey publicKey = publicKey(label, stored);
    KeyType type = KeyType.of(publicKey).orElseThrow(() -> unusable(label));
    TpmKey key = keys.computeIfAbsent(label, _ -> new TpmKey(this, label, type, publicKey, stored));
    key.bind(open, open.load(turn, stored, true));
    sign(turn, open, key, CHECKED_MESSAGE);
    return key;
  }

  PublicKey publicKey(KeyLabel label, TpmKeyFile stored) throws KeyFault.Failed {
    return stored.blob().publicArea().key(place.crypto()).orElseThrow(() -> unusable(label));
  }

  private static KeyFault.Failed unusable(KeyLabel label) {
    return new KeyFault.Failed("the key " + label + " is of no type that we make");
  }

  /**
   * That a key is absent means something only if the rest of the store is there, and a key that is
   * made beside another store's header could never be used.
   */
  private void checkFolder() throws KeyFault {
    Path file = directory.resolve(TpmStoreFile.FILE);
    try {
      place.files().checkFolder(directory);
      if (!Arrays.equals(place.files().readOwn(file), header.encoded())) {
        throw new KeyFault.Failed(file + " was exchanged while the key store was open");
      }
    } catch (NoSuchFileException e) {
      throw new KeyFault.Unavailable("the key store " + directory + " is not there now", e);
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be read", e);
    }
  }

  byte[] sign(TpmKey key, byte[] message) throws KeyFault {
    return inTurn(
        "signing with the key " + key.label(), (turn, open) -> sign(turn, open, key, message));
  }

  private byte[] sign(TpmTurn turn, TpmConnection open, TpmKey key, byte[] message)
      throws KeyFault, TpmException, IOException {
    TpmRef ref = key.in(open);
    if (ref == null) {
      ref = open.load(turn, key.file(), true);
      key.bind(open, ref);
    }
    byte[] signature =
        new TpmSigning(place.objects())
            .sign(turn, ref, key.type(), key.file().pcrs(), open, message);
    if (!place.crypto().verify(key.publicKey(), key.type(), message, signature)) {
      throw new TpmException(
          TpmRc.Kind.STALE, "a signature of the key " + key.label() + " doesn't verify");
    }
    return signature;
  }

  @Override
  public byte[] derive(KeyLabel label) throws KeyFault {
    return derive(DERIVE, label);
  }

  private byte[] derive(String purpose, KeyLabel label) throws KeyFault {
    byte[] name = purpose.getBytes(StandardCharsets.US_ASCII);
    byte[] info = label.encoded();
    byte[] input =
        ByteBuffer.allocate(name.length + 1 + info.length)
            .put(name)
            .put((byte) 0)
            .put(info)
            .array();
    return inTurn(
        "deriving a secret",
        (turn, open) -> place.objects().mac(turn, open.sealingKey(), digest(input)));
  }

  /** A label may be longer than what a TPM takes in one piece. */
  static byte[] digest(byte[] octets) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(octets);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }

  @Override
  public byte[] seal(KeyLabel purpose, byte[] secret) throws KeyFault {
    SealedSecrets.checkSecret(secret);
    byte[] key = derive(SEAL, purpose);
    try {
      return place.secrets().seal(key, purpose, secret);
    } finally {
      Arrays.fill(key, (byte) 0);
    }
  }

  @Override
  public byte[] unseal(KeyLabel purpose, byte[] sealed) throws KeyFault {
    SealedSecrets.checkSealed(sealed);
    byte[] key = derive(SEAL, purpose);
    try {
      return SealedSecrets.unseal(key, purpose, sealed);
    } finally {
      Arrays.fill(key, (byte) 0);
    }
  }

  /** Calls that are under way end by themselves. */
  @Override
  public void close() {
    state.close();
    keys.clear();
  }

  /** What needs the TPM. */
  interface Work<T> {
    T run(TpmTurn turn, TpmConnection open) throws KeyFault, TpmException, IOException;
  }

  /** Makes a fault of what a program has said. */
  private interface Faults {
    KeyFault of(String what, TpmTools tools, TpmException e);
  }

  private <T> T inTurn(String what, Work<T> work) throws KeyFault {
    return inTurn(what, TpmFaults::fault, work);
  }

  private <T> T inTurn(String what, Faults faults, Work<T> work) throws KeyFault {
    state.check();
    try {
      return place
          .chip()
          .turn(turn -> {
            // It may have been lost, or closed, while we waited.
            state.check();
            T done = twice(turn, faults, what, work);
            if (turn.hasAsked()) {
              state.up();
            }
            return done;
          });
    } catch (TpmException e) {
      throw new IllegalStateException("a fault was not translated", e);
    }
  }

  /** A TPM that was reset has forgotten what was loaded: all is loaded anew then, once. */
  private <T> T twice(TpmTurn turn, Faults faults, String what, Work<T> work)
      throws KeyFault, IOException {
    try {
      TpmConnection before = connection;
      try {
        return work.run(turn, open(turn));
      } catch (TpmException e) {
        if (before == null || !e.is(TpmRc.Kind.STALE)) {
          throw e;
        }
        forget();
        return work.run(turn, open(turn));
      }
    } catch (TpmException e) {
      KeyFault fault = faults.of(what, place.chip().tools(), e);
      if (e.is(TpmRc.Kind.AUTH) && e.auth().isPresent()) {
        e.auth().get().refuse();
      }
      if (e.is(TpmRc.Kind.FOREIGN) || e.is(TpmRc.Kind.STALE)) {
        forget();
      }
      throw TpmFaults.concernsAll(e)
          ? state.down(TpmFaults.state(e), fault, e.is(TpmRc.Kind.HUNG))
          : state.note(TpmFaults.state(e), fault);
    }
  }

  private TpmConnection open(TpmTurn turn) throws KeyFault, TpmException, IOException {
    TpmConnection now = connection;
    if (now == null) {
      now = TpmConnection.open(turn, place.objects(), header, true);
      connection = now;
    }
    return now;
  }

  private void forget() {
    TpmConnection now = connection;
    connection = null;
    if (now != null) {
      now.forget();
    }
  }
}
