package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.CallerUnknownException;
import io.netty.channel.unix.UnixChannel;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The first look at a caller, before anything is read from its connection. It runs on a worker,
 * since the caller's file system can make it slow; until it ends or is given up the connection
 * keeps the socket open, so that its descriptor can't come to mean another process's.
 */
final class FirstLook implements BiConsumer<Arrival, Object> {
  private static final QuietLog LOG = new QuietLog(FirstLook.class);

  /** One user's are looked at in the order in which they came, those of several by turns. */
  private static final int AT_ONCE = 16;

  private final Turns turns = new Turns(AT_ONCE);
  private final Attestor attestor;
  private final CallerWorkers workers;

  FirstLook(Attestor attestor, CallerWorkers workers) {
    this.attestor = attestor;
    this.workers = workers;
  }

  @Override
  public void accept(Arrival connection, Object owner) {
    int socket = ((UnixChannel) connection.context().channel()).fd().intValue();
    new Look(connection, owner, socket).start();
  }

  private final class Look implements CallerWorkers.Work {
    private final Arrival connection;
    private final Object owner;
    private final int socket;
    private final Turns.Ticket turn;
    private final AtomicBoolean over = new AtomicBoolean();

    Look(Arrival connection, Object owner, int socket) {
      this.connection = connection;
      this.owner = owner;
      this.socket = socket;
      this.turn = turns.ticket(owner, "");
    }

    void start() {
      turn.enter(() -> {
        try {
          workers.execute(owner, this);
        } catch (Failure busyOrStopping) {
          givenUp(busyOrStopping);
        } catch (RuntimeException | Error e) {
          givenUp(Failure.of(Problem.INTERNAL, "the caller could not be looked at"));
          throw e;
        }
      });
    }

    @Override
    public void slow() {
      turn.over();
    }

    @Override
    public void run() {
      CallerLease found = null;
      try {
        found = lease(owner, socket);
      } finally {
        // Also after an error: its turn must not end with the thread.
        end(found, null);
      }
    }

    /** What is found after all is not used: the descriptor may mean another's by then. */
    @Override
    public void givenUp(Failure why) {
      end(null, why);
    }

    private void end(@Nullable CallerLease lease, @Nullable Failure nameless) {
      turn.over();
      boolean begun = over.compareAndSet(false, true) && begin(new Peer(owner, lease, nameless));
      if (!begun && lease != null) {
        lease.release();
      }
    }

    private boolean begin(Peer peer) {
      try {
        connection.context().executor().execute(() -> connection.begin(peer));
        return true;
      } catch (RejectedExecutionException stopped) {
        return false;
      }
    }
  }

  /** The edge of the first look: what the caller is, or that nothing can be said of it. */
  private @Nullable CallerLease lease(Object owner, int socket) {
    try {
      return new CallerLease(attestor.accept(socket));
    } catch (CallerUnknownException e) {
      LOG.info("unknown caller: uid " + owner + ": " + e.getMessage());
    } catch (RuntimeException e) {
      LOG.error("a caller could not be looked at", e);
    }
    return null;
  }
}
