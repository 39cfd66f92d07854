package dev.vouchsafe.keys;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A key store in a PKCS#11 token. Private keys are made there and never leave it; secrets are
 * derived and sealed under a secret key that never leaves it either.
 *
 * <p>Invariant: a label has one {@link Pkcs11Key} for the life of the store, with the public key
 * that was first seen. A handle is used only in the connection that it was found in, and only after
 * the key behind it has proven to be the one of that public key.
 */
final class Pkcs11Store implements PrivateKeyStore {
  private static final String DERIVE = "vouchsafe derived secret";
  private static final String SEAL = "vouchsafe sealing secret";

  /** For others than the maker. A slow token takes a minute for a key: too long for a worker. */
  private static final long PATIENCE_SECONDS = 1;

  private static final Duration LOOKING = Duration.ofSeconds(5);

  private final LibrarySource library;
  private final TokenLink link;
  private final TokenObjects objects;
  private final SealedSecrets secrets;
  private final Pkcs11Description description;
  private final KnownKeys keys;

  /**
   * @param library closed with this
   */
  Pkcs11Store(
      LibrarySource library,
      TokenLink link,
      TokenObjects objects,
      KnownKeys keys,
      SealedSecrets secrets,
      Pkcs11Description description) {
    this.library = library;
    this.link = link;
    this.objects = objects;
    this.keys = keys;
    this.secrets = secrets;
    this.description = description;
  }

  /** Goes to the token now, which must be there. */
  void connect() throws KeyFault {
    link.look().connectionOrThrow();
  }

  /**
   * Looks for the token now, in a thread of its own: a library that hangs must not keep the service
   * from starting.
   *
   * @throws KeyFault.Failed if it will not be found later either
   */
  void lookNow() throws KeyFault.Failed {
    AtomicReference<@Nullable Opening> seen = new AtomicReference<>();
    Thread looking =
        Thread.ofPlatform().daemon().name("token-opening").start(() -> seen.set(link.look()));
    try {
      looking.join(LOOKING);
      Opening opening = seen.get();
      if (opening != null) {
        opening.connectionOrThrow();
      } else {
        notNow("the PKCS#11 library takes its time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (KeyFault.Failed e) {
      throw e;
    } catch (KeyFault e) {
      notNow(String.valueOf(e.getMessage()));
    }
  }

  private static void notNow(String why) {
    System.getLogger(Pkcs11Store.class.getName())
        .log(System.Logger.Level.WARNING, "the key store is not available now: {0}", why);
  }

  @Override
  public KeyStoreHealth health() {
    return link.health();
  }

  @Override
  public KeyStoreDescription describe() {
    return description.now();
  }

  @Override
  public Set<KeyType> keyTypes() {
    return EnumSet.allOf(KeyType.class);
  }

  @Override
  public StoredKey make(KeyLabel label, KeyType type) throws KeyFault {
    TokenConnection connection = link.connection();
    if (connection.token().is(Ck.CKF_WRITE_PROTECTED)) {
      throw new KeyFault.Failed("token " + connection.token().named() + " is write-protected");
    }
    ReentrantLock making = lock(connection);
    try {
      return call(
          connection,
          connection.library().calls().limits().making(),
          "making the key " + label,
          session -> {
            TokenObjects.Pair made = objects.make(session, label, type);
            Pkcs11Key key = new Pkcs11Key(this, label, made.type(), made.publicKey());
            key.bind(connection, made.privateKey());
            keys.put(key);
            return key;
          });
    } finally {
      making.unlock();
    }
  }

  private static ReentrantLock lock(TokenConnection connection) throws KeyFault.Unavailable {
    ReentrantLock making = connection.library().making();
    try {
      if (making.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        return making;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new KeyFault.Unavailable(
        "token " + connection.token().named() + " is busy with making another key");
  }

  @Override
  public Optional<StoredKey> find(KeyLabel label) throws KeyFault {
    return repeatable(
        "finding the key " + label,
        (connection, session) -> {
          OptionalLong handle = objects.privateKey(session, label);
          return handle.isEmpty()
              ? Optional.empty()
              : Optional.of(found(connection, session, label, handle.getAsLong()));
        });
  }

  private Pkcs11Key found(
      TokenConnection connection, CryptokiSession session, KeyLabel label, long handle)
      throws KeyFault, CryptokiException {
    Pkcs11Key known = keys.get(label);
    if (known != null && known.isBoundTo(connection, handle)) {
      return known;
    }
    TokenObjects.Pair pair = objects.read(session, label, handle);
    Pkcs11Key key = keys.putIfAbsent(new Pkcs11Key(this, label, pair.type(), pair.publicKey()));
    KnownKeys.bind(connection, key, pair);
    return key;
  }

  byte[] sign(Pkcs11Key key, byte[] message) throws KeyFault {
    return repeatable(
        "signing with the key " + key.label(),
        (connection, session) ->
            TokenSignature.sign(session, handle(connection, session, key), key.type(), message));
  }

  private long handle(TokenConnection connection, CryptokiSession session, Pkcs11Key key)
      throws KeyFault, CryptokiException {
    Pkcs11Key.Bound bound = key.bound();
    if (bound != null && bound.connection() == connection) {
      return bound.handle();
    }
    long handle =
        objects
            .privateKey(session, key.label())
            .orElseThrow(
                () -> new KeyFault.Failed("the key " + key.label() + " is no longer in the token"));
    found(connection, session, key.label(), handle);
    return handle;
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
    return repeatable(
        "deriving a secret",
        (connection, session) -> TokenObjects.mac(session, connection.sealingKey(), input));
  }

  @Override
  public byte[] seal(KeyLabel purpose, byte[] secret) throws KeyFault {
    SealedSecrets.checkSecret(secret);
    byte[] key = derive(SEAL, purpose);
    try {
      return secrets.seal(key, purpose, secret);
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

  @Override
  public void close() {
    link.close();
    library.close();
    keys.forget();
  }

  /** Work that may be done twice, in the connection that is there. */
  private interface Repeatable<T> {
    T run(TokenConnection connection, CryptokiSession session) throws KeyFault, CryptokiException;
  }

  /**
   * Does it, and once more if the connection was lost in it and is replaced at once: so a session
   * that had ended while nobody used it shows to nobody. Not after a hang, since the caller has
   * waited long enough then.
   */
  private <T> T repeatable(String what, Repeatable<T> work) throws KeyFault {
    TokenConnection first = link.connection();
    long begun = System.nanoTime();
    try {
      return call(first, signing(first), what, session -> work.run(first, session));
    } catch (KeyFault.Unavailable fault) {
      if (!first.isRetired() || System.nanoTime() - begun >= signing(first)) {
        throw fault;
      }
      TokenConnection second = next(fault);
      return call(second, signing(second), what, session -> work.run(second, session));
    }
  }

  private static long signing(TokenConnection connection) {
    return connection.library().calls().limits().signing();
  }

  private TokenConnection next(KeyFault.Unavailable fault) throws KeyFault {
    try {
      return link.connection();
    } catch (KeyFault.Unavailable e) {
      fault.addSuppressed(e);
      throw fault;
    }
  }

  private <T> T call(
      TokenConnection connection, long limit, String what, TokenConnection.Work<T> work)
      throws KeyFault {
    try {
      return connection.in(limit, work);
    } catch (CryptokiException e) {
      throw TokenOpener.fault("token " + connection.token().named() + ", " + what, e);
    }
  }
}
