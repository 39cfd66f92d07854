package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Makes and opens software stores: the folder, its header, and the secret that opens it. */
final class SoftwareStores {
  static final String HEADER = "store.header";
  static final int MASTER = 32;

  /** The note that the sealing secret was generated for a store that is being made. */
  static final String GENERATED = "seal.generated";

  /** What OWASP's Password Storage Cheat Sheet asks of PBKDF2-HMAC-SHA256. */
  private static final int ITERATIONS = 600_000;

  private static final String PURPOSE = "vouchsafe store master";

  private final SecureFiles files;
  private final SecureRandom random;
  private final int iterations;

  SoftwareStores(int us, int iterations) {
    this.random = new SecureRandom();
    this.files = new SecureFiles(us, random);
    this.iterations = iterations;
  }

  /** For the user that this process runs as. */
  static SoftwareStores here() {
    return new SoftwareStores(effectiveUser(), ITERATIONS);
  }

  /** From /proc/self/status: the owner of /proc/self is root for a process that can't be dumped. */
  static int effectiveUser() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("Uid:")) {
          return Integer.parseUnsignedInt(List.of(line.split("\\s+", -1)).get(2));
        }
      }
      throw new IllegalStateException("/proc/self/status names no user");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  PrivateKeyStore create(Path directory, SealSource seal, SoftwareCrypto crypto) throws KeyFault {
    Path secret = SealSecret.file(seal);
    if (secret.toAbsolutePath().normalize().startsWith(directory.toAbsolutePath().normalize())) {
      throw new KeyFault.Failed(
          secret + " would lie inside " + directory + ": a copy of one must not hold the other");
    }
    String what = "the key store " + directory + " can't be made";
    try {
      files.makeFolder(directory);
    } catch (IOException e) {
      throw SecureFiles.fault(what, e);
    }
    boolean done = false;
    try {
      note(directory).generate(Optional.of(seal), random);
      PrivateKeyStore store = fill(directory, seal, crypto);
      note(directory).done();
      done = true;
      return store;
    } catch (IOException e) {
      throw SecureFiles.fault(what, e);
    } finally {
      if (!done) {
        removeNew(directory, seal);
      }
    }
  }

  private GeneratedNote note(Path directory) {
    return new GeneratedNote(directory, GENERATED, files);
  }

  private void removeNew(Path directory, SealSource seal) {
    try {
      destroy(directory, seal);
      SecureFiles.removeQuietly(directory.resolve(HEADER));
      SecureFiles.removeQuietly(directory);
    } catch (KeyFault e) {
      System.getLogger(SoftwareStores.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "a store that was not made to the end is left over: {0}",
              e.getMessage());
    }
  }

  /** Removes the secret that was generated for a store that was not made to the end. */
  void destroy(Path directory, SealSource seal) throws KeyFault {
    try {
      note(directory).removeSecret(Optional.of(seal));
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be destroyed", e);
    }
  }

  /** What looks at files as this does. */
  SecureFiles files() {
    return files;
  }

  private PrivateKeyStore fill(Path directory, SealSource seal, SoftwareCrypto crypto)
      throws KeyFault, IOException {
    byte[] master = new byte[MASTER];
    random.nextBytes(master);
    try (SealSecret secret = SealSecret.read(seal, files)) {
      StoreHeader empty = secret.isRandom() ? StoreHeader.forRandomSecret() : forPassphrase();
      byte[] key = key(secret, empty);
      StoreHeader header =
          empty.with(new SealedBox(random).seal(key, PURPOSE, empty.bound(), master));
      Arrays.fill(key, (byte) 0);
      files.writeNew(directory.resolve(HEADER), header.encoded());
      return store(
          directory,
          crypto,
          header,
          master,
          SoftwareProtection.describe(directory, seal, secret, header.iterations()));
    }
  }

  private StoreHeader forPassphrase() {
    byte[] salt = new byte[StoreHeader.SALT];
    random.nextBytes(salt);
    return StoreHeader.forPassphrase(iterations, salt);
  }

  PrivateKeyStore open(Path directory, SealSource seal, SoftwareCrypto crypto) throws KeyFault {
    SoftwareStore store = openUnchanged(directory, seal, crypto);
    try {
      SecureFiles.sweep(directory);
      note(directory).done();
      if (seal instanceof SealSource.GeneratedFile secret) {
        files.sweepBeside(secret.file());
      }
      return store;
    } catch (IOException e) {
      store.close();
      throw SecureFiles.fault("the key store " + directory + " can't be opened", e);
    }
  }

  /** The same, and nothing in the folder is removed that an interrupted writer left. */
  SoftwareStore openUnchanged(Path directory, SealSource seal, SoftwareCrypto crypto)
      throws KeyFault {
    Path file = directory.resolve(HEADER);
    try {
      files.checkFolder(directory);
      StoreHeader header = StoreHeader.parse(files.readOwn(file));
      try (SealSecret secret = SealSecret.read(seal, files)) {
        byte[] master = unlock(file, header, secret);
        return store(
            directory,
            crypto,
            header,
            master,
            SoftwareProtection.describe(directory, seal, secret, header.iterations()));
      }
    } catch (MalformedException e) {
      throw new KeyFault.Failed(file + " is damaged or from another version: " + e.getMessage(), e);
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be opened", e);
    }
  }

  private static byte[] unlock(Path file, StoreHeader header, SealSecret secret)
      throws KeyFault.Failed {
    if (secret.isRandom() == header.forPassphrase()) {
      throw new KeyFault.Failed(
          file
              + " was sealed with "
              + (header.forPassphrase() ? "a passphrase" : "a generated file")
              + ", and "
              + secret.file()
              + " is of the other kind");
    }
    byte[] key = key(secret, header);
    Optional<byte[]> master = SealedBox.open(key, PURPOSE, header.bound(), header.box());
    Arrays.fill(key, (byte) 0);
    return master
        .filter(octets -> octets.length == MASTER)
        .orElseThrow(() ->
            new KeyFault.Failed(
                "the secret in "
                    + secret.file()
                    + " does not open "
                    + file
                    + ": it is another secret, or the file is damaged"));
  }

  private static byte[] key(SealSecret secret, StoreHeader header) {
    return header.forPassphrase() ? secret.key(header.salt(), header.iterations()) : secret.key();
  }

  private SoftwareStore store(
      Path directory,
      SoftwareCrypto crypto,
      StoreHeader header,
      byte[] master,
      KeyStoreDescription description) {
    return new SoftwareStore(
        directory, crypto, files, new SealedBox(random), header.encoded(), master, description);
  }
}
