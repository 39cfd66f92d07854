package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/** Makes, opens and destroys stores in PKCS#11 tokens. */
final class Pkcs11Stores {
  /** How long callers wait after a loss for the first try to open the token anew. */
  private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(300);

  private final SecureRandom random = new SecureRandom();
  private final SecureFiles files;
  private final LongSupplier nanos;
  private final TokenLink.Later later;
  private final long patience;

  /**
   * @param us the user id that, beside root, files may belong to
   * @param nanos a clock for durations
   * @param later who opens tokens anew that were lost
   * @param patience nanoseconds that callers wait for that
   */
  Pkcs11Stores(int us, LongSupplier nanos, TokenLink.Later later, long patience) {
    this.files = new SecureFiles(us, random);
    this.nanos = nanos;
    this.later = later;
    this.patience = patience;
  }

  /** For the user that this process runs as. */
  static Pkcs11Stores here() {
    return new Pkcs11Stores(
        SoftwareStores.effectiveUser(), System::nanoTime, TokenLink::inThread, PATIENCE);
  }

  PrivateKeyStore create(Path directory, Pkcs11Uri uri, SoftwareCrypto crypto) throws KeyFault {
    return create(directory, Pkcs11Settings.inProcess(uri), crypto);
  }

  PrivateKeyStore create(Path directory, Pkcs11Settings settings, SoftwareCrypto crypto)
      throws KeyFault {
    checkApart(directory, settings.uri());
    StoreId id = StoreId.random(random);
    try {
      files.makeFolder(directory);
      boolean empty = true;
      try {
        // Before the first object is made: whatever happens then, its owner is known.
        files.writeNew(directory.resolve(StoreId.FILE), id.encoded());
        empty = false;
        return fill(directory, new TokenObjects(id, settings.uri().object(), crypto), settings);
      } finally {
        if (empty) {
          SecureFiles.removeQuietly(directory);
        }
      }
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be made", e);
    }
  }

  /** A copy of the folder must not hold what opens the token. */
  static void checkApart(Path directory, Pkcs11Uri uri) throws KeyFault.Failed {
    if (uri.pinSource().normalize().startsWith(directory.toAbsolutePath().normalize())) {
      throw new KeyFault.Failed("pin-source " + uri.pinSource() + " lies inside " + directory);
    }
  }

  private PrivateKeyStore fill(Path directory, TokenObjects objects, Pkcs11Settings settings)
      throws KeyFault {
    LibrarySource library = LibrarySource.of(settings, files);
    AtomicBoolean begun = new AtomicBoolean();
    boolean done = false;
    try {
      TokenOpener maker =
          opener(
              directory,
              settings.uri(),
              library,
              (session, token) -> {
                if (token.is(Ck.CKF_WRITE_PROTECTED)) {
                  throw new KeyFault.Failed("token " + token.named() + " is write-protected");
                }
                begun.set(true);
                return objects.makeSealingKey(session);
              });
      maker.open().connectionOrThrow().retire("the store is made");
      PrivateKeyStore store = connected(store(directory, objects, settings.uri(), library));
      done = true;
      return store;
    } finally {
      if (!done) {
        library.close();
        removeNew(directory, settings, objects, begun.get());
      }
    }
  }

  private TokenPin pin(Pkcs11Uri uri, Path directory) {
    return new TokenPin(uri.pinSource(), files, random, RefusedPinNote.in(directory, files));
  }

  /** Of a token that must be there now. */
  private TokenOpener opener(
      Path directory, Pkcs11Uri uri, LibrarySource library, TokenOpener.Content content) {
    return new TokenOpener(uri, library, pin(uri, directory), nanos, false, content);
  }

  private static PrivateKeyStore connected(Pkcs11Store store) throws KeyFault {
    boolean connected = false;
    try {
      store.connect();
      connected = true;
      return store;
    } finally {
      if (!connected) {
        store.close();
      }
    }
  }

