package dev.vouchsafe.api;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets a bounded number of requests be worked on at once, and those who wait in by turns: first one
 * of each user, and of each user first one of each of its control groups. Nobody waits while there
 * is room, so whoever is alone gets all of it; whoever floods waits behind his own requests only.
 * Where what is worked on takes turns as well, such as on the processors, one user can be kept to a
 * part of the room for as long as he isn't alone; and once he has used that part up he rests for as
 * long as it took, so that the processors are free now and then for whoever comes. Safe for use by
 * many threads.
 *
 * <p>Users come before control groups, since a user to whom a part of the hierarchy was delegated
 * makes as many groups as he likes.
 */
final class Turns {
  private static final QuietLog LOG = new QuietLog(Turns.class);

  /** What else this thread has to hand on, once what it hands on now is. */
  @SuppressWarnings("ThreadLocalUsage") // There are two of them, as long as the service runs.
  private final ThreadLocal<Queue<Ticket>> handing = new ThreadLocal<>();

  /** For so long after a request of his a user is there. */
  private static final long THERE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** A part that takes longer than this waits for something else than the processors. */
  private static final long LONGEST_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final int most;
  private final int inCompany;
  private final LongSupplier nanos;
  private final Timer timer;

  /** What is worked on, by user. */
  private final Map<Object, Part> insides = new HashMap<>();

  /** Whose part is used up; each is called when he may go on. */
  private final Set<Object> resting = new HashSet<>();

  /** Who came last, and of all others whoever did. */
  private @Nullable Arrival last;

  private @Nullable Arrival other;

  /** Who is in line: by user, by group, each in the order of their turns; none of them empty. */
  private final SequencedMap<Object, SequencedMap<Object, Deque<Ticket>>> line =
      new LinkedHashMap<>();

  private int inside;

  private record Arrival(Object user, long at) {}

  /** What is worked on of one user, and how much of his part he has taken in company. */
  private static final class Part {
    private int inside;
    private int taken;
    private long began;
  }

  /** Does something later. */
  interface Timer {
    void after(long nanos, Runnable task);
  }

  /**
   * @param most how many are worked on at once
   */
  Turns(int most) {
    this(
        most,
        most,
        () -> 0,
        (nanos, task) -> {
          throw new IllegalStateException("nobody rests here");
        });
  }

  /**
   * @param most how many are worked on at once
   * @param inCompany how many of them may be one user's while another is there
   * @param nanos as {@link System#nanoTime}
   */
  Turns(int most, int inCompany, LongSupplier nanos, Timer timer) {
    this.most = most;
    this.inCompany = inCompany;
    this.nanos = nanos;
    this.timer = timer;
  }

  private enum State {
    NEW,
    WAITING,
    INSIDE,
    OVER
  }

  /** The place of one request: in line, or among those that are worked on. */
  final class Ticket {
    private final Object user;
    private final Object group;
    private State state = State.NEW;
    private @Nullable Runnable work;

    private Ticket(Object user, Object group) {
      this.user = user;
      this.group = group;
    }

    /**
     * Has the work done as soon as it is its turn: now, or on the thread of one that is over. For
     * the first call only.
     *
     * @param handOn short: it hands the request on to those who work on it
     */
    void enter(Runnable handOn) {
      List<Ticket> admitted;
      synchronized (Turns.this) {
        if (state != State.NEW) {
          return;
        }
        arrive(user);
        work = handOn;
        if (line.isEmpty() && hasRoom(user)) {
          goIn(this);
          admitted = List.of(this);
        } else {
          // There may be room again for those before it, since whoever kept them company left.
          state = State.WAITING;
          line(this);
          admitted = admit();
        }
      }
      run(admitted);
    }

    /**
     * It has been worked on, or never will be: the next ones may come. Only the first call counts.
     */
    void over() {
      List<Ticket> followers = List.of();
      synchronized (Turns.this) {
        State before = state;
        state = State.OVER;
        if (before == State.WAITING) {
          forget(this);
        } else if (before == State.INSIDE) {
          goOut(this);
          followers = admit();
        }
      }
      run(followers);
    }

    private void handOn() {
      Runnable waited;
      synchronized (Turns.this) {
        waited = work;
        work = null;
      }
      if (waited != null) {
        waited.run();
      }
    }

    /** Gives the place up if it is still in line; what is being worked on goes on. */
    void withdraw() {
      synchronized (Turns.this) {
        if (state == State.WAITING) {
          forget(this);
        }
        if (state != State.INSIDE) {
          state = State.OVER;
        }
      }
    }
  }

  /** For a request of that user and group; nothing happens before it enters. */
  Ticket ticket(Object user, Object group) {
    return new Ticket(user, group);
  }

  /** How many are in line. */
  synchronized int waiting() {
    return line.values().stream()
        .flatMap(groups -> groups.values().stream())
        .mapToInt(Deque::size)
        .sum();
  }

  private void line(Ticket ticket) {
    line.computeIfAbsent(ticket.user, user -> new LinkedHashMap<>())
        .computeIfAbsent(ticket.group, group -> new ArrayDeque<>())
        .add(ticket);
  }

