package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executor;

/** Makes and opens the gateway's CA. */
public final class CertificateAuthorities {
  private CertificateAuthorities() {}

  /**
   * Makes root and device CA, the masters of the modules' keys and the first token keys: in the
   * store or sealed by it, with certificates, {@code jwks.json} and an empty ledger in the folder.
   * What is half made after a crash is the caller's to throw away, folder and key store together.
   *
   * @return the two authorities, root first
   * @throws IOException if the folder can't be written, holds a CA already, or the store fails; the
   *     message names what to change
   */
  public static List<AuthorityInfo> create(
      CaSettings settings, PrivateKeyStore store, SoftwareCrypto crypto, InstantSource clock)
      throws IOException {
    makeFolder(settings.directory());
    try (Ledger ledger = Ledger.create(settings.directory())) {
      AuthorityFactory factory = new AuthorityFactory(settings, store, crypto, ledger, clock);
      AuthorityFactory.Made root = factory.makeRoot();
      AuthorityFactory.Made device = factory.makeDevice(root);
      new KeyServices(settings, store, crypto, ledger, clock, Pace.real()).make();
      return List.of(root.row().info(root.certificate()), device.row().info(device.certificate()));
    }
  }

  private static void makeFolder(Path folder) throws IOException {
    try {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw new IOException(folder + " is not a folder", e);
      }
    }
  }

  /**
   * Opens the CA. If the key store is away just now, the CA opens and answers "unavailable" until
   * the store is back.
   *
   * @param executor where issuing runs; may have many threads
   * @throws IOException if the database is of another version, damaged or locked, is not of the
   *     gateway that the settings name, or the store holds another key than the device CA's
   *     certificate; the message names what to change
   */
  public static CertificateAuthority open(
      CaSettings settings,
      PrivateKeyStore store,
      SoftwareCrypto crypto,
      InstantSource clock,
      Executor executor)
      throws IOException {
    Ledger ledger = Ledger.open(settings.directory());
    return open(settings, store, crypto, clock, executor, ledger, Pace.real());
  }

  /** The same on a ledger that is open already, which is closed again if this fails. */
  static CertificateAuthority open(
      CaSettings settings,
      PrivateKeyStore store,
      SoftwareCrypto crypto,
      InstantSource clock,
      Executor executor,
      Ledger ledger,
      Pace pace)
      throws IOException {
    try {
      AuthorityChain chain = AuthorityChain.load(ledger, settings, crypto);
      AuthorityKey key = chain.deviceKey(store, crypto);
      try {
        key.find();
      } catch (KeyFault.Unavailable e) {
        System.getLogger(CertificateAuthorities.class.getName())
            .log(
                System.Logger.Level.WARNING,
                "the key store is away, nothing is issued until it is back: {0}",
                e.getMessage());
      } catch (KeyFault e) {
        throw new IOException(e.getMessage(), e);
      }
      KeyServices services = new KeyServices(settings, store, crypto, ledger, clock, pace);
      services.start();
      return new IssuingService(settings, chain, key, ledger, services, crypto, clock, executor);
    } catch (IOException e) {
      ledger.close();
      throw e;
    }
  }

  /**
   * {@link #create(CaSettings, PrivateKeyStore, SoftwareCrypto, InstantSource)} in several key
   * stores.
   */
  @SuppressWarnings("DoNotCallSuggester")
  public static List<AuthorityInfo> create(
      CaSettings settings, AuthorityStores stores, SoftwareCrypto crypto, InstantSource clock)
      throws IOException {
    throw new UnsupportedOperationException("not yet");
  }

  /**
   * {@link #open(CaSettings, PrivateKeyStore, SoftwareCrypto, InstantSource, Executor)} on several
   * key stores.
   */
  @SuppressWarnings("DoNotCallSuggester")
  public static CertificateAuthority open(
      CaSettings settings,
      AuthorityStores stores,
      SoftwareCrypto crypto,
      InstantSource clock,
      Executor executor)
      throws IOException {
    throw new UnsupportedOperationException("not yet");
  }
}