  /** If the token can't be cleaned now, the folder stays, so that it can be later. */
  private void removeNew(
      Path directory, Pkcs11Settings settings, TokenObjects objects, boolean begun) {
    try {
      if (begun) {
        destroyAll(directory, objects, settings);
      }
      SecureFiles.removeQuietly(directory.resolve(StoreId.FILE));
      SecureFiles.removeQuietly(directory.resolve(RefusedPinNote.FILE));
      SecureFiles.removeQuietly(directory);
    } catch (KeyFault e) {
      System.getLogger(Pkcs11Stores.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "keys may be left in the token; {0} says which: {1}",
              directory.resolve(StoreId.FILE),
              e.getMessage());
    }
  }

  private void destroyAll(Path directory, TokenObjects objects, Pkcs11Settings settings)
      throws KeyFault {
    try (LibrarySource library = LibrarySource.of(settings, files)) {
      opener(
              directory,
              settings.uri(),
              library,
              (session, token) -> {
                objects.destroyAll(session);
                return 0;
              })
          .open()
          .connectionOrThrow()
          .retire("the store is destroyed");
    }
  }

  PrivateKeyStore open(Path directory, Pkcs11Uri uri, SoftwareCrypto crypto) throws KeyFault {
    return open(directory, Pkcs11Settings.inProcess(uri), crypto);
  }

  PrivateKeyStore open(Path directory, Pkcs11Settings settings, SoftwareCrypto crypto)
      throws KeyFault {
    Pkcs11Uri uri = settings.uri();
    checkApart(directory, uri);
    try {
      files.checkFolder(directory);
      StoreId id = StoreId.read(directory, files);
      SecureFiles.sweep(directory);
      TokenObjects objects = new TokenObjects(id, uri.object(), crypto);
      return looked(store(directory, objects, uri, LibrarySource.of(settings, files)));
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be opened", e);
    }
  }

  private static PrivateKeyStore looked(Pkcs11Store store) throws KeyFault {
    boolean opened = false;
    try {
      store.lookNow();
      opened = true;
      return store;
    } finally {
      if (!opened) {
        store.close();
      }
    }
  }

  List<KeyStoreFinding> examine(Path directory, Pkcs11Uri uri) {
    return examine(directory, Pkcs11Settings.inProcess(uri));
  }

  List<KeyStoreFinding> examine(Path directory, Pkcs11Settings settings) {
    try (LibrarySource library = LibrarySource.of(settings, files)) {
      return new Pkcs11Examination(files, random, nanos, directory, settings).run(library);
    }
  }

  private Pkcs11Store store(
      Path directory, TokenObjects objects, Pkcs11Uri uri, LibrarySource library) {
    KnownKeys keys = new KnownKeys(objects);
    TokenOpener opener =
        new TokenOpener(uri, library, pin(uri, directory), nanos, true, new Content(objects, keys));
    return new Pkcs11Store(
        library,
        new TokenLink(opener, later, nanos, patience),
        objects,
        keys,
        new SealedSecrets(new SealedBox(random)),
        new Pkcs11Description(uri, opener));
  }

  /** What a store finds in its token. */
  private record Content(TokenObjects objects, KnownKeys keys) implements TokenOpener.Content {
    @Override
    public long sealingKey(CryptokiSession session, TokenInfo token)
        throws KeyFault, CryptokiException {
      return objects.sealingKey(session).orElseThrow(() -> TokenOpener.notOurs(token));
    }

    @Override
    public void check(TokenConnection connection, CryptokiSession session)
        throws KeyFault, CryptokiException {
      keys.check(connection, session);
    }
  }

  void destroy(Path directory, Pkcs11Uri uri) throws KeyFault {
    destroy(directory, Pkcs11Settings.inProcess(uri));
  }

  void destroy(Path directory, Pkcs11Settings settings) throws KeyFault {
    try {
      if (Files.exists(directory.resolve(StoreId.FILE), LinkOption.NOFOLLOW_LINKS)) {
        files.checkFolder(directory);
        StoreId id = StoreId.read(directory, files);
        destroyAll(
            directory,
            new TokenObjects(id, settings.uri().object(), SoftwareCrypto.choose()),
            settings);
      }
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be destroyed", e);
    }
  }
}
