package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Rotates the device CA by itself: prepares the next one at half of its life, activates it at five
 * sixths, and retires the old one when nothing lives under it any more. What is due is worked out
 * anew at each look. What a person gave up stays given up until it is urgent.
 *
 * <p>While the time is not certain nothing happens, with two exceptions. In the last twelfth of the
 * active one's life it is replaced all the same, since the clock may well be right; the one before
 * it can't retire until the time is certain. And where the clock comes back, and the active one was
 * made by a time that has not come, the one before it takes over again at once; if its root was
 * made by such a time, too, together with the root before.
 */
final class AutomaticRotation implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(AutomaticRotation.class.getName());
  private static final long LOOKS_EVERY_SECONDS = 30;

  /** After going back, a clock in doubt replaces nothing for this long: it may do so all day. */
  private static final long AFTER_GOING_BACK_NANOS = TimeUnit.HOURS.toNanos(1);

  private static final String FOLLOW = "follow";
  private static final String GO_BACK = "go back";

  private final AuthorityParts parts;
  private final AuthoritySteps changes;
  private final RotationPlanner planner;
  private final ScheduledThreadPoolExecutor thread =
      new ScheduledThreadPoolExecutor(
          1,
          Thread.ofPlatform().daemon().name("vouchsafe-rotation").factory(),
          // What comes after the end is not looked at any more.
          new ThreadPoolExecutor.DiscardPolicy());

  /** When to look again at what lives under those that retire, by their number in the ledger. */
  private final Map<Long, Instant> lookAgain = new HashMap<>();

  private final Attempts attempts = new Attempts();

  /** A step that is being taken, about that authority. */
  private record Trying(RotationStep step, String authority) {}

  private @Nullable Trying trying;

  /** By {@link Pace#nanoTime}. */
  private @Nullable Long wentBack;

  private long epoch;

  AutomaticRotation(AuthorityParts parts, AuthoritySteps changes, RotationPlanner planner) {
    this.parts = parts;
    this.changes = changes.by(AuthorityChanges.AUTOMATIC);
    this.planner = planner;
  }

  /** Looks from now on, every half a minute, and whenever time did not go on as it should. */
  void start() {
    if (planner.settings().automatic() || parts.bundle().isPresent()) {
      var _ =
          thread.scheduleWithFixedDelay(
              this::tick, LOOKS_EVERY_SECONDS, LOOKS_EVERY_SECONDS, TimeUnit.SECONDS);
      parts.clock().listen(change -> soon());
    }
  }

  private void soon() {
    thread.execute(() -> {
      lookAgain.clear();
      tick();
    });
  }

  /** Whatever is thrown, the schedule goes on: a task that throws is not run again. */
  private void tick() {
    var _ =
        CompletableFuture.completedFuture(FOLLOW)
            .thenAccept(follow -> {
              attempt(follow, Duration.ZERO, this::follow);
              look();
            })
            .whenComplete((done, unexpected) -> {
              if (unexpected != null) {
                LOG.log(System.Logger.Level.ERROR, "looking for due rotation failed", unexpected);
              }
            });
  }

  /**
   * A bundle that could not be written when a root took a step is written as soon as it can be. By
   * an old ledger no root leaves it, and none comes back, before somebody has accepted that.
   */
  private void follow() throws IssuanceException {
    if (!parts.ledger().gaps().isOpen()) {
      parts.followRoots();
    }
  }

  /** Takes the steps that are due, each for itself: that one fails keeps none from being tried. */
  void look() {
    Held held = new Held();
    if (planner.settings().automatic() && parts.ledger().gaps().isOpen()) {
      // A step that was planned before a backup may have been taken since, and more.
      held.why = "a gap of the ledger is not accepted";
    } else if (planner.settings().automatic()) {
      forgetPlansOfAnotherTime();
      attempt(GO_BACK, Duration.ZERO, () -> goBack(held));
      AuthorityChain chain = parts.issuers().chain();
      String replace = "replace " + chain.preparedDevice().orElse(chain.device()).row().id();
      List<StoredAuthority> retiring = chain.in(Role.DEVICE, State.RETIRING);
      Set<String> known = new HashSet<>(Set.of(FOLLOW, GO_BACK, replace));
      retiring.forEach(it -> known.add(it.row().id()));
      attempts.keep(known);
      attempt(replace, longestPause(), () -> replace(held));
      retiring.forEach(it -> attempt(it.row().id(), Attempts.ANY, () -> retire(it)));
    }
    changes.announced().problem(attempts.problem().or(held::worst));
  }

  private Duration longestPause() {
    DeviceSchedule schedule = DeviceSchedule.of(parts.issuers().chain().device());
    return parts.clock().instant().isBefore(schedule.hurryAt()) ? Attempts.ANY : Attempts.PAUSE;
  }

  /** Why a step is not even tried that would be due. */
  private static final class Held {
    private @Nullable String why;

    /** Why nothing can be issued, which is worse. */
    private @Nullable String stopped;

    Optional<String> worst() {
      return Optional.ofNullable(stopped).or(() -> Optional.ofNullable(why));
    }
  }

  private void forgetPlansOfAnotherTime() {
    long now = parts.clock().epoch();
    if (now != epoch) {
      epoch = now;
      lookAgain.clear();
    }
  }

  /** One thing that is looked at. */
  private interface Work {
    void run() throws IssuanceException;
  }

  /** The edge of the thread: whatever is thrown, an Error too, is told, and it goes on. */
  private void attempt(String what, Duration longestPause, Work work) {
    if (!attempts.isDue(what, nanoTime(), longestPause)) {
      return;
    }
    trying = null;
    var _ =
        CompletableFuture.completedFuture(work)
            .thenApply(AutomaticRotation::ended)
            .whenComplete((refused, unexpected) -> {
              if (unexpected != null) {
                Throwable cause =
                    unexpected.getCause() == null ? unexpected : unexpected.getCause();
                LOG.log(System.Logger.Level.ERROR, "unexpected, in rotation: " + what, cause);
                failed(what, "internal: " + cause.getClass().getSimpleName() + ", see the log");
              } else if (refused.flatMap(IssuanceException::again).isPresent()) {
                // A person takes a step just now, or it is a moment too early: not a failure.
                LOG.log(System.Logger.Level.DEBUG, "rotation: {0} waits for a moment", what);
              } else if (refused.isPresent()) {
                IssuanceException e = refused.get();
                failed(what, e.reason().code() + ": " + Failures.words(e));
              } else {
                attempts.mended(what);
              }
            });
  }

  private static Optional<IssuanceException> ended(Work work) {
    try {
      work.run();
      return Optional.empty();
    } catch (IssuanceException e) {
      return Optional.of(e);
    }
  }

  /** Told is only what is new: nobody reads the same line a hundred times a day. */
  private void failed(String what, String why) {
    Trying step = trying;
    if (attempts.failed(what, why, nanoTime())) {
      LOG.log(System.Logger.Level.WARNING, "rotation is held up: {0}", why);
      if (step != null) {
        tell(step, step.authority(), RotationEvent.Outcome.FAILED);
      }
    }
  }

  private long nanoTime() {
    return parts.pace().nanoTime().getAsLong();
  }

  /** Where the active one has not begun, by the clock as it is now: who could issue, does. */
  private void goBack(Held held) throws IssuanceException {
    AuthorityChain chain = parts.issuers().chain();
    Instant time = parts.clock().instant();
    if (!hasBegun(chain.device(), time)) {
      String id = chain.device().row().id();
      if (new GoingBack(parts).device(chain).isEmpty() && !isBehindItsRoot(chain)) {
        held.stopped =
            id
                + " begins at "
                + LivingUnder.time(chain.device().certificate().getNotBefore().toInstant())
                + ", and there is none before it to go back to: nothing can be issued until then"
                + (hasBegun(chain.root(), time)
                    ? ", or until another is prepared, and activated with `vouchsafe ca activate"
                        + " --now`"
                    : "");
        return;
      }
      String given = isBehindItsRoot(chain) ? chain.root().row().id() : id;
      told(RotationStep.ABORT, given, () -> changes.abort(given, Optional.of(State.ACTIVE)));
      wentBack = nanoTime();
    }
  }

  /**
   * Whether the root has not begun either, and the one before it can take over with a device CA.
   */
  private boolean isBehindItsRoot(AuthorityChain chain) throws IssuanceException {
    TrustedClock.Reading time = parts.clock().read();
    if (!time.isTrusted() || hasBegun(chain.root(), time.now())) {
      return false;
    }
    GoingBack back = new GoingBack(parts);
    Optional<StoredAuthority> root = back.root(chain);
    return root.isPresent() && back.deviceUnder(chain, root.get()).isPresent();
  }

  private static boolean hasBegun(StoredAuthority authority, Instant time) {
    return !time.isBefore(authority.certificate().getNotBefore().toInstant());
  }

  private static boolean isValid(StoredAuthority authority, Instant time) {
    return !time.isBefore(authority.certificate().getNotBefore().toInstant())
        && time.isBefore(authority.certificate().getNotAfter().toInstant());
  }

  /** Takes the one step that is due, if one is. */
  private void replace(Held held) throws IssuanceException {
    AuthorityChain chain = parts.issuers().chain();
    TrustedClock.Reading time = parts.clock().read();
    DeviceSchedule schedule = DeviceSchedule.of(chain.device());
    Optional<StoredAuthority> prepared = chain.preparedDevice();
    Instant due = prepared.isPresent() ? schedule.activateAt() : schedule.prepareAt();
    if (time.now().isBefore(due) || (prepared.isEmpty() && !isWorthWhile(chain, time.now()))) {
      return;
    }
    Optional<String> doubt = doubt(schedule, time);
    Optional<Hold> hold = planner.hold(schedule, time.now());
    if (doubt.isPresent() || hold.isPresent()) {
      held.why = doubt.or(() -> hold.map(Hold::text)).orElseThrow();
    } else if (!time.now().isBefore(planner.planned(schedule, due, hold, time.now()))) {
      if (prepared.isPresent()) {
        activate(prepared.get(), time.now(), held);
      } else {
        // Where the present one is: nobody is moved to another key store unasked.
        Optional<String> keyStore = Optional.of(chain.device().row().keyStore());
        told(RotationStep.PREPARE, "", () -> changes.prepare(Role.DEVICE, keyStore));
      }
    }
  }

  private boolean isWorthWhile(AuthorityChain chain, Instant now) {
    return !chain.root().row().isOutside()
        && DeviceSchedule.of(chain.device())
            .isWorthWhile(now, parts.settings().lifetimes().deviceCa(), chain.root());
  }

  /** Why that time is not one to replace an authority by, if it isn't. */
  private Optional<String> doubt(DeviceSchedule schedule, TrustedClock.Reading time) {
    if (!time.isTrusted()) {
      return Optional.of("the clock is not trusted");
    }
    boolean justWentBack = wentBack != null && nanoTime() - wentBack < AFTER_GOING_BACK_NANOS;
    return parts.clock().isCertain() || (!time.now().isBefore(schedule.hurryAt()) && !justWentBack)
        ? Optional.empty()
        : Optional.of("the time is in doubt: see `vouchsafe clock status`");
  }

  private void activate(StoredAuthority prepared, Instant now, Held held) throws IssuanceException {
    String id = prepared.row().id();
    if (parts.ledger().rotation().isRevoked(prepared.row())) {
      // An older ledger is in use, by which it has not been active yet: it never will be again.
      told(RotationStep.ABORT, id, () -> changes.abort(id, Optional.of(State.PREPARED)));
    } else if (isValid(prepared, now)) {
      // What a clock in doubt may do is decided here, by how urgent it is.
      told(RotationStep.ACTIVATE, id, () -> changes.activate(id, true).authority());
    } else if (parts.clock().isCertain() || !hasBegun(prepared, now)) {
      // It ended, or was made by a time that has not come: then another is of more use, also if the
      // time is in doubt. It signed nothing.
      told(RotationStep.ABORT, id, () -> changes.abort(id, Optional.of(State.PREPARED)));
    } else {
      held.why = id + " has ended, by a time in doubt: see `vouchsafe clock status`";
    }
  }

  /** For good: only where the time is certain. */
  private void retire(StoredAuthority retiring) throws IssuanceException {
    Instant now = parts.clock().instant();
    Instant again = lookAgain.get(retiring.row().row());
    if (!parts.clock().isCertain() || (again != null && now.isBefore(again))) {
      return;
    }
    Optional<Instant> lastEnd = planner.under(retiring).lastEnd();
    Duration underWay = planner.underWay(retiring);
    String id = retiring.row().id();
    if (lastEnd.isPresent() || !underWay.isZero()) {
      lookAgain.put(retiring.row().row(), lastEnd.orElse(now.plus(underWay)));
    } else {
      told(RotationStep.RETIRE, id, () -> changes.retire(id, false).authority());
    }
  }

  /** One step of {@link AuthorityChanges}. */
  private interface Step {
    AuthorityInfo take() throws IssuanceException;
  }

  private void told(RotationStep step, String id, Step taking) throws IssuanceException {
    Trying what = new Trying(step, id);
    trying = what;
    String taken = taking.take().id();
    trying = null;
    tell(what, taken, RotationEvent.Outcome.DONE);
  }

  private void tell(Trying what, String authority, RotationEvent.Outcome outcome) {
    LOG.log(System.Logger.Level.INFO, "rotation: {0} {1}: {2}", what.step(), authority, outcome);
    changes
        .announced()
        .tell(
            new RotationEvent(
                parts.clock().instant(),
                AuthoritySteps.role(authority),
                authority,
                what.step(),
                AuthorityChanges.AUTOMATIC,
                outcome));
  }

  @Override
  public void close() {
    thread.shutdown();
  }
}