  private void arrive(Object user) {
    if (inCompany == most) {
      return;
    }
    if (last != null && !last.user().equals(user)) {
      other = last;
    }
    last = new Arrival(user, nanos.getAsLong());
  }

  private boolean hasRoom(Object user) {
    return inside < most && (hasPart(user) || !isThereAnotherThan(user));
  }

  /** Whether there is something left of what he may have though he isn't alone. */
  private boolean hasPart(Object user) {
    Part part = insides.get(user);
    return !resting.contains(user)
        && (part == null || (part.inside < inCompany && part.taken < inCompany));
  }

  private boolean isThereAnotherThan(Object user) {
    if (hasOther(insides, user) || hasOther(line, user)) {
      return true;
    }
    Arrival another = last != null && last.user().equals(user) ? other : last;
    return another != null && nanos.getAsLong() - another.at() < THERE_NANOS;
  }

  private static boolean hasOther(Map<Object, ?> users, Object user) {
    return users.size() > (users.containsKey(user) ? 1 : 0);
  }

  private void goIn(Ticket ticket) {
    inside++;
    Part part = insides.computeIfAbsent(ticket.user, user -> new Part());
    part.inside++;
    ticket.state = State.INSIDE;
    if (inCompany < most) {
      take(ticket.user, part);
    }
  }

  /** Counts what is taken in company only. */
  private void take(Object user, Part part) {
    if (!isThereAnotherThan(user)) {
      part.taken = 0;
      return;
    }
    if (part.taken == 0) {
      part.began = nanos.getAsLong();
    }
    part.taken++;
    if (part.taken == inCompany) {
      timer.after(LONGEST_NANOS, () -> renew(user, part));
    }
  }

  /** One that takes long must not keep the others of its user waiting: it isn't what is crowded. */
  private void renew(Object user, Part part) {
    List<Ticket> admitted = List.of();
    synchronized (this) {
      if (insides.get(user) == part) {
        part.taken = 0;
        admitted = admit();
      }
    }
    run(admitted);
  }

  private void goOut(Ticket ticket) {
    inside--;
    Part part = insides.get(ticket.user);
    if (part == null) {
      throw new IllegalStateException("nothing of that user was worked on");
    }
    part.inside--;
    if (part.inside == 0) {
      insides.remove(ticket.user);
      if (part.taken >= inCompany && inCompany < most) {
        rest(ticket.user, nanos.getAsLong() - part.began);
      }
    }
  }

  private void rest(Object user, long nanos) {
    resting.add(user);
    timer.after(Math.min(nanos, LONGEST_NANOS), () -> rested(user));
  }

  private void rested(Object user) {
    List<Ticket> admitted;
    synchronized (this) {
      resting.remove(user);
      admitted = admit();
    }
    run(admitted);
  }

  /** Takes in, of those in line, whoever there is room for, in turns. */
  private List<Ticket> admit() {
    List<Ticket> admitted = new ArrayList<>(1);
    int refused = 0;
    while (inside < most && refused < line.size()) {
      Object user = line.firstEntry().getKey();
      if (hasRoom(user)) {
        Ticket next = next();
        goIn(next);
        admitted.add(next);
        refused = 0;
      } else {
        // Behind the others, whose turn it is as long as he has his part.
        line.putLast(user, line.pollFirstEntry().getValue());
        refused++;
      }
    }
    return admitted;
  }

  /** The next one in line; its user and its group go to the end of theirs. */
  private Ticket next() {
    Map.Entry<Object, SequencedMap<Object, Deque<Ticket>>> user = line.pollFirstEntry();
    SequencedMap<Object, Deque<Ticket>> groups = user.getValue();
    Map.Entry<Object, Deque<Ticket>> group = groups.firstEntry();
    Ticket ticket = group.getValue().remove();
    groups.remove(group.getKey());
    if (!group.getValue().isEmpty()) {
      groups.putLast(group.getKey(), group.getValue());
    }
    if (!groups.isEmpty()) {
      line.putLast(user.getKey(), groups);
    }
    return ticket;
  }

  private void forget(Ticket ticket) {
    line.computeIfPresent(
        ticket.user,
        (user, groups) -> {
          groups.computeIfPresent(
              ticket.group,
              (group, tickets) -> {
                tickets.remove(ticket);
                return tickets.isEmpty() ? null : tickets;
              });
          return groups.isEmpty() ? null : groups;
        });
  }

  /**
   * Does the work of one whose turn it is. Work that ends at once lets the next one in while it
   * runs, which then waits for its end here: a thousand of them would take a thousand frames.
   */
  private void run(List<Ticket> admitted) {
    if (admitted.isEmpty()) {
      return;
    }
    Queue<Ticket> more = handing.get();
    if (more != null) {
      more.addAll(admitted);
      return;
    }
    more = new ArrayDeque<>(admitted);
    handing.set(more);
    try {
      for (Ticket ticket = more.poll(); ticket != null; ticket = more.poll()) {
        handOn(ticket);
      }
    } finally {
      handing.remove();
    }
  }

  /** An edge: what goes wrong with one must not keep those after it from their turn. */
  private static void handOn(Ticket ticket) {
    try {
      ticket.handOn();
    } catch (RuntimeException | Error e) {
      LOG.error("a request could not be handed on", e);
      ticket.over();
    }
  }
}
