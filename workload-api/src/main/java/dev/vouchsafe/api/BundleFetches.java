package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.trust.BundleReaders;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Finds out to whom a version of the trust bundle was handed, after it was: anybody may have it, so
 * nobody waits for this, and whoever can't be told from others is not remembered. A flood of
 * requests costs one look at a time, in turns of the users, and one look a connection and moment.
 */
final class BundleFetches {
  private final BundleReaders readers;
  private final Attestation attestation;
  private final CallerWorkers lookers;
  private final Workers workers;
  private final Quota places;
  private final Turns turns = new Turns(1);

  /**
   * @param places how many looks may wait, in all and for each user
   */
  BundleFetches(
      BundleReaders readers,
      Attestation attestation,
      CallerWorkers lookers,
      Workers workers,
      Quota places) {
    this.readers = readers;
    this.attestation = attestation;
    this.lookers = lookers;
    this.workers = workers;
    this.places = places;
  }

  /**
   * Answers with the bundle, and has its reader remembered.
   *
   * @param sequence of what the answer holds, or older
   */
  void answer(Exchange exchange, Response response, long sequence) {
    Peer peer = exchange.peer();
    CallerLease lease = peer.caller();
    // A HEAD request is answered without the bundle.
    if (lease == null
        || exchange.request().method().equals("HEAD")
        || !lease.isNewsOf(sequence, System.nanoTime())) {
      exchange.answer(response);
      return;
    }
    if (!lease.acquire()) {
      exchange.answer(response);
      return;
    }
    if (!places.enter(peer.owner())) {
      lease.release();
      exchange.answer(response);
      return;
    }
    Look look =
        new Look(
            lease,
            peer.owner(),
            turns.ticket(peer.owner(), lease.caller().cgroup()),
            exchange.request().parameter("module"),
            sequence);
    if (exchange.answer(response, look::lost)) {
      look.ticket.enter(look::begin);
    } else {
      look.end();
    }
  }

  /** One look at one who was answered. */
  private final class Look implements CallerWorkers.Work {
    private final CallerLease lease;
    private final Object owner;
    private final Turns.Ticket ticket;
    private final Optional<String> module;
    private final long sequence;
    private volatile boolean begun;
    private final AtomicBoolean over = new AtomicBoolean();

    /** The name that it was remembered by; empty once the answer is lost. */
    private final AtomicReference<Optional<String>> remembered =
        new AtomicReference<>(Optional.of(""));

    private Look(
        CallerLease lease,
        Object owner,
        Turns.Ticket ticket,
        Optional<String> module,
        long sequence) {
      this.lease = lease;
      this.owner = owner;
      this.ticket = ticket;
      this.module = module;
      this.sequence = sequence;
    }

    void begin() {
      try {
        lookers.execute(owner, this);
      } catch (Failure busyOrStopping) {
        end();
      }
    }

    @Override
    public void run() {
      begun = true;
      try {
        Optional<Registration> reader = attestation.standing(lease.caller(), module);
        if (reader.isPresent()) {
          remember(reader.get().name());
        }
      } finally {
        end();
      }
    }

    private void remember(String name) {
      if (remembered.get().isPresent()) {
        readers.fetched(name, sequence);
        if (remembered.getAndUpdate(was -> was.map(nobody -> name)).isEmpty()) {
          readers.lost(name);
        }
      }
    }

    /** The answer did not go out after all. */
    void lost() {
      Optional<String> name = remembered.getAndSet(Optional.empty());
      if (name.isPresent() && !name.get().isEmpty()) {
        try {
          workers.execute(() -> readers.lost(name.get()));
        } catch (Failure busyOrStopping) {
          readers.lost(name.get());
        }
      }
    }

    @Override
    public void slow() {
      ticket.over();
    }

    @Override
    public void givenUp(Failure why) {
      if (begun) {
        // What hangs still holds its caller, and gives it back when it ends.
        ticket.over();
      } else {
        end();
      }
    }

    void end() {
      if (over.compareAndSet(false, true)) {
        ticket.over();
        places.leave(owner);
        lease.release();
      }
    }
  }
}
