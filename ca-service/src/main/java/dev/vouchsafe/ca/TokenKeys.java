package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.KeyLedger.KeyState;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The keys that sign tokens, and who signs when.
 *
 * <p>Invariants: what signs was in {@code jwks.json}, on the disk, before; there are an active key
 * and a next one, the next announced for at least {@link #ANNOUNCED} before it takes over; the
 * ledger knows each key and its state before it is used in that state. Where a step can't be done,
 * because the store is away or the disk is full, the key that signs goes on until it can.
 */
final class TokenKeys {
  /** How long a key is announced, at the least, before it signs. */
  static final Duration ANNOUNCED = Duration.ofHours(1);

  /** A rotation that failed is not tried again for this long, so that callers don't pay for it. */
  private static final Duration PAUSE = Duration.ofSeconds(5);

  private static final System.Logger LOG = System.getLogger(TokenKeys.class.getName());

  private final KeyLedger ledger;
  private final Sealer sealer;
  private final SoftwareCrypto crypto;
  private final InstantSource clock;
  private final Duration life;
  private final Duration cap;
  private final JwksFile file;
  private final ReentrantLock caring = new ReentrantLock();
  private volatile @Nullable TokenKeyRing ring;
  private volatile @Nullable Instant failedAt;
  private volatile boolean published;

  /** The time up to which more keys belong into the file: the clock went back if it comes. */
  private volatile Instant fileLacksKeysUntil = Instant.MIN;

  /** Whether the log has it that they can't be unsealed. */
  private boolean sealedTold;

  /** Whether a write may or may not have come to the ledger. */
  private volatile boolean ledgerInDoubt;

  TokenKeys(
      CaSettings settings,
      KeyLedger ledger,
      Sealer sealer,
      SoftwareCrypto crypto,
      InstantSource clock) {
    this.ledger = ledger;
    this.sealer = sealer;
    this.crypto = crypto;
    this.clock = clock;
    this.life = settings.tokens().key();
    this.cap = settings.tokens().tokenCap();
    this.file = new JwksFile(settings.directory());
  }

  /**
   * The key that signs now. Only one caller waits for the store; meanwhile the others get the key
   * that signed until now, if it can.
   */
  TokenKey signing(Instant now) throws IssuanceException {
    TokenKeyRing current = ring;
    if (current != null && published && !wantsCare(current, now)) {
      return current.active();
    }
    if (caring.tryLock()) {
      try {
        return prepare(now).active();
      } catch (KeyFault e) {
        if (!sealedTold) {
          LOG.log(System.Logger.Level.WARNING, "the token keys: {0}", e.getMessage());
          sealedTold = true;
        }
        throw Sealer.answer(e);
      } finally {
        caring.unlock();
      }
    }
    current = ring;
    if (current == null || !published || !current.active().isUnsealed()) {
      throw new IssuanceException(
          Reason.KEY_STORE_UNAVAILABLE, "the token keys are being unsealed");
    }
    return current.active();
  }

  /** The public keys that verify tokens which live now, and the next one's. */
  String jwks() {
    TokenKeyRing current = ring;
    return current == null ? TokenKeyRing.EMPTY : current.jwks(clock.instant());
  }

  /**
   * The same, for the start.
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
  TokenKeyRing prepare(Instant now) throws KeyFault, IssuanceException {
    caring.lock();
    try {
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
    } finally {
      caring.unlock();
    }
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
    Instant failed = failedAt;
    boolean pausing = failed != null && !now.isBefore(failed) && now.isBefore(failed.plus(PAUSE));
    return !pausing
        && (ledgerInDoubt
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
      if (ledgerInDoubt) {
        TokenKeyRing known = TokenKeyRing.of(ledger.tokenKeys(), current, crypto);
        known.active().unseal(sealer);
        publish(known, now);
        current = known;
        ledgerInDoubt = false;
      }
      if (!now.isAfter(fileLacksKeysUntil)) {
        publish(current, now);
      }
      current = rotate(current, now);
      if (!current.isOver(life, now) && current.next().isPresent()) {
        failedAt = null;
      } else {
        tell("the next one is not there, or not announced for long enough", now);
      }
    } catch (IssuanceException | KeyFault e) {
      tell(String.valueOf(e.getMessage()), now);
    }
    return current;
  }

  private void tell(String why, Instant now) {
    if (failedAt == null) {
      LOG.log(System.Logger.Level.WARNING, "the token key can''t be rotated yet: {0}", why);
    }
    failedAt = now;
  }

  /** One step at most, since a key that wasn't announced long enough must not sign. */
  private TokenKeyRing rotate(TokenKeyRing current, Instant now)
      throws KeyFault, IssuanceException {
    if (current.isOver(life, now) && current.next().isPresent()) {
      TokenKey taking = current.next().get();
      return now.isBefore(taking.created().plus(ANNOUNCED))
          ? current
          : takeOver(current, taking, now);
    }
    if (current.next().isEmpty()) {
      TokenKey fresh = TokenKey.make(crypto, sealer, now);
      TokenKeyRing wanted = current.withNext(fresh);
      publish(wanted, now);
      ledgerInDoubt = true;
      ledger.keepNext(fresh.stored(KeyState.NEXT));
      ledgerInDoubt = false;
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
    publish(wanted, now);
    ledgerInDoubt = true;
    ledger.takeOver(
        current.active().kid(), taking.kid(), fresh.map(key -> key.stored(KeyState.NEXT)), now);
    ledgerInDoubt = false;
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
      file.hold(wanted.jwks(now));
      fileLacksKeysUntil = wanted.lacksKeysUntil(now);
    } catch (IOException e) {
      throw new IssuanceException(
          Reason.LEDGER_UNAVAILABLE, JwksFile.NAME + " can't be written: " + e.getMessage(), e);
    }
  }
}
