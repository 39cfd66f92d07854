package dev.vouchsafe.api;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Lets a bounded number of requests be worked on at once, and those who wait in by turns: first one
 * of each user, and of each user first one of each of its control groups. Nobody waits while there
 * is room, so whoever is alone gets all of it; whoever floods waits behind his own requests only.
 * Safe for use by many threads.
 *
 * <p>Users come before control groups, since a user to whom a part of the hierarchy was delegated
 * makes as many groups as he likes.
 */
final class Turns {
  /** What else this thread has to hand on, once what it hands on now is. */
  @SuppressWarnings("ThreadLocalUsage") // There are two of them, as long as the service runs.
  private final ThreadLocal<Queue<Ticket>> handing = new ThreadLocal<>();

  private final int most;

  /** Who is in line: by user, by group, each in the order of their turns; none of them empty. */
  private final SequencedMap<Object, SequencedMap<Object, Deque<Ticket>>> line =
      new LinkedHashMap<>();

  private int inside;

  /**
   * @param most how many are worked on at once
   */
  Turns(int most) {
    this.most = most;
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
      synchronized (Turns.this) {
        if (state != State.NEW) {
          return;
        }
        if (inside >= most) {
          work = handOn;
          state = State.WAITING;
          line(this);
          return;
        }
        inside++;
        state = State.INSIDE;
      }
      handOn.run();
    }

    /**
     * It has been worked on, or never will be: the next ones may come. Only the first call counts.
     */
    void over() {
      Ticket follower = null;
      synchronized (Turns.this) {
        State before = state;
        state = State.OVER;
        if (before == State.WAITING) {
          forget(this);
        } else if (before == State.INSIDE) {
          inside--;
          follower = admit();
        }
      }
      run(follower);
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

  /** Takes the next one in line in; its user and its group go to the end of theirs. */
  private @Nullable Ticket admit() {
    Map.Entry<Object, SequencedMap<Object, Deque<Ticket>>> user = line.pollFirstEntry();
    if (user == null) {
      return null;
    }
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
    inside++;
    ticket.state = State.INSIDE;
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
  private void run(@Nullable Ticket first) {
    if (first == null) {
      return;
    }
    Queue<Ticket> more = handing.get();
    if (more != null) {
      more.add(first);
      return;
    }
    more = new ArrayDeque<>();
    handing.set(more);
    try {
      for (Ticket ticket = first; ticket != null; ticket = more.poll()) {
        ticket.handOn();
      }
    } finally {
      handing.remove();
    }
  }
}
