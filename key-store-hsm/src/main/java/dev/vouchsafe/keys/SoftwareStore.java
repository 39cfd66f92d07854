package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A key store in a folder of encrypted files. Everything hangs on one random master secret, in
 * memory while the store is open: a purpose and a random salt make of it a key for each file and
 * each sealed secret.
 *
 * <p>Invariant: the master is read only under the read lock and wiped only under the write lock, so
 * that nothing is ever sealed under zeros.
 */
final class SoftwareStore implements PrivateKeyStore {
  private static final String KEY = "vouchsafe private key";
  private static final String DERIVE = "vouchsafe derived secret";

  private final Path directory;
  private final SoftwareCrypto crypto;
  private final SecureFiles files;
  private final SealedBox box;
  private final byte[] header;
  private final byte[] master;
  private final KeyStoreDescription description;
  private final Map<KeyLabel, SoftwareKey> keys = new ConcurrentHashMap<>();
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private boolean closed;

  /**
   * @param header the octets of the header's file, which mark this store
   * @param master taken over, and wiped at close
   */
  SoftwareStore(
      Path directory,
      SoftwareCrypto crypto,
      SecureFiles files,
      SealedBox box,
      byte[] header,
      byte[] master,
      KeyStoreDescription description) {
    this.directory = directory;
    this.crypto = crypto;
    this.files = files;
    this.box = box;
    this.header = header;
    this.master = master;
    this.description = description;
  }

  @Override
  public KeyStoreHealth health() {
    return KeyStoreHealth.UP;
  }

  @Override
  public KeyStoreDescription describe() {
    return description;
  }

  @Override
  public Set<KeyType> keyTypes() {
    return EnumSet.allOf(KeyType.class);
  }

  @Override
  public StoredKey make(KeyLabel label, KeyType type) throws KeyFault {
    return whileOpen(() -> keep(label, type, () -> crypto.generate(type)));
  }

  @Override
  public boolean takesKeys() {
    return true;
  }

  @Override
  public StoredKey take(KeyLabel label, KeyType type, KeyPair pair) throws KeyFault {
    try {
      return whileOpen(() -> keep(label, type, () -> own(type, pair)));
    } catch (IllegalArgumentException e) {
      // Without the cause: it may tell of the key.
      throw new KeyFault.Failed("the key is none of type " + type.text());
    }
  }

