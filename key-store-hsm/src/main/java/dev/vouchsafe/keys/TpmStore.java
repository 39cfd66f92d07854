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
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
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
  private static final Set<KeyType> TYPES =
      Collections.unmodifiableSet(EnumSet.of(KeyType.EC_P256, KeyType.RSA_2048));

  private static final String DERIVE = "vouchsafe derived secret";
  private static final String SEAL = "vouchsafe sealing secret";

  /** Opening takes less, unless the TPM hangs. */
  private static final Duration LOOKING = Duration.ofSeconds(5);

  private final Path directory;
  private final TpmStoreFile header;
  private final TpmPlace place;
  private final TpmState state;
  private final Map<KeyLabel, TpmKey> keys = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable Thread> opening = new AtomicReference<>();
  private @Nullable TpmConnection connection;

  TpmStore(Path directory, TpmStoreFile header, TpmPlace place, TpmState state) {
    this.directory = directory;
    this.header = header;
    this.place = place;
    this.state = state;
  }

  /** Goes to the TPM now, which must be there. */
  void connect() throws KeyFault {
    turn(
        TpmChip.Limit.OPENING,
        true,
        "opening the key store",
        TpmFaults::atStart,
        (turn, open) -> new TpmPolicies(directory, place, state).look(turn, open));
  }

  /** Looks whether the TPM is there, for a limited time. */
  void lookNow() throws KeyFault.Failed {
    AtomicReference<@Nullable KeyFault> fault = new AtomicReference<>();
    try {
      if (!openBeside(fault::set).join(LOOKING)) {
        KeyFault late = new KeyFault.Unavailable("the TPM at " + way() + " takes its time");
        notNow(state.down(KeyStoreHealth.State.GONE, late, true));
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    KeyFault seen = fault.get();
    if (seen instanceof KeyFault.Failed failed) {
      throw failed;
    }
    if (seen != null) {
      notNow(seen);
    }
  }

  private String way() {
    return place.chip().tools().way();
  }

  private static void notNow(KeyFault why) {
    System.getLogger(TpmStore.class.getName())
        .log(
            System.Logger.Level.WARNING,
            "the key store is not available now: {0}",
            why.getMessage());
  }

  /** A slow TPM takes longer for its primary key than a caller may be held up. */
  private Thread openBeside(Consumer<KeyFault> whenNot) {
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .name("tpm-opening")
            .unstarted(() -> {
              try {
                connect();
              } catch (KeyFault e) {
                whenNot.accept(e);
              }
            });
    Thread before = opening.getAndUpdate(now -> now != null && now.isAlive() ? now : thread);
    if (before != null && before.isAlive()) {
      return before;
    }
    thread.start();
    return thread;
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
  public Set<KeyType> keyTypes() {
    return TYPES;
  }

  @Override
  public StoredKey make(KeyLabel label, KeyType type) throws KeyFault {
    if (!TYPES.contains(type)) {
      throw new KeyFault.Failed(
          "a TPM store makes keys ec-p256 and rsa-2048 only, not " + type.text());
    }
    return inTurn(
        TpmChip.Limit.MAKING,
        "making the key " + label,
        (turn, open) -> {
          TpmKey made = new TpmMaking(this, open).make(turn, label, type);
          if (made.file().pcrs().isPresent()) {
            state.newest(file(label));
          }
          return made;
        });
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

  /**
   * A key that could not be made to the end.
   *
   * @param evicted whether nothing of it is in the TPM: otherwise its file is kept, which says
   *     where
   */
  void forget(KeyLabel label, boolean evicted) {
    keys.remove(label);
    if (evicted) {
      SecureFiles.removeQuietly(file(label));
    }
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
    return inTurn(
        TpmChip.Limit.CALL, "finding the key " + label, (turn, open) -> find(turn, open, label));
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
    key.bind(open, open.load(turn, stored, place.mends()));
    sign(turn, open, key, KeyTrial.request(publicKey));
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
        TpmChip.Limit.CALL,
        "signing with the key " + key.label(),
        (turn, open) -> sign(turn, open, key, message));
  }

  private byte[] sign(TpmTurn turn, TpmConnection open, TpmKey key, byte[] message)
      throws KeyFault, TpmException, IOException {
    TpmRef ref = key.in(open);
    if (ref == null) {
      ref = open.load(turn, key.file(), place.mends());
      key.bind(open, ref);
    }
    byte[] signature = tried(turn, open, key, ref, message);
    if (!place.crypto().verify(key.publicKey(), key.type(), message, signature)) {
      throw new TpmException(
          TpmRc.Kind.STALE, "a signature of the key " + key.label() + " doesn't verify");
    }
    return signature;
  }

  private byte[] tried(TpmTurn turn, TpmConnection open, TpmKey key, TpmRef ref, byte[] message)
      throws KeyFault, TpmException, IOException {
    try {
      byte[] signature =
          new TpmSigning(place.objects())
              .sign(turn, ref, key.type(), key.file().pcrs(), open, message);
      state.unlock(file(key.label()));
      return signature;
    } catch (TpmException e) {
      if (e.is(TpmRc.Kind.POLICY) || e.is(TpmRc.Kind.AUTH)) {
        state.lock(file(key.label()), "the key " + key.label() + ": " + e.getMessage());
      }
      throw e;
    }
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
        TpmChip.Limit.CALL,
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

  /** Calls that are under way end by themselves, and the last one forgets the connection. */
  @Override
  public void close() {
    state.close();
    keys.clear();
    Thread thread = opening.get();
    if (thread != null) {
      thread.interrupt();
    }
    try {
      place
          .chip()
          .turn(
              TpmChip.Limit.CALL,
              _ -> {
                forget();
                return true;
              });
    } catch (KeyFault | TpmException e) {
      System.getLogger(TpmStore.class.getName())
          .log(System.Logger.Level.DEBUG, "the TPM is in use while its key store is closed");
    }
  }

  /** What needs the TPM. */
  interface Work<T> {
    T run(TpmTurn turn, TpmConnection open) throws KeyFault, TpmException, IOException;
  }

  /** Makes a fault of what a program has said. */
  private interface Faults {
    KeyFault of(String what, TpmTools tools, TpmException e);
  }

  private <T> T inTurn(TpmChip.Limit limit, String what, Work<T> work) throws KeyFault {
    return turn(limit, state.enter(), what, TpmFaults::fault, work);
  }

  /**
   * @param tries whether it is to try a TPM that could not be used
   */
  private <T> T turn(TpmChip.Limit limit, boolean tries, String what, Faults faults, Work<T> work)
      throws KeyFault {
    try {
      return place
          .chip()
          .turn(
              limit,
              turn -> {
                // It may have been lost, or closed, while we waited.
                state.begin(tries);
                try {
                  T done = twice(turn, faults, what, work);
                  if (turn.hasAsked()) {
                    state.up();
                  } else if (tries) {
                    state.notTried();
                  }
                  return done;
                } finally {
                  state.end();
                  if (state.isClosed()) {
                    forget();
                  }
                }
              });
    } catch (TpmException e) {
      throw new IllegalStateException("a fault was not translated", e);
    }
  }

  /** A TPM that was reset has forgotten what was loaded: all is loaded anew then, once. */
  private <T> T twice(TpmTurn turn, Faults faults, String what, Work<T> work)
      throws KeyFault, IOException {
    try {
      try {
        return work.run(turn, open(turn));
      } catch (TpmException e) {
        if (!e.is(TpmRc.Kind.STALE) && !e.is(TpmRc.Kind.RESET)) {
          throw e;
        }
        forget();
        return work.run(turn, open(turn));
      }
    } catch (TpmException e) {
      throw failed(faults.of(what, place.chip().tools(), e), e);
    }
  }

  private KeyFault failed(KeyFault fault, TpmException e) throws KeyFault {
    if (e.is(TpmRc.Kind.AUTH) && e.auth().isPresent()) {
      e.auth().get().refuse();
    }
    if (e.is(TpmRc.Kind.FOREIGN) || e.is(TpmRc.Kind.STALE) || e.is(TpmRc.Kind.RESET)) {
      forget();
    }
    if (!TpmFaults.concernsAll(e)) {
      return state.note(TpmFaults.state(e), fault);
    }
    boolean hung = e.is(TpmRc.Kind.HUNG);
    state.down(TpmFaults.state(e), fault, hung);
    if (hung && connection == null && Thread.currentThread() != opening.get()) {
      openBeside(_ -> {});
    }
    return fault;
  }

  /** What it is connected by, in a turn. */
  @Nullable TpmConnection connection() {
    return connection;
  }

  private TpmConnection open(TpmTurn turn) throws KeyFault, TpmException, IOException {
    TpmChip chip = place.chip();
    if (chip.slots().leftovers()) {
      chip.sweep(turn);
    }
    TpmConnection now = connection;
    if (now == null) {
      now = TpmConnection.open(turn, place.objects(), header, place.mends());
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
