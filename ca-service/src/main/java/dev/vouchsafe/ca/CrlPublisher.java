package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.CrlLedger.ListRow;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClock.Reading;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Makes the revocation lists of roots and device CAs, one after the other on a thread of its own:
 * at once when something is revoked, and again at about half of their time, so that a key store may
 * be away for the other half. Nobody who asks for a list waits for one. An issuing CA signs none:
 * its certificate doesn't let it, and its leaves say that there is none.
 *
 * <p>The intent of each is in the ledger before the key signs. Its number is higher than that of
 * any list before, and not lower than the seconds since 1970: so it rises also from an old backup
 * of the ledger.
 */
final class CrlPublisher implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(CrlPublisher.class.getName());

  /** How often it looks whether a list is due. */
  private static final Duration TICK = Duration.ofSeconds(10);

  /** After a failure none is tried for this long, unless there is something new to say. */
  static final Duration PAUSE = Duration.ofSeconds(60);

  /** Clocks of those who verify may run behind ours by this. */
  private static final Duration BACK_DATED = Duration.ofSeconds(60);

  /** More than a key store takes before its lane gives it up. */
  private static final Duration SIGNING_WAITS = Duration.ofSeconds(10);

  private static final Duration CLOSE_WAITS = Duration.ofSeconds(2);

  private final CaSettings settings;
  private final Issuers issuers;
  private final NamedStores stores;
  private final SoftwareCrypto crypto;
  private final CrlLedger ledger;
  private final TrustedClock clock;
  private final Pace pace;
  private final CrlFiles files;
  private final CrlLoader loader;
  private final Map<String, CrlLine> lines = new ConcurrentHashMap<>();
  private final Map<String, SigningKey> keys = new ConcurrentHashMap<>();
  private final ScheduledThreadPoolExecutor thread;
  private final AtomicBoolean started = new AtomicBoolean();

  CrlPublisher(
      CaSettings settings,
      Issuers issuers,
      NamedStores stores,
      SoftwareCrypto crypto,
      CrlLedger ledger,
      TrustedClock clock,
      Pace pace) {
    this.settings = settings;
    this.issuers = issuers;
    this.stores = stores;
    this.crypto = crypto;
    this.ledger = ledger;
    this.clock = clock;
    this.pace = pace;
    this.files = new CrlFiles(settings.directory());
    this.loader = new CrlLoader(files, crypto, ledger);
    this.thread =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().name("vouchsafe-crl").daemon().factory());
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /**
   * Has the lists made and kept up to date from now on.
   *
   * @param beside is done each time that it looks
   */
  void start(Runnable beside) {
    if (!started.compareAndSet(false, true)) {
      return;
    }
    try {
      var _ =
          thread.scheduleWithFixedDelay(
              () -> {
                look(false);
                edge(CompletableFuture.completedFuture(beside).thenAccept(Runnable::run));
              },
              0,
              TICK.toMillis(),
              TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.log(System.Logger.Level.DEBUG, "closing: no list is made");
    }
    clock.listen(change -> {
      var _ = publish();
    });
  }

  /**
   * Makes now what is due, whatever failed a moment ago.
   *
   * @return completes, never exceptionally, when that is done or can't be
   */
  CompletableFuture<@Nullable Void> publish() {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    try {
      thread.execute(() -> {
        look(true);
        done.complete(null);
      });
    } catch (RejectedExecutionException e) {
      done.complete(null);
    }
    return done;
  }

  private void look(boolean asked) {
    edge(CompletableFuture.completedFuture(asked).thenAccept(this::lookAtAll));
  }

  /** The edge of the thread: whatever is thrown, an Error too, is in the log, and it goes on. */
  private static void edge(CompletableFuture<?> work) {
    var _ =
        work.whenComplete((done, failure) -> {
          if (failure != null) {
            LOG.log(System.Logger.Level.ERROR, "looking for revocation lists failed", failure);
          }
        });
  }

  private void lookAtAll(boolean asked) {
    for (CrlLine line : signing()) {
      var _ =
          CompletableFuture.completedFuture(line)
              .thenAccept(it -> look(it, asked))
              .whenComplete((done, failure) -> {
                if (failure != null) {
                  line.failed("a list can't be made; see the log", pace.nanoTime().getAsLong());
                  LOG.log(System.Logger.Level.ERROR, "making a revocation list failed", failure);
                }
              });
    }
  }

  private void look(CrlLine line, boolean asked) {
    try {
      long last = ledger.last(line.row());
      Reading time = clock.read();
      CrlLine.TrustedLook look = new CrlLine.TrustedLook(time.now(), time.isTrusted());
      line.lacks(last > line.covers() ? ledger.after(line.row(), line.covers()) : 0);
      if (!asked && line.rests(pace.nanoTime().getAsLong(), PAUSE)) {
        return;
      }
      if (line.isDue(look, last, settings.revocation().listLifetime())) {
        make(line, time);
        line.lacks(ledger.after(line.row(), line.covers()));
      } else if (!line.fault().isEmpty()) {
        line.served().ifPresent(it -> keep(line, it.list().der()));
      }
    } catch (IssuanceException e) {
      failed(line, e);
    }
  }

  private void failed(CrlLine line, Exception e) {
    String why = Failures.words(e);
    if (!why.equals(line.fault())) {
      LOG.log(
          System.Logger.Level.WARNING,
          "no revocation list of {0} can be made: {1}",
          line.id(),
          why);
    }
    line.failed(why, pace.nanoTime().getAsLong());
  }

  /**
   * The lines of authorities whose key can sign now, as far as can be told without it. The device
   * CAs come first, the newest of them at once: a root's store may be slow, or hang.
   */
  private List<CrlLine> signing() {
    List<CrlLine> able = new ArrayList<>();
    AuthorityChain chain = issuers.chain();
    List<StoredAuthority> ordered = new ArrayList<>(chain.all().reversed());
    ordered.sort(Comparator.comparing(it -> it.row().role() == Role.ROOT));
    for (StoredAuthority authority : ordered) {
      line(authority).filter(line -> maySign(chain, line, authority.row())).ifPresent(able::add);
    }
    lines.values().forEach(line -> line.signs(able.contains(line)));
    return able;
  }

  /**
   * A root in a store of its own may be in a drawer: it is asked only once there is something on
   * its list. And one that has retired only as long as something on it may still be believed: those
   * who have it from before it left the trust bundle go on believing it until it ends.
   *
   * @param row as it is now: the line has it as it was
   */
  private boolean maySign(AuthorityChain chain, CrlLine line, AuthorityRow row) {
    if (row.isOutside() || row.state() == State.PREPARED || row.state() == State.PUBLISHED) {
      return false;
    }
    if (row.state() == State.RETIRED) {
      return row.role() == Role.ROOT && names(line);
    }
    if (row.role() != Role.ROOT || row.keyStore().equals(chain.device().row().keyStore())) {
      return true;
    }
    try {
      return ledger.last(row.row()) > 0;
    } catch (IssuanceException e) {
      failed(line, e);
      return false;
    }
  }

  /** Whether its list names something that has not ended, nor has it itself. */
  private boolean names(CrlLine line) {
    Instant now = clock.instant();
    try {
      return line.issuer().isValidAt(now) && !ledger.entries(line.row(), now).isEmpty();
    } catch (IssuanceException e) {
      failed(line, e);
      return false;
    }
  }

  private Optional<CrlLine> line(StoredAuthority authority) {
    String id = authority.row().id();
    CrlLine known = lines.get(id);
    if (known != null) {
      return Optional.of(known);
    }
    try {
      CrlLine line = new CrlLine(authority, Issuer.of(authority, settings.identity()));
      loader.load(line);
      lines.putIfAbsent(id, line);
      return Optional.ofNullable(lines.get(id));
    } catch (IOException | IssuanceException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the revocation list of {0} can''t be read: {1}",
          id,
          e.getMessage());
      return Optional.empty();
    }
  }

  static Instant renewAt(Instant thisUpdate, Instant nextUpdate) {
    return RenewalTime.between(thisUpdate, nextUpdate, ThreadLocalRandom.current().nextDouble());
  }

  private void make(CrlLine line, Reading time) throws IssuanceException {
    if (line.isStrange()) {
      loader.adopt(line);
    }
    Optional<ListRow> before = ledger.list(line.row());
    long covers = ledger.last(line.row());
    Instant swept = before.map(ListRow::swept).orElse(Instant.EPOCH);
    List<CrlLedger.Entry> entries =
        ledger.entries(line.row(), swept.isBefore(time.now()) ? swept : time.now());
    ListRow row = next(line, before, covers, swept, time);
    byte[] tbs = new CrlBuilder(line.issuer()).tbs(row, entries, address(line));
    byte[] der = Signed.list(tbs, line.issuer().signatureAlgorithm(), signature(line, row, tbs));
    serve(line, row, entries.size(), der, time);
  }

  private ListRow next(
      CrlLine line, Optional<ListRow> before, long covers, Instant swept, Reading time) {
    Instant now = time.now().truncatedTo(ChronoUnit.SECONDS);
    Instant thisUpdate = now.minus(BACK_DATED);
    if (thisUpdate.isBefore(line.issuer().notBefore())) {
      thisUpdate = line.issuer().notBefore();
    }
    long last =
        Math.max(
            before.map(ListRow::number).orElse(0L),
            line.served().map(it -> it.list().number()).orElse(0L));
    return new ListRow(
        Math.max(last + 1, now.getEpochSecond()),
        thisUpdate,
        nextUpdate(line, now, time),
        covers,
        swept);
  }

  private Instant nextUpdate(CrlLine line, Instant now, Reading time) {
    if (time.isTrusted()) {
      return now.plus(settings.revocation().listLifetime());
    }
    return line.served()
        .map(it -> it.list().nextUpdate())
        .filter(known -> known.isAfter(now))
        .orElse(now.plus(TrustedClock.LONGEST_UNTRUSTED));
  }

  /**
   * What the list says of where it is to be found: only where all that it is for says the same, so
   * not the list of a root, nor of a device CA with issuing CAs.
   */
  private Optional<String> address(CrlLine line) {
    boolean said =
        settings.revocation().distributionPoint()
            && line.authority().row().role() == Role.DEVICE
            && issuers.delegates().stream()
                .noneMatch(it -> AuthorityChain.isUnder(it, line.authority()));
    return said ? line.issuer().telling(settings.revocation()).listUrl() : Optional.empty();
  }

  private byte[] signature(CrlLine line, ListRow row, byte[] tbs) throws IssuanceException {
    SigningKey key =
        keys.computeIfAbsent(line.id(), id -> AuthorityKey.of(line.authority(), stores, crypto));
    Ledger.DurableIntent intent = ledger.record(line.row(), row, tbs);
    Optional<SigningLane> lane = key.lane();
    return lane.isPresent()
        ? await(lane.get().signFirst(key, intent, SigningLane.Condition.NONE))
        : key.sign(intent);
  }

  /** The signature, if it comes in time. */
  static byte[] await(CompletableFuture<byte[]> signing) throws IssuanceException {
    try {
      return signing.get(SIGNING_WAITS.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw Failures.answer(e.getCause(), "a revocation list", Reason.SIGNATURE_FAILED);
    } catch (TimeoutException e) {
      throw new IssuanceException(Reason.KEY_STORE_UNAVAILABLE, "the key store does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IssuanceException(Reason.KEY_STORE_UNAVAILABLE, "interrupted", e);
    }
  }

  /** Keeps a list for the next start. If that fails, it is served all the same, and tried again. */
  private boolean keep(CrlLine line, byte[] der) {
    try {
      files.write(line.id(), der);
      line.mended();
      return true;
    } catch (IOException e) {
      failed(line, e);
      return false;
    }
  }

  private void serve(CrlLine line, ListRow row, int entries, byte[] der, Reading time) {
    RevocationList list =
        new RevocationList(
            line.id(), row.number(), row.thisUpdate(), row.nextUpdate(), entries, der);
    line.serve(
        new CrlLine.Served(
            list, row.covers(), renewAt(row.thisUpdate(), row.nextUpdate()), !time.isTrusted()));
    if (!keep(line, der)) {
      return;
    }
    if (time.isTrusted() && clock.isCertain()) {
      ledger.swept(line.row(), row.thisUpdate());
    }
  }

  /** The list of that authority, if one was ever signed. */
  Optional<RevocationList> list(String authority) {
    CrlLine known = lines.get(authority);
    return Optional.ofNullable(known)
        .or(() -> issuers.chain().find(authority).flatMap(this::line))
        .flatMap(CrlLine::served)
        .map(CrlLine.Served::list);
  }

  /** Up to which revocation the list of that authority goes. */
  long covers(String authority) {
    CrlLine line = lines.get(authority);
    return line == null ? 0 : line.covers();
  }

  /** How each stands that was ever made, or is to be. */
  List<RevocationListStatus> statuses() {
    return lines.values().stream()
        .map(CrlLine::status)
        .sorted((one, other) -> one.authority().compareTo(other.authority()))
        .toList();
  }

  @Override
  public void close() {
    thread.shutdown();
    try {
      boolean _ = thread.awaitTermination(CLOSE_WAITS.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