  /** The same key in the form that this store's own have. */
  private KeyPair own(KeyType type, KeyPair pair) throws KeyFault.Failed {
    byte[] pkcs8 = pair.getPrivate().getEncoded();
    if (pkcs8 == null) {
      throw new KeyFault.Failed("the private key can't be taken out of where it is");
    }
    try {
      PublicKey publicKey = JcaCrypto.readPublic(crypto, type, pair.getPublic().getEncoded());
      return new KeyPair(publicKey, crypto.readPrivate(type, pkcs8));
    } catch (GeneralSecurityException e) {
      // Without the cause: it may tell of the key.
      throw new KeyFault.Failed("the key is none of type " + type.text());
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }

  /** Where a key pair comes from. */
  private interface Source {
    KeyPair get() throws KeyFault;
  }

  private StoredKey keep(KeyLabel label, KeyType type, Source source) throws KeyFault {
    Path file = KeyFile.in(directory, label.encoded());
    checkFolder();
    if (keys.containsKey(label) || Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      throw taken(label, file);
    }
    KeyPair pair = source.get();
    checkPair(pair.getPrivate(), pair.getPublic(), type, file);
    byte[] publicKey = pair.getPublic().getEncoded();
    byte[] privateKey = pair.getPrivate().getEncoded();
    try {
      byte[] bound = KeyFile.bound(type, label.encoded(), publicKey);
      byte[] sealed = box.seal(master, KEY, bound, privateKey);
      files.writeNew(file, new KeyFile(type, label.encoded(), publicKey, sealed).encoded());
    } catch (FileAlreadyExistsException e) {
      throw taken(label, file);
    } catch (IOException e) {
      throw fault("the key " + label + " can't be stored", e);
    } finally {
      Arrays.fill(privateKey, (byte) 0);
    }
    return keep(new SoftwareKey(label, type, pair.getPublic(), pair.getPrivate(), crypto));
  }

  @Override
  public Optional<StoredKey> find(KeyLabel label) throws KeyFault {
    return whileOpen(() -> {
      SoftwareKey known = keys.get(label);
      return known != null ? Optional.of(known) : load(label);
    });
  }

  private Optional<StoredKey> load(KeyLabel label) throws KeyFault {
    Path file = KeyFile.in(directory, label.encoded());
    checkFolder();
    try {
      return Files.exists(file, LinkOption.NOFOLLOW_LINKS)
          ? Optional.of(keep(read(label, file)))
          : Optional.empty();
    } catch (IOException e) {
      throw fault("the key " + label + " can't be read", e);
    } catch (MalformedException e) {
      throw damaged(file, e);
    }
  }

  private static KeyFault damaged(Path file, MalformedException e) {
    return new KeyFault.Failed(file + " is damaged or from another version: " + e.getMessage(), e);
  }

  /**
   * That a key is absent means something only if the rest of the store is there, and a key that is
   * made beside another store's header could never be read again.
   */
  private void checkFolder() throws KeyFault {
    Path file = directory.resolve(SoftwareStores.HEADER);
    try {
      files.checkFolder(directory);
      if (!Arrays.equals(files.readOwn(file), header)) {
        throw new KeyFault.Failed(file + " was exchanged while the key store was open");
      }
    } catch (IOException e) {
      throw fault("the key store " + directory + " can't be read", e);
    }
  }

  private SoftwareKey read(KeyLabel label, Path file)
      throws KeyFault, IOException, MalformedException {
    KeyFile stored = KeyFile.parse(files.readOwn(file));
    if (!Arrays.equals(stored.label(), label.encoded())) {
      throw new KeyFault.Failed(file + " holds another key than " + label);
    }
    KeyPair pair = open(stored, file);
    return new SoftwareKey(label, stored.type(), pair.getPublic(), pair.getPrivate(), crypto);
  }

  /** Reads that key, and signs with it once. */
  void check(Path file) throws KeyFault {
    whileOpen(() -> {
      try {
        KeyFile stored = KeyFile.parse(files.readOwn(file));
        if (!KeyFile.in(directory, stored.label()).getFileName().equals(file.getFileName())) {
          throw new KeyFault.Failed(file + " holds a key of another name");
        }
        return open(stored, file);
      } catch (IOException e) {
        throw fault(file + " can't be read", e);
      } catch (MalformedException e) {
        throw damaged(file, e);
      }
    });
  }

  private KeyPair open(KeyFile stored, Path file) throws KeyFault {
    byte[] pkcs8 =
        SealedBox.open(master, KEY, stored.bound(), stored.box())
            .orElseThrow(
                () -> new KeyFault.Failed(file + " is damaged, or belongs to another key store"));
    try {
      PrivateKey privateKey = privateKey(stored.type(), pkcs8);
      PublicKey publicKey = JcaCrypto.readPublic(crypto, stored.type(), stored.publicKey());
      checkPair(privateKey, publicKey, stored.type(), file);
      return new KeyPair(publicKey, privateKey);
    } catch (GeneralSecurityException e) {
      // Without the cause: it may tell of the key.
      throw new KeyFault.Failed(file + " holds a key that can't be read");
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }

  private PrivateKey privateKey(KeyType type, byte[] pkcs8) throws GeneralSecurityException {
    return crypto.readPrivate(type, pkcs8);
  }

  private void checkPair(PrivateKey privateKey, PublicKey publicKey, KeyType type, Path file)
      throws KeyFault.Failed {
    byte[] request = KeyTrial.request(publicKey);
    if (!KeyType.of(publicKey).equals(Optional.of(type))
        || !crypto.verify(publicKey, type, request, crypto.sign(privateKey, type, request))) {
      throw new KeyFault.Failed("the two halves of the key in " + file + " don't belong together");
    }
  }

  /** Whoever comes second gets what the first one kept, so that close() finds every key. */
  private SoftwareKey keep(SoftwareKey key) {
    SoftwareKey first = keys.putIfAbsent(key.label(), key);
    return first == null ? key : first;
  }

  @Override
  public byte[] derive(KeyLabel label) throws KeyFault {
    return whileOpen(() -> SealedBox.derive(master, new byte[0], DERIVE, label.encoded()));
  }

  @Override
  public byte[] seal(KeyLabel purpose, byte[] secret) throws KeyFault {
    SealedSecrets.checkSecret(secret);
    return whileOpen(() -> new SealedSecrets(box).seal(master, purpose, secret));
  }

  @Override
  public byte[] unseal(KeyLabel purpose, byte[] sealed) throws KeyFault {
    SealedSecrets.checkSealed(sealed);
    return whileOpen(() -> SealedSecrets.unseal(master, purpose, sealed));
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      closed = true;
      Arrays.fill(master, (byte) 0);
      keys.values().forEach(SoftwareKey::forget);
      keys.clear();
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** What was there when the store was opened may come back, as a disk does. */
  private KeyFault fault(String what, IOException e) {
    return e instanceof NoSuchFileException
        ? new KeyFault.Unavailable("the key store " + directory + " is not there now", e)
        : SecureFiles.fault(what, e);
  }

  private static KeyFault taken(KeyLabel label, Path file) {
    return new KeyFault.Failed("there is a key " + label + " already, in " + file);
  }

  /** Work that needs the master. */
  private interface Work<T> {
    T run() throws KeyFault;
  }

  private <T> T whileOpen(Work<T> work) throws KeyFault {
    lock.readLock().lock();
    try {
      if (closed) {
        throw new KeyFault.Unavailable("the key store is closed");
      }
      return work.run();
    } finally {
      lock.readLock().unlock();
    }
  }
}
