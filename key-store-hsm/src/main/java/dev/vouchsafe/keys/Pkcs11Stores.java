package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Makes, opens and destroys stores in PKCS#11 tokens. */
final class Pkcs11Stores {
  /** How long callers wait after a loss for the first try to open the token anew. */
  private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(300);

  /** A library that has not come back by then hangs; its calls count as hung before. */
  private static final Duration MAKING = Duration.ofSeconds(35);

  private final SecureRandom random = new SecureRandom();
  private final SecureFiles files;
  private final LongSupplier nanos;
  private final TokenLink.Later later;
  private final long patience;
  private final Duration making;

  /**
   * @param us the user id that, beside root, files may belong to
   * @param nanos a clock for durations
   * @param later who opens tokens anew that were lost
   * @param patience nanoseconds that callers wait for that
   */
  Pkcs11Stores(int us, LongSupplier nanos, TokenLink.Later later, long patience) {
    this(us, nanos, later, patience, MAKING);
  }

  /**
   * @param making how long one who makes a store waits for the library
   */
  Pkcs11Stores(int us, LongSupplier nanos, TokenLink.Later later, long patience, Duration making) {
    this.files = new SecureFiles(us, random);
    this.nanos = nanos;
    this.later = later;
    this.patience = patience;
    this.making = making;
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
    CompletableFuture<PrivateKeyStore> made = new CompletableFuture<>();
    AtomicBoolean back = new AtomicBoolean();
    boolean done = false;
    try {
      Thread.ofPlatform()
          .daemon()
          .name("token-making")
          .start(() ->
              make(
                  made,
                  () -> {
                    try {
                      TokenOpener opener =
                          maker(directory, objects, settings, library, begun, made);
                      opener.open().connectionOrThrow().retire("the store is made");
                      RefusedPinNote note = RefusedPinNote.in(directory, files);
                      return connected(store(note, objects, settings.uri(), library));
                    } finally {
                      // Said before anyone is woken: the thread itself may end later than that.
                      back.set(true);
                    }
                  }));
      PrivateKeyStore store = await(made, settings);
      done = true;
      return store;
    } finally {
      if (!done) {
        library.close();
        if (!back.get() && begun.get()) {
          // It may still make a key, after whatever we destroy now.
          keysMayBeLeft(directory, "the library did not come back");
        } else {
          removeNew(directory, settings, objects, begun.get());
        }
      }
    }
  }

  /** Makes a store. */
  private interface Maker {
    PrivateKeyStore make() throws KeyFault;
  }

  /** The edge of the thread: whatever is thrown, an Error too, ends as an answer. */
  private static void make(CompletableFuture<PrivateKeyStore> made, Maker maker) {
    var _ =
        CompletableFuture.completedFuture(maker)
            .thenCompose(wanted -> {
              try {
                return CompletableFuture.completedFuture(wanted.make());
              } catch (KeyFault e) {
                return CompletableFuture.failedFuture(e);
              }
            })
            .whenComplete((store, failure) -> {
              if (failure != null) {
                made.completeExceptionally(
                    failure instanceof CompletionException && failure.getCause() != null
                        ? failure.getCause()
                        : failure);
              } else if (!made.complete(store)) {
                // Nobody waits for it any more.
                store.close();
              }
            });
  }

  private TokenOpener maker(
      Path directory,
      TokenObjects objects,
      Pkcs11Settings settings,
      LibrarySource library,
      AtomicBoolean begun,
      CompletableFuture<PrivateKeyStore> made) {
    return opener(
        directory,
        settings.uri(),
        library,
        (session, token) -> {
          if (token.is(Ck.CKF_WRITE_PROTECTED)) {
            throw new KeyFault.Failed("token " + token.named() + " is write-protected");
          }
          begun.set(true);
          if (made.isDone()) {
            throw new KeyFault.Unavailable("the key store is not wanted any more");
          }
          return objects.makeSealingKey(session);
        });
  }

  private PrivateKeyStore await(CompletableFuture<PrivateKeyStore> made, Pkcs11Settings settings)
      throws KeyFault {
    try {
      return made.get(making.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return given(made, hangs(settings));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return given(made, new KeyFault.Unavailable("interrupted", e));
    } catch (ExecutionException e) {
      throw fault(e.getCause());
    }
  }

  /** It was made at the last moment, or it is given up. */
  private static PrivateKeyStore given(CompletableFuture<PrivateKeyStore> made, KeyFault otherwise)
      throws KeyFault {
    made.completeExceptionally(otherwise);
    try {
      return made.join();
    } catch (CompletionException e) {
      throw fault(e.getCause());
    }
  }

  private static KeyFault fault(@Nullable Throwable thrown) {
    return switch (thrown) {
      case KeyFault.Unavailable known -> new KeyFault.Unavailable(words(known), known);
      case KeyFault.Failed known -> new KeyFault.Failed(words(known), known);
      case null, default ->
          new KeyFault.Failed(
              "the key store can't be made in the token", new IllegalStateException(thrown));
    };
  }

  private static String words(KeyFault fault) {
    return String.valueOf(fault.getMessage());
  }

  private static KeyFault.Unavailable hangs(Pkcs11Settings settings) {
    return new KeyFault.Unavailable(
        "the library of module-path "
            + settings.uri().modulePath()
            + " hangs in a call"
            + (settings.helper()
                ? ""
                : ", which goes on in this process; with pkcs11-helper = true it runs in one of its"
                    + " own, which is ended then"));
  }

  private TokenPin pin(Pkcs11Uri uri, RefusedPinNote note) {
    return new TokenPin(uri.pinSource(), files, random, note);
  }

  /** Of a token that must be there now. */
  private TokenOpener opener(
      Path directory, Pkcs11Uri uri, LibrarySource library, TokenOpener.Content content) {
    RefusedPinNote note = RefusedPinNote.in(directory, files);
    return new TokenOpener(uri, library, pin(uri, note), nanos, false, content);
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
      keysMayBeLeft(directory, String.valueOf(e.getMessage()));
    }
  }

  private static void keysMayBeLeft(Path directory, String why) {
    System.getLogger(Pkcs11Stores.class.getName())
        .log(
            System.Logger.Level.WARNING,
            "keys may be left in the token; {0} says which: {1}",
            directory.resolve(StoreId.FILE),
            why);
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
    return open(directory, settings, crypto, RefusedPinNote.in(directory, files), true);
  }

  /** The same, and nothing in the folder is changed or removed. */
  PrivateKeyStore openUnchanged(Path directory, Pkcs11Settings settings, SoftwareCrypto crypto)
      throws KeyFault {
    return open(directory, settings, crypto, RefusedPinNote.readOnly(directory, files), false);
  }

  private PrivateKeyStore open(
      Path directory,
      Pkcs11Settings settings,
      SoftwareCrypto crypto,
      RefusedPinNote note,
      boolean sweeps)
      throws KeyFault {
    Pkcs11Uri uri = settings.uri();
    checkApart(directory, uri);
    try {
      files.checkFolder(directory);
      StoreId id = StoreId.read(directory, files);
      if (sweeps) {
        SecureFiles.sweep(directory);
      }
      TokenObjects objects = new TokenObjects(id, uri.object(), crypto);
      return looked(store(note, objects, uri, LibrarySource.of(settings, files)));
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
      RefusedPinNote note, TokenObjects objects, Pkcs11Uri uri, LibrarySource library) {
    KnownKeys keys = new KnownKeys(objects);
    TokenOpener opener =
        new TokenOpener(uri, library, pin(uri, note), nanos, true, new Content(objects, keys));
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
