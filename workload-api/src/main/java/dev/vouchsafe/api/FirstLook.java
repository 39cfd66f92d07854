package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.CallerUnknownException;
import io.netty.channel.unix.UnixChannel;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The first look at a caller, before anything is read from its connection. It runs on a worker,
 * since the caller's file system can make it slow; until it ends the connection keeps the socket
 * open, so that its descriptor can't come to mean another process's.
 */
final class FirstLook implements BiConsumer<HttpConnection, Object> {
  private static final QuietLog LOG = new QuietLog(FirstLook.class);

  private final Attestor attestor;
  private final Workers workers;

  FirstLook(Attestor attestor, Workers workers) {
    this.attestor = attestor;
    this.workers = workers;
  }

  @Override
  public void accept(HttpConnection connection, Object owner) {
    int socket = ((UnixChannel) connection.context().channel()).fd().intValue();
    try {
      workers.execute(() -> look(connection, owner, socket));
    } catch (Failure busyOrStopping) {
      connection.begin(new Peer(owner, null, busyOrStopping));
    }
  }

  private void look(HttpConnection connection, Object owner, int socket) {
    CallerLease lease = lease(owner, socket);
    try {
      connection.context().executor().execute(() -> connection.begin(new Peer(owner, lease, null)));
    } catch (RejectedExecutionException stopped) {
      if (lease != null) {
        lease.release();
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
