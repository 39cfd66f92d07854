package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Rotates the device CA by itself: prepares the next one at half of its life, activates it at five
 * sixths, and retires the old one when nothing lives under it any more. While the time is not
 * trusted it does nothing; what is due is worked out anew at each look, so that a clock that jumps
 * leaves no plan behind.
 */
final class AutomaticRotation implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(AutomaticRotation.class.getName());
  private static final long LOOKS_EVERY_SECONDS = 30;

  /** After a failure none is tried for this long, so that a lost token isn't asked all the time. */
  private static final long PAUSE_NANOS = TimeUnit.MINUTES.toNanos(5);

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

  /** By {@link Pace#nanoTime}. */
  private @Nullable Long failedAt;

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

  /** The edge of the thread: whatever is thrown, it looks again. */
  private void tick() {
    try {
      follow();
      look();
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "the rotation of the device CA failed unexpectedly", e);
    }
  }

  /** A bundle that could not be written when a root took a step is written as soon as it can be. */
  private void follow() {
    if (parts.bundle().isPresent()) {
      try {
        parts.bundle().get().follow(parts.issuers().chain(), parts.clock().instant());
      } catch (IOException e) {
        LOG.log(
            System.Logger.Level.WARNING, "the trust bundle can''t be written: {0}", e.getMessage());
      }
    }
  }

  /** Takes the one step that is due, if one is. */
  void look() {
    Long failed = failedAt;
    if (!planner.settings().automatic()
        || (failed != null && parts.pace().nanoTime().getAsLong() - failed < PAUSE_NANOS)) {
      return;
    }
    TrustedClock.Reading time = parts.clock().read();
    if (!time.isTrusted()) {
      changes.announced().problem(Optional.of("the clock is not trusted"));
      return;
    }
    forgetPlansOfAnotherTime();
    try {
      step(parts.issuers().chain(), time.now());
      failedAt = null;
      changes.announced().problem(Optional.empty());
    } catch (IssuanceException e) {
      failedAt = parts.pace().nanoTime().getAsLong();
      String why = e.reason().code() + ": " + e.getMessage();
      changes.announced().problem(Optional.of(why));
      LOG.log(System.Logger.Level.WARNING, "the device CA is not rotated for now: {0}", why);
    }
  }

  private void forgetPlansOfAnotherTime() {
    long now = parts.clock().epoch();
    if (now != epoch) {
      epoch = now;
      lookAgain.clear();
    }
  }

  private void step(AuthorityChain chain, Instant now) throws IssuanceException {
    StoredAuthority active = chain.device();
    DeviceSchedule schedule = DeviceSchedule.of(active.certificate());
    Optional<StoredAuthority> prepared = chain.preparedDevice();
    if (prepared.isPresent()
        && !now.isBefore(prepared.get().certificate().getNotAfter().toInstant())) {
      String id = prepared.get().row().id();
      told(RotationStep.ABORT, id, () -> changes.abort(id));
    } else if (prepared.isPresent()) {
      String id = prepared.get().row().id();
      if (isDue(schedule, schedule.activateAt(), now)) {
        told(RotationStep.ACTIVATE, id, () -> changes.activate(id));
      }
    } else if (!chain.root().row().isOutside()
        && isDue(schedule, schedule.prepareAt(), now)
        && schedule.isWorthWhile(
            now, parts.settings().lifetimes().deviceCa(), chain.root().certificate())) {
      // Where the present one is: nobody is moved to another key store unasked.
      Optional<String> keyStore = Optional.of(active.row().keyStore());
      told(RotationStep.PREPARE, "", () -> changes.prepare(Role.DEVICE, keyStore));
    }
    for (StoredAuthority retiring : chain.in(Role.DEVICE, State.RETIRING)) {
      retire(retiring, now);
    }
  }

  private boolean isDue(DeviceSchedule schedule, Instant due, Instant now) {
    return !now.isBefore(schedule.planned(due, planner.settings().window(), now));
  }

  /** For good: only where the time is certain. */
  private void retire(StoredAuthority retiring, Instant now) throws IssuanceException {
    Instant again = lookAgain.get(retiring.row().row());
    if (!parts.clock().isCertain() || (again != null && now.isBefore(again))) {
      return;
    }
    Optional<Instant> lastEnd = planner.under(retiring).lastEnd();
    String id = retiring.row().id();
    if (lastEnd.isPresent()) {
      lookAgain.put(retiring.row().row(), lastEnd.get());
      return;
    }
    // One that signed until just now: something of it may not be in the ledger yet.
    lookAgain.put(retiring.row().row(), now.plus(DeviceSteps.UNDER_WAY));
    if (again != null) {
      told(RotationStep.RETIRE, id, () -> changes.retire(id, false).authority());
    }
  }

  /** One step of {@link AuthorityChanges}. */
  private interface Step {
    AuthorityInfo take() throws IssuanceException;
  }

  private void told(RotationStep step, String id, Step taking) throws IssuanceException {
    boolean done = false;
    String about = id;
    try {
      about = taking.take().id();
      done = true;
    } finally {
      LOG.log(
          System.Logger.Level.INFO,
          "rotation of the device CA: {0} {1}: {2}",
          step,
          about,
          done ? "done" : "not done");
      changes
          .announced()
          .tell(
              new RotationEvent(
                  parts.clock().instant(),
                  Role.DEVICE,
                  about,
                  step,
                  AuthorityChanges.AUTOMATIC,
                  done ? RotationEvent.Outcome.DONE : RotationEvent.Outcome.FAILED));
    }
  }

  @Override
  public void close() {
    thread.shutdown();
  }
}
