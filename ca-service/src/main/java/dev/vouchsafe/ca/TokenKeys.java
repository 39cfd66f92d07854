package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.KeyLedger.KeyState;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The keys that sign tokens, and who signs when.
 *
 * <p>Invariants: what signs was in {@code jwks.json}, on the disk, before; there are an active key
 * and a next one, the next announced for at least {@link #ANNOUNCED} before it takes over; the
 * ledger knows each key and its state before it is used in that state. Where a step can't be done,
 * because the store is away or the disk is full, the key that signs goes on until it can.
 *
 * <p>Whatever waits for store, ledger or file is done on one thread of its own, and nowhere else.
 */
final class TokenKeys {
  /** How long a key is announced, at the least, before it signs. */
  static final Duration ANNOUNCED = Duration.ofHours(1);

  /** A rotation that failed is not tried again for this long, so that callers don't pay for it. */
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final System.Logger LOG = System.getLogger(TokenKeys.class.getName());

  private final KeyLedger ledger;
  private final Sealer sealer;
  private final SoftwareCrypto crypto;
  private final InstantSource clock;
  private final Duration life;
  private final Duration cap;
  private final JwksFile file;
  private final Pace pace;
  private final Announcements announcements;
  private final ThreadPoolExecutor carer;
  private final AtomicBoolean caring = new AtomicBoolean();
  private volatile @Nullable TokenKeyRing ring;

  /** By {@link Pace#nanoTime}. */
  private volatile @Nullable Long failedAt;

  private volatile boolean published;

  /** The time up to which more keys belong into the file: the clock went back if it comes. */
  private volatile Instant fileLacksKeysUntil = Instant.MIN;

  /** Whether the log has it that they can't be unsealed. */
  private boolean sealedTold;

  /** A write that may or may not come to the ledger. */
  private volatile @Nullable CompletableFuture<?> inDoubt;

  TokenKeys(
      CaSettings settings,
      KeyLedger ledger,
      Sealer sealer,
      SoftwareCrypto crypto,
      InstantSource clock,
      Pace pace) {
    this.ledger = ledger;
    this.sealer = sealer;
    this.crypto = crypto;
    this.clock = clock;
    this.life = settings.tokens().key();
    this.cap = settings.tokens().tokenCap();
    this.file = new JwksFile(settings.directory());
    this.pace = pace;
    this.announcements = new Announcements(clock, pace.nanoTime());
    this.carer = IdleThreads.one("vouchsafe-token-keys");
  }

  /**
   * The key that signs now. Nobody waits on a thread: one request at most has the keys looked after
   * and continues when that is done, for {@link Pace#keyWait} at the most; meanwhile the others get
   * the key that signed until now, if it can.
   *
   * @param underWay counts looking after the keys, too
   * @return exceptionally with {@link Reason#KEY_STORE_UNAVAILABLE} if none can sign yet, or with
   *     the reason why none can
   */
  CompletableFuture<TokenKey> signing(Instant now, UnderWay underWay) {
    TokenKeyRing current = ring;
    if (current != null && published && !wantsCare(current, now)) {
      return CompletableFuture.completedFuture(current.active());
    }
    if (!caring.compareAndSet(false, true)) {
      return asItIs();
    }
    CompletableFuture<TokenKey> cared = new CompletableFuture<>();
    if (!begin(() -> careFor(cared, now, underWay), underWay)) {
      return asItIs();
    }
    return cared
        .copy()
        .orTimeout(pace.keyWait().toNanos(), TimeUnit.NANOSECONDS)
        .exceptionallyCompose(failure ->
            failure instanceof TimeoutException
                ? asItIs()
                : CompletableFuture.failedFuture(failure));
  }

  private boolean begin(Runnable care, UnderWay underWay) {
    boolean begun = false;
    boolean entered = underWay.enter();
    try {
      if (entered) {
        carer.execute(care);
        begun = true;
      }
      return begun;
    } finally {
      if (!begun) {
        caring.set(false);
        if (entered) {
          underWay.leave();
        }
      }
    }
  }

  /** The edge of the thread: whatever is thrown, an Error too, ends as an answer. */
  private void careFor(CompletableFuture<TokenKey> cared, Instant now, UnderWay underWay) {
    var _ =
        CompletableFuture.completedFuture(now)
            .thenCompose(this::prepareNow)
            .whenComplete((key, failure) -> {
              caring.set(false);
              underWay.leave();
              if (failure == null) {
                cared.complete(key);
              } else {
                cared.completeExceptionally(failure);
              }
            });
  }

  private CompletableFuture<TokenKey> prepareNow(Instant now) {
    try {
      return CompletableFuture.completedFuture(prepare(now).active());
    } catch (IssuanceException e) {
      return CompletableFuture.failedFuture(e);
    } catch (KeyFault e) {
      if (!sealedTold) {
        LOG.log(System.Logger.Level.WARNING, "the token keys: {0}", e.getMessage());
        sealedTold = true;
      }
      return CompletableFuture.failedFuture(Sealer.answer(e));
    }
  }

  private CompletableFuture<TokenKey> asItIs() {
    TokenKeyRing current = ring;
    return current == null || !published || !current.active().isUnsealed()
        ? CompletableFuture.failedFuture(
            new IssuanceException(
                Reason.KEY_STORE_UNAVAILABLE, "the token keys are being unsealed"))
        : CompletableFuture.completedFuture(current.active());
  }

  /** The public keys that verify tokens which live now, and the next one's. */
  String jwks() {
    TokenKeyRing current = ring;
    return current == null ? TokenKeyRing.EMPTY : current.jwks(clock.instant(), keepsNewest());
  }

  /** A clock that runs ahead takes no key away before its last token has really ended. */
  private boolean keepsNewest() {
    return !announcements.isQuietFor(cap.plus(TokenKeyRing.SKEW));
  }

  /**
   * Makes ready, at the start, before anything is signed.
   *
   * @throws KeyFault also if the next key, which nobody needs yet, can't ever be unsealed
   */
  void start(Instant now) throws KeyFault, IssuanceException {
    Optional<TokenKey> next = prepare(now).next();
    if (next.isPresent()) {
      next.get().unseal(sealer);
    }
  }

  /**
   * Loads, unseals, publishes and rotates, whatever of it is wanted now.
   *
   * @throws KeyFault if the active key can't be unsealed, or the first keys can't be sealed
   * @throws IssuanceException if the ledger or {@code jwks.json} can't be read or written
   */
  private TokenKeyRing prepare(Instant now) throws KeyFault, IssuanceException {
    TokenKeyRing current = ring;
    if (current == null) {
      current = load(now);
      ring = current;
    }
    if (!published) {
      publish(current, now);
      published = true;
    }
    current.active().unseal(sealer);
    sealedTold = false;
    unsealAhead(current);
    if (wantsCare(current, now)) {
      current = care(current, now);
      ring = current;
    }
    return current;
  }

  /**
   * Does something while nothing else is done about the keys, which seal and are sealed by nobody
   * meanwhile.
   */
  CompletableFuture<?> alone(Runnable work) {
    return CompletableFuture.runAsync(work, carer);
  }

  /**
   * Every key that signs or will sign, sealed by another store as well; only within {@link #alone}.
   *
   * @return by kid
   * @throws KeyFault if that store can't, or a key is still sealed and can't be unsealed
   */
  Map<String, Blob> sealedBy(Sealer other) throws KeyFault, IssuanceException {
    TokenKeyRing current = prepare(clock.instant().truncatedTo(ChronoUnit.SECONDS));
    if (inDoubt != null) {
      throw new IssuanceException(
          Reason.LEDGER_UNAVAILABLE, "a change of the token keys is still being written");
    }
    return current.sealedBy(sealer, other);
  }

  /** While the store is there, so that the next key can take over when it is not. */
  private void unsealAhead(TokenKeyRing current) {
    try {
      if (current.next().isPresent()) {
        current.next().get().unseal(sealer);
      }
    } catch (KeyFault e) {
      LOG.log(System.Logger.Level.WARNING, "the next token key: {0}", e.getMessage());
    }
  }

  private boolean wantsCare(TokenKeyRing current, Instant now) {
    if (!current.active().isUnsealed()) {
      return true;
    }
    Long failed = failedAt;
    boolean pausing = failed != null && pace.nanoTime().getAsLong() - failed < PAUSE_NANOS;
    return !pausing
        && (inDoubt != null
            || current.isOfTheFuture(now)
            || !now.isAfter(fileLacksKeysUntil)
            || current.next().isEmpty()
            || current.isOver(life, now));
  }

  private TokenKeyRing load(Instant now) throws KeyFault, IssuanceException {
    List<KeyLedger.StoredTokenKey> stored = ledger.tokenKeys();
    return stored.isEmpty() ? makeFirst(now) : TokenKeyRing.of(stored, null, crypto);
  }

  private TokenKeyRing makeFirst(Instant now) throws KeyFault, IssuanceException {
    TokenKey active = TokenKey.make(crypto, sealer, now);
    TokenKey next = TokenKey.make(crypto, sealer, now);
    TokenKeyRing first = new TokenKeyRing(active, now, Optional.of(next), List.of());
    ledger.keepFirst(active.stored(KeyState.ACTIVE), next.stored(KeyState.NEXT));
    return first;
  }

  /** What can be done later does no harm now: the key that signs goes on. */
  private TokenKeyRing care(TokenKeyRing before, Instant now) {
    TokenKeyRing current = before;
    try {
      if (inDoubt != null) {
        current = readBack(current, now);
      }
      if (current.isOfTheFuture(now)) {
        current = rebase(current, now);
      }
      if (!now.isAfter(fileLacksKeysUntil)) {
        publish(current, now);
      }
      current = rotate(current, now);
      if (!current.isOver(life, now) && current.next().isPresent()) {
        failedAt = null;
      } else {
        tell("the next one is not there, or not announced for long enough");
      }
    } catch (IssuanceException | KeyFault e) {
      tell(String.valueOf(e.getMessage()));
    }
    return current;
  }

  /** Only behind the write that is in doubt: before it, the ledger would tell of the past. */
  private TokenKeyRing readBack(TokenKeyRing before, Instant now)
      throws KeyFault, IssuanceException {
    CompletableFuture<?> write = inDoubt;
    if (write != null && !write.isDone()) {
      throw new IssuanceException(
          Reason.LEDGER_UNAVAILABLE, "the ledger's disk still does not answer");
    }
    TokenKeyRing known = TokenKeyRing.of(ledger.tokenKeys(), before, crypto);
    known.active().unseal(sealer);
    announcements.rotated();
    publish(known, now);
    inDoubt = null;
    return known;
  }

  /** The clock was ahead when it rotated; by its times the next rotation would be years away. */
  private TokenKeyRing rebase(TokenKeyRing current, Instant now) throws IssuanceException {
    LOG.log(System.Logger.Level.WARNING, "the clock went back: the token keys count from now");
    write(ledger.rebase(current.active().kid(), now));
    if (current.next().isPresent()) {
      write(ledger.rebase(current.next().get().kid(), now));
    }
    return current.rebased(now);
  }

  private void write(CompletableFuture<?> write) throws IssuanceException {
    inDoubt = write;
    KeyLedger.await(write, pace.longestWait());
    inDoubt = null;
  }

  private void tell(String why) {
    if (failedAt == null) {
      LOG.log(System.Logger.Level.WARNING, "the token key can''t be rotated yet: {0}", why);
    }
    failedAt = pace.nanoTime().getAsLong();
  }

  /** One step at most, since a key that wasn't announced long enough must not sign. */
  private TokenKeyRing rotate(TokenKeyRing current, Instant now)
      throws KeyFault, IssuanceException {
    if (current.isOver(life, now) && current.next().isPresent()) {
      TokenKey taking = current.next().get();
      return announcements.isNextPublishedFor(ANNOUNCED, current, now)
          ? takeOver(current, taking, now)
          : current;
    }
    if (current.next().isEmpty()) {
      TokenKey fresh = TokenKey.make(crypto, sealer, now);
      TokenKeyRing wanted = current.withNext(fresh);
      publish(wanted, now);
      write(ledger.keepNext(fresh.stored(KeyState.NEXT)));
      return wanted;
    }
    return current;
  }

  private TokenKeyRing takeOver(TokenKeyRing current, TokenKey taking, Instant now)
      throws KeyFault, IssuanceException {
    taking.unseal(sealer);
    Optional<TokenKey> fresh = makeNext(now);
    // Somebody may be about to sign with it just now.
    current.active().mayLiveUntil(now.plus(cap));
    TokenKeyRing wanted = current.rotated(taking, now, fresh);
    // Before they are published, so that those in the file are the ones that we answer with.
    announcements.rotated();
    publish(wanted, now);
    write(
        ledger.takeOver(
            current.active().kid(),
            taking.kid(),
            fresh.map(key -> key.stored(KeyState.NEXT)),
            now));
    return wanted;
  }

  /** A new key, unless the store can't now: the announced one takes over all the same. */
  private Optional<TokenKey> makeNext(Instant now) {
    try {
      return Optional.of(TokenKey.make(crypto, sealer, now));
    } catch (KeyFault e) {
      LOG.log(System.Logger.Level.WARNING, "no next token key yet: {0}", e.getMessage());
      return Optional.empty();
    }
  }

  private void publish(TokenKeyRing wanted, Instant now) throws IssuanceException {
    try {
      boolean keepsNewest = keepsNewest();
      file.hold(wanted.jwks(now, keepsNewest));
      fileLacksKeysUntil = wanted.lacksKeysUntil(now, keepsNewest);
      announcements.published(wanted);
    } catch (IOException e) {
      throw new IssuanceException(
          Reason.LEDGER_UNAVAILABLE, JwksFile.NAME + " can't be written: " + e.getMessage(), e);
    }
  }
}
