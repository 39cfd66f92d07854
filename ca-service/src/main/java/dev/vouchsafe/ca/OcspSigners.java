package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Who answers for which authority. They are made on a thread of their own when somebody asks, and
 * anew when half of their life is over; the present one goes on meanwhile.
 */
final class OcspSigners implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(OcspSigners.class.getName());

  /** After a failure none is tried for this long. */
  private static final Duration PAUSE = Duration.ofSeconds(5);

  /** The first who asks waits for this long at most; the rest are told to come again. */
  private static final Duration FIRST_WAITS = Duration.ofSeconds(1);

  private final Issuers issuers;
  private final NamedStores stores;
  private final SoftwareCrypto crypto;
  private final OcspSignerMaker maker;
  private final Distrust distrust;
  private final TrustedClock clock;
  private final Pace pace;
  private final ThreadPoolExecutor thread = IdleThreads.one("vouchsafe-ocsp");
  private final Map<Long, OcspSigner> signers = new ConcurrentHashMap<>();
  private final Map<Long, Long> failedAt = new ConcurrentHashMap<>();
  private final Set<Long> making = ConcurrentHashMap.newKeySet();

  OcspSigners(
      Issuers issuers,
      NamedStores stores,
      SoftwareCrypto crypto,
      OcspSignerMaker maker,
      Distrust distrust,
      TrustedClock clock,
      Pace pace) {
    this.distrust = distrust;
    this.issuers = issuers;
    this.stores = stores;
    this.crypto = crypto;
    this.maker = maker;
    this.clock = clock;
    this.pace = pace;
  }

  /** Who answers for that authority now, if somebody can. */
  Optional<OcspSigner> of(StoredAuthority authority, Instant now) {
    long row = authority.row().row();
    Optional<OcspSigner> usable = valid(row, now);
    if (usable.isPresent() && !usable.get().isDue(now, clock.epoch())) {
      return usable;
    }
    CompletableFuture<@Nullable Void> made = begin(authority);
    if (usable.isEmpty() && made != null) {
      var _ =
          made.copy().completeOnTimeout(null, FIRST_WAITS.toMillis(), TimeUnit.MILLISECONDS).join();
      usable = valid(row, now);
    }
    return usable;
  }

  private Optional<OcspSigner> valid(long row, Instant now) {
    return Optional.ofNullable(signers.get(row)).filter(it -> it.isValidAt(now));
  }

  /** The making of one, if this is who begins it. */
  private @Nullable CompletableFuture<@Nullable Void> begin(StoredAuthority authority) {
    long row = authority.row().row();
    Long failed = failedAt.get(row);
    boolean rests = failed != null && pace.nanoTime().getAsLong() - failed < PAUSE.toNanos();
    if (!maySign(authority) || rests || !making.add(row)) {
      return null;
    }
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    try {
      thread.execute(() -> make(authority, done));
      return done;
    } catch (RejectedExecutionException e) {
      making.remove(row);
      return null;
    }
  }

  /**
   * Whether that authority may have one made, should its key be there. A root in a store of its own
   * is not asked for each day. One that is revoked signs no certificate any more; who answers for
   * it goes on until that ends, since its key is another one.
   */
  boolean maySign(StoredAuthority authority) {
    AuthorityRow row = authority.row();
    return !row.isOutside()
        && (row.state() == State.ACTIVE || row.state() == State.RETIRING)
        && (row.role() == Role.DEVICE
            || row.keyStore().equals(issuers.chain().device().row().keyStore()))
        && !distrust.covers(authority);
  }

  /** The edge of the thread: whatever is thrown ends the making and is in the log. */
  private void make(StoredAuthority authority, CompletableFuture<@Nullable Void> done) {
    long row = authority.row().row();
    boolean made = false;
    try {
      signers.put(row, maker.make(authority, AuthorityKey.of(authority, stores, crypto)));
      made = true;
    } catch (IssuanceException e) {
      if (!failedAt.containsKey(row)) {
        LOG.log(
            System.Logger.Level.WARNING,
            "nobody can answer OCSP requests for {0} now: {1}",
            authority.row().id(),
            Failures.words(e));
      }
    } finally {
      if (made) {
        failedAt.remove(row);
      } else {
        failedAt.put(row, pace.nanoTime().getAsLong());
      }
      making.remove(row);
      done.complete(null);
    }
  }

  @Override
  public void close() {
    thread.shutdown();
    signers.clear();
  }
}
