package dev.vouchsafe.api;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One call of gRPC with one request: answered once, or, as a stream, with all that there is to say
 * each time that there is news. A stream asks its question anew for each answer, so that each goes
 * the way of a request, with all its looks; what can't be told for a moment leaves it open.
 *
 * <p>All of it runs on the event loop of its connection, except where something else is said.
 */
final class RpcCall extends ServerCall.Listener<byte[]> {
  private static final Object NOTHING = "";

  /** After so long, and up to twice that, what could not be told may be known. */
  private static final long RETRY_MILLIS = 4_000;

  private static final byte[] NOTHING_ASKED = {};

  /** What answers a call. */
  interface Work {
    /**
     * Answers, at once or later. Runs on the event loop.
     *
     * @throws Failure if that is the answer
     */
    void ask(RpcExchange exchange) throws Failure;
  }

  private final ServerCall<byte[], byte[]> call;
  private final RpcLink link;
  private final Work work;
  private final RpcStreams streams;
  private final boolean stays;
  private final AtomicBoolean due = new AtomicBoolean();
  private byte @Nullable [] asked;
  private @Nullable RpcExchange current;
  private Turns.@Nullable Ticket turn;
  private @Nullable Future<?> timer;
  private Object held = NOTHING;
  private boolean answered;
  private boolean behind;
  private boolean closed;

  /**
   * @param patience how long its request may take to come
   */
  RpcCall(
      ServerCall<byte[], byte[]> call,
      RpcLink link,
      Work work,
      RpcStreams streams,
      Duration patience) {
    this.call = call;
    this.link = link;
    this.work = work;
    this.streams = streams;
    this.stays = !call.getMethodDescriptor().getType().serverSendsOneMessage();
    this.timer =
        link.loop().schedule(this::requestIsLate, patience.toMillis(), TimeUnit.MILLISECONDS);
    // A second one would be a mistake, which is found out by its coming.
    call.request(2);
  }

  RpcLink link() {
    return link;
  }

  private void requestIsLate() {
    fail(Failure.of(Problem.REQUEST_TIMEOUT, "the request did not come in time"));
  }

  @Override
  public void onMessage(byte[] message) {
    if (asked != null) {
      fail(Failure.of(Problem.REQUEST_INVALID, "a call has one request"));
    } else {
      // The requests of streams say nothing that is worth keeping.
      asked = stays ? NOTHING_ASKED : message;
    }
  }

  @Override
  public void onHalfClose() {
    if (asked == null) {
      fail(Failure.of(Problem.REQUEST_INVALID, "the request is missing"));
      return;
    }
    after(null);
    if (stays && !closed) {
      streams.enter(this);
    }
    ask(RpcExchange.Attempt.FIRST);
  }

  /** Asks again, in its turn; from any thread. */
  void refresh() {
    if (due.compareAndSet(false, true)) {
      Turns.Ticket ticket = streams.ticket(this);
      ticket.enter(() -> later(() -> askAgain(ticket)));
    }
  }

  private void later(Runnable action) {
    try {
      link.loop().execute(action);
    } catch (RejectedExecutionException stopped) {
      // The loop has ended, and this call with it.
      return;
    }
  }

  private void askAgain(Turns.Ticket ticket) {
    if (!closed && (current != null || (answered && !call.isReady()))) {
      // What it finds may be of before, or could not be sent; so once more after it.
      behind = true;
      ticket.over();
      return;
    }
    due.set(false);
    turn = ticket;
    ask(answered ? RpcExchange.Attempt.AGAIN : RpcExchange.Attempt.FIRST);
  }

  @SuppressWarnings("CatchingUnchecked") // An edge: whatever happens, the caller is answered.
  private void ask(RpcExchange.Attempt attempt) {
    byte[] message = asked;
    if (closed || message == null) {
      takesLong();
      return;
    }
    try {
      String path = "/" + call.getMethodDescriptor().getFullMethodName();
      Request request = new Request(HttpMethod.POST, path, EmptyHttpHeaders.INSTANCE, message);
      RpcExchange exchange = new RpcExchange(this, request, attempt, held);
      current = exchange;
      link.begun();
      try {
        work.ask(exchange);
      } catch (Failure failure) {
        exchange.answer(RpcError.of(failure));
      } catch (RuntimeException e) {
        exchange.answer(RpcError.of(Workers.unexpected(e)));
      }
    } catch (Failure malformed) {
      fail(malformed);
    }
  }

  /** Others need not wait for it any more; from any thread. */
  void takesLong() {
    Turns.Ticket ticket = turn;
    if (ticket != null) {
      ticket.over();
    }
  }

  /** The question was answered; called once for each. */
  void answered(RpcExchange exchange, Response response, Runnable lost) {
    boolean unknown = exchange.isCallerUnknown();
    try {
      if (closed || link.isSpoilt()) {
        lost.run();
      } else if (response.status() == dev.vouchsafe.api.Status.NOT_MODIFIED) {
        next(exchange);
      } else if (response.status() != dev.vouchsafe.api.Status.OK) {
        failed(response);
      } else if (stays && !call.isReady()) {
        // Its reader is slow, and gets what is the newest once it has read.
        lost.run();
        behind = true;
      } else {
        send(exchange, response);
      }
    } finally {
      current = null;
      exchange.done();
      link.ended();
      takesLong();
    }
    if (unknown && !closed) {
      ask(RpcExchange.Attempt.WAITED);
    } else if (behind && call.isReady() && !closed) {
      catchUp();
    }
  }

  private void send(RpcExchange exchange, Response response) {
    if (!answered) {
      answered = true;
      call.sendHeaders(new Metadata());
    }
    call.sendMessage(response.body());
    held = exchange.offer();
    if (stays) {
      next(exchange);
    } else {
      end(Status.OK);
    }
  }

  private void next(RpcExchange exchange) {
    exchange.next().ifPresent(this::after);
  }

  private void failed(Response error) {
    if (stays && answered && RpcError.isPassing(error)) {
      long more = ThreadLocalRandom.current().nextLong(RETRY_MILLIS);
      after(Duration.ofMillis(RETRY_MILLIS + more));
    } else {
      end(RpcError.status(error));
    }
  }

  /** Asks again after that time; null for never. */
  private void after(@Nullable Duration time) {
    Future<?> pending = timer;
    if (pending != null) {
      pending.cancel(false);
    }
    timer =
        time == null || closed
            ? null
            : link.loop().schedule(this::refresh, time.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void onReady() {
    if (behind && current == null) {
      catchUp();
    }
  }

  private void catchUp() {
    behind = false;
    due.set(false);
    refresh();
  }

  private void fail(Failure failure) {
    end(RpcError.status(RpcError.of(failure)));
  }

  private void end(Status status) {
    if (!closed) {
      leave();
      call.close(status, new Metadata());
    }
  }

  /** Ends, since the service does; from any thread. */
  void stop() {
    later(() -> fail(Failure.of(Problem.STOPPING, "the service is stopping")));
  }

  @Override
  public void onCancel() {
    leave();
  }

  /** Also if gRPC ended it by itself. */
  @Override
  public void onComplete() {
    leave();
  }

  /** Whether nobody is there any more. */
  boolean isOver() {
    return closed;
  }

  private void leave() {
    if (closed) {
      return;
    }
    closed = true;
    after(null);
    streams.leave(this);
    RpcExchange exchange = current;
    if (exchange != null) {
      exchange.hungUp();
    }
  }
}
