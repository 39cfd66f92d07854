package dev.vouchsafe.ca.clock;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The clock of a running service.
 *
 * <p>Invariants: the floor never goes back, except when an administrator accepts an earlier time;
 * in a process it rises by time that really passed, and further only to a clock that the kernel
 * says is synchronised; at the start also to a clock that is {@link #LIFT} ahead at most. No time
 * is given out that was read from the machine's clock and not held against the time that passed. A
 * doubt is kept with the floor: no restart makes a clock certain that nobody vouched for.
 */
final class RunningClock implements TrustedClock {
  /** A clock that is set back by less is corrected, not wrong. */
  static final Duration TOLERANCE = Duration.ofMinutes(5);

  /** The longest time for which a gateway lies in a store room, or is off at sea. */
  static final Duration LIFT = Duration.ofDays(400);

  /** A clock that is further ahead at the start is not certain, and neither is one that jumps. */
  static final Duration LONG_OFF = Duration.ofDays(32);

  private static final Duration UNCERTAIN_JUMP = Duration.ofHours(1);
  private static final long LOOK_MILLIS = 1000;
  private static final int MOST_PENDING = 64;
  private static final System.Logger LOG = System.getLogger(RunningClock.class.getName());

  /**
   * How it stood at the last look.
   *
   * @param nano when that was, by {@link Machine#nanoTime}
   * @param clock what the machine's clock showed
   * @param expected what it would have shown without small corrections
   * @param doubted whether only the kernel or an administrator can make it certain
   */
  private record State(
      long nano,
      Instant clock,
      Instant expected,
      Instant floor,
      ClockVerdict verdict,
      boolean doubted,
      long epoch,
      long jumps) {}

  /** A change, and who is still to be told of it. */
  private record Delivery(ClockListener to, ClockChange change) {}

  private final ClockSettings settings;
  private final Machine machine;
  private final FloorKeeper keeper;
  private final List<ClockListener> listeners = new CopyOnWriteArrayList<>();
  private final Object lock = new Object();
  private final Passage passage;
  private final List<Delivery> pending = new ArrayList<>();
  private volatile State state;
  private volatile @Nullable ClockChange last;
  private boolean wanted;
  private boolean closed;
  private @Nullable Thread watching;

  RunningClock(ClockSettings settings, Machine machine, TrustedClocks.Evidence evidence) {
    this(settings, machine, new FloorKeeper(settings, new FloorFile(settings.file()), evidence));
  }

  /** Makes it without watching. */
  RunningClock(ClockSettings settings, Machine machine, FloorKeeper keeper) {
    this.settings = settings;
    this.machine = machine;
    this.keeper = keeper;
    FloorFile.Kept first = keeper.first();
    Instant kept = first.floor();
    this.passage = new Passage(machine);
    Instant clock = passage.expected();
    ClockVerdict verdict = judge(clock, kept);
    boolean lifted = verdict.isTrusted() && clock.isAfter(kept);
    this.state =
        new State(
            passage.nano(),
            clock,
            clock,
            lifted ? clock : kept,
            verdict,
            stillDoubted(first.doubted() || clock.isAfter(kept.plus(LONG_OFF)), verdict),
            0,
            0);
    if (!verdict.isTrusted()) {
      last = untrusted(state);
    }
  }

  static RunningClock start(
      ClockSettings settings, Machine machine, TrustedClocks.Evidence evidence) {
    return new RunningClock(settings, machine, evidence).watched();
  }

  /** This, with a thread that watches from now on. */
  RunningClock watched() {
    ClockChange first = last;
    if (first != null) {
      log(first);
    }
    Thread thread = Thread.ofPlatform().name("vouchsafe-clock").daemon().unstarted(this::watch);
    watching = thread;
    thread.start();
    return this;
  }

  private static ClockChange untrusted(State state) {
    return new ClockChange(
        ClockChange.Kind.UNTRUSTED, state.clock(), state.floor(), state.verdict());
  }

  private ClockVerdict judge(Instant clock, Instant floor) {
    if (clock.isBefore(settings.built())) {
      return ClockVerdict.BEHIND_BUILD;
    }
    if (clock.isBefore(floor.minus(TOLERANCE))) {
      return ClockVerdict.BEHIND_FLOOR;
    }
    return clock.isAfter(floor.plus(LIFT)) && machine.synchronised() != Synchronised.YES
        ? ClockVerdict.FAR_AHEAD
        : ClockVerdict.TRUSTED;
  }

  private boolean stillDoubted(boolean doubted, ClockVerdict verdict) {
    return doubted && !(verdict.isTrusted() && machine.synchronised() == Synchronised.YES);
  }

  @Override
  public Reading read() {
    State known = state;
    Instant clock = machine.clock();
    long passed = machine.nanoTime() - known.nano();
    Duration off = Duration.between(known.expected().plusNanos(passed), clock);
    if (off.abs().compareTo(Passage.JUMP) >= 0) {
      look();
      known = state;
      clock = known.clock();
      passed = 0;
    }
    return known.verdict().isTrusted()
        ? new Reading(clock, Trust.TRUSTED)
        : new Reading(known.floor().plusNanos(passed), untrusted());
  }

  private Trust untrusted() {
    return switch (settings.untrusted()) {
      case BOUNDED -> Trust.BOUNDED;
      case STOP -> Trust.STOPPED;
    };
  }

  @Override
  public long epoch() {
    return state.epoch();
  }

  @Override
  public boolean isCertain() {
    State known = state;
    return known.verdict().isTrusted()
        && (!known.doubted() || machine.synchronised() == Synchronised.YES);
  }

  @Override
  public ClockStatus status() {
    Reading reading = read();
    State known = state;
    return new ClockStatus(
        reading.now(),
        machine.clock(),
        known.floor(),
        settings.built(),
        known.verdict(),
        settings.untrusted(),
        machine.synchronised(),
        isCertain(),
        known.jumps(),
        Optional.ofNullable(last),
        keeper.fault());
  }

  /** Holds the clock against the time that passed, and notes what is to be told. */
  void look() {
    synchronized (lock) {
      State before = state;
      Passage.Step step = passage.next();
      Instant counted = before.floor().plus(step.passed());
      ClockVerdict verdict = judge(step.clock(), counted);
      boolean regained = verdict.isTrusted() && !before.verdict().isTrusted();
      state =
          new State(
              step.nano(),
              step.clock(),
              step.expected(),
              verdict.isTrusted() ? risen(before.floor(), counted, step.clock()) : counted,
              verdict,
              stillDoubted(
                  before.doubted() || step.jump().abs().compareTo(UNCERTAIN_JUMP) > 0, verdict),
              before.epoch() + (regained ? 1 : 0),
              before.jumps() + (step.jump().isZero() ? 0 : 1));
      // At once: a power cut soon after a jump takes no doubt away.
      wanted |= state.doubted() != before.doubted();
      tell(before, step, counted);
    }
  }

  /** A clock that is a little behind is waited for; one that is ahead lifts the floor only if. */
  private Instant risen(Instant floor, Instant counted, Instant clock) {
    boolean isAhead = clock.isAfter(counted.plus(Passage.JUMP));
    if (isAhead) {
      return machine.synchronised() == Synchronised.YES ? clock : counted;
    }
    Instant least = clock.isBefore(counted) ? clock : counted;
    return least.isBefore(floor) ? floor : least;
  }

  private void tell(State before, Passage.Step step, Instant counted) {
    ClockVerdict verdict = state.verdict();
    if (!step.slept().isZero()) {
      Instant awake = step.clock().minus(step.jump());
      note(ClockChange.Kind.SUSPENDED, awake.minus(step.slept()), awake);
    }
    if (!step.jump().isZero()) {
      note(ClockChange.Kind.JUMPED, step.clock().minus(step.jump()), step.clock());
    }
    if (verdict != before.verdict()) {
      wanted = true;
      if (verdict.isTrusted()) {
        note(ClockChange.Kind.TRUSTED, counted, step.clock());
      } else {
        note(ClockChange.Kind.UNTRUSTED, step.clock(), counted);
      }
    }
  }

  private void note(ClockChange.Kind kind, Instant from, Instant to) {
    ClockChange change = new ClockChange(kind, from, to, state.verdict());
    last = change;
    log(change);
    for (ClockListener listener : listeners) {
      if (pending.size() < MOST_PENDING) {
        pending.add(new Delivery(listener, change));
      }
    }
    lock.notifyAll();
  }

  private static void log(ClockChange change) {
    boolean good =
        change.kind() == ClockChange.Kind.TRUSTED || change.kind() == ClockChange.Kind.SUSPENDED;
    LOG.log(good ? System.Logger.Level.INFO : System.Logger.Level.WARNING, change.text());
  }

  @Override
  public ClockStatus accept() throws ImpossibleTimeException, IOException {
    // The keeper's lock first, here and nowhere else: no other floor is written meanwhile.
    synchronized (keeper) {
      look();
      Instant clock = state.clock();
      if (clock.isBefore(settings.built())) {
        throw new ImpossibleTimeException(
            "the clock shows "
                + clock.truncatedTo(ChronoUnit.SECONDS)
                + ", and this program was built at "
                + settings.built()
                + ": set the clock first");
      }
      keeper.write(clock, false, machine.nanoTime());
      synchronized (lock) {
        State before = state;
        state =
            new State(
                before.nano(),
                before.clock(),
                before.expected(),
                clock,
                ClockVerdict.TRUSTED,
                false,
                before.epoch() + 1,
                before.jumps());
        note(ClockChange.Kind.ACCEPTED, before.floor(), clock);
      }
    }
    // It may have jumped since.
    look();
    return status();
  }

  @Override
  public void listen(ClockListener listener) {
    synchronized (lock) {
      listeners.add(listener);
      if (!state.verdict().isTrusted()) {
        pending.add(new Delivery(listener, untrusted(state)));
        lock.notifyAll();
      }
    }
  }

  /** The clock's own thread: short waits of real time, which a jump makes no longer. */
  private void watch() {
    try {
      boolean failed = false;
      while (!waitALittle(failed)) {
        failed = !round(failed);
      }
    } catch (InterruptedException e) {
      // It is told to end in this way, too.
      Thread.currentThread().interrupt();
    }
  }

  /** Returns whether all went well: what goes wrong in one round doesn't end the watch. */
  private boolean round(boolean failedBefore) {
    try {
      look();
      deliver();
      keep();
      return true;
    } catch (RuntimeException e) {
      if (!failedBefore) {
        LOG.log(System.Logger.Level.ERROR, "watching the clock failed, it is tried again", e);
      }
      return false;
    }
  }

  /**
   * Returns whether it is over.
   *
   * @param whole whether to wait for the whole time, whatever is to be done
   */
  private boolean waitALittle(boolean whole) throws InterruptedException {
    synchronized (lock) {
      long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS);
      long left = LOOK_MILLIS;
      while (!closed && (whole || (pending.isEmpty() && !wanted)) && left > 0) {
        lock.wait(left);
        left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
      }
      return closed;
    }
  }

  /** Tells the listeners; what one of them does wrong takes nothing from the others. */
  void deliver() {
    List<Delivery> now;
    synchronized (lock) {
      now = List.copyOf(pending);
      pending.clear();
    }
    for (Delivery delivery : now) {
      try {
        delivery.to().changed(delivery.change());
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.ERROR, "following the clock failed", e);
      }
    }
  }

  /** Writes the floor if it is time to, or something else made it worth it. */
  void keep() {
    boolean now;
    synchronized (lock) {
      now = wanted;
      wanted = false;
    }
    synchronized (keeper) {
      State known = state;
      if (now) {
        keeper.keep(known.floor(), known.doubted(), known.nano());
      } else {
        keeper.keepIfDue(known.floor(), known.doubted(), known.nano());
      }
    }
  }

  @Override
  public void close() {
    Thread thread;
    synchronized (lock) {
      if (closed) {
        return;
      }
      closed = true;
      thread = watching;
      lock.notifyAll();
    }
    if (thread != null) {
      try {
        thread.join(TimeUnit.SECONDS.toMillis(2));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      if (thread.isAlive()) {
        // It may hang on the disk, and hold what the last write would wait for.
        LOG.log(
            System.Logger.Level.WARNING, "the clock's thread doesn't end: its floor isn't written");
        return;
      }
    }
    look();
    synchronized (keeper) {
      State known = state;
      keeper.keep(known.floor(), known.doubted(), known.nano());
    }
  }
}
