package dev.vouchsafe.api;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One connection: takes one request after the other, each within its limits and times, and answers
 * each before it looks at the next.
 *
 * <p>Invariant: only the states that want more take a message or ask the socket for one; what a
 * single read has brought beyond that waits in the queue. All of it runs on the channel's event
 * loop, except where something else is said.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter implements Arrival {
  /**
   * How many decoded messages wait at most, two for a request without a body. One read can bring a
   * thousand tiny requests, and each costs far more decoded than it did on the wire; who sends more
   * ahead is answered so far, and the connection ends there.
   */
  private static final int MOST_QUEUED = 32;

  private enum State {
    /** Not looked at yet; the channel must stay open, since a worker uses its descriptor. */
    STARTING,
    /** Between requests. */
    IDLE,
    /** A head has begun. */
    HEAD,
    /** The head is whole, the body is not. */
    BODY,
    /** A request is being worked on. */
    WORKING,
    /** An answer is on its way out. */
    WRITING,
    /** Answered early; what still comes in is thrown away, so that the answer can be read. */
    LINGERING,
    CLOSED
  }

  /** What follows an answer. */
  private enum After {
    NEXT,
    CLOSE,
    LINGER
  }

  private static final QuietLog LOG = new QuietLog(HttpConnection.class);

  private final Routes routes;
  private final Timeouts timeouts;
  private final Consumer<HttpConnection> opening;
  private final Intake intake = new Intake(new Arrivals());
  private final BodyBuffer body;
  private final Queue<Object> queue = new ArrayDeque<>();
  private boolean overrun;

  /** Whether another process than the one that connected wrote to it: nothing is given out then. */
  private boolean spoilt;

  /** Written on the event loop only. */
  private volatile State state = State.STARTING;

  private boolean pumping;
  private boolean closeWanted;
  private boolean inputEnded;
  private boolean draining;
  private @Nullable Peer peer;
  private @Nullable HttpRequest head;
  private @Nullable HttpExchange current;
  private @Nullable ChannelHandlerContext context;
  private @Nullable Deadline deadline;

  /**
   * @param body takes bodies up to {@link Routes#longestBody}
   * @param opening what happens first; ends in {@link #begin} or {@link #turnAway}
   */
  HttpConnection(
      Routes routes, Timeouts timeouts, BodyBuffer body, Consumer<HttpConnection> opening) {
    this.routes = routes;
    this.body = body;
    this.timeouts = timeouts;
    this.opening = opening;
  }

  /** The handler that stands before the codec. */
  Intake intake() {
    return intake;
  }

  @Override
  public ChannelHandlerContext context() {
    if (context == null) {
      throw new IllegalStateException("not in a pipeline");
    }
    return context;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
    deadline = new Deadline(ctx.executor(), this::expired);
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    opening.accept(this);
    ctx.fireChannelActive();
  }

  @Override
  public void begin(Peer newPeer) {
    peer = newPeer;
    if (!context().channel().isActive()) {
      releasePeer();
      return;
    }
    state = State.IDLE;
    if (closeWanted) {
      close();
    } else {
      next();
    }
  }

  /**
   * Answers without having read anything, and closes.
   *
   * @param patient whether to wait for the peer to read the answer
   */
  void turnAway(Failure failure, boolean patient) {
    send(routes.refusal(failure), patient ? After.LINGER : After.CLOSE, Exchange.NOTHING_LOST);
  }

  /** Lets the request under way end, if there is one, and closes. */
  void drain() {
    draining = true;
    if (state == State.STARTING || state == State.IDLE) {
      close();
    }
  }

  /** Whether it could end now without losing what is being worked on. Any thread may ask. */
  boolean mayGo() {
    return state != State.STARTING && state != State.WORKING && state != State.CLOSED;
  }

  /** Ends, since its place is another's; a request that has become whole meanwhile is answered. */
  void giveWay() {
    try {
      context().executor().execute(this::goAway);
    } catch (RejectedExecutionException stopped) {
      // The loop has ended, and this connection with it.
      return;
    }
  }

  private void goAway() {
    draining = true;
    switch (state) {
      case HEAD, BODY -> {
        body.reset();
        send(routes.refusal(Listener.tooMany()), After.CLOSE, Exchange.NOTHING_LOST);
      }
      case WORKING -> {
        // It ends with its answer.
      }
      case STARTING, IDLE, WRITING, LINGERING, CLOSED -> close();
    }
  }

  private void next() {
    state = State.IDLE;
    head = null;
    if (draining || (overrun && queue.isEmpty())) {
      close();
      return;
    }
    if (spoilt) {
      refuse(foreignWriter());
      return;
    }
    deadline().set(timeouts.idle());
    pump();
  }

  private boolean wantsMore() {
    return state == State.IDLE || state == State.HEAD || state == State.BODY;
  }

  /** Takes what waits in the queue for as long as it is wanted, then asks for more. */
  private void pump() {
    if (pumping) {
      return;
    }
    pumping = true;
    while (wantsMore() && !queue.isEmpty()) {
      take(queue.remove());
    }
    pumping = false;
    if (wantsMore() && (inputEnded || overrun)) {
      close();
    } else if (wantsMore()) {
      context().read();
    }
  }

  /** What the intake tells. */
  private final class Arrivals implements Intake.Observer {
    @Override
    public void arrived() {
      if (state == State.IDLE) {
        state = State.HEAD;
        deadline().set(timeouts.header());
      }
    }

    /** What is under way ends in a refusal as well: who else holds this socket would read it. */
    @Override
    public void spoilt() {
      spoilt = true;
      if (wantsMore()) {
        refuse(foreignWriter());
      }
    }
  }

  private static Failure foreignWriter() {
    return Failure.of(Problem.CALLER_REFUSED, "forbidden");
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    if (queue.size() >= MOST_QUEUED) {
      overrun = true;
    }
    if (overrun) {
      ReferenceCountUtil.release(msg);
      return;
    }
    queue.add(msg);
    pump();
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    pump();
    ctx.fireChannelReadComplete();
  }

  private void take(Object msg) {
    try {
      if ((state == State.IDLE || state == State.HEAD) && msg instanceof HttpRequest request) {
        takeHead(request);
      }
      if (state == State.BODY && msg instanceof HttpContent content) {
        takeBody(content);
      }
    } catch (Failure failure) {
      refuse(failure);
    } finally {
      ReferenceCountUtil.release(msg);
    }
  }

  private void takeHead(HttpRequest request) throws Failure {
    head = request;
    HttpRules.check(request, routes.longestBody());
    body.reset();
    state = State.BODY;
    deadline().set(timeouts.body());
    if (HttpUtil.is100ContinueExpected(request)) {
      ChannelFuture _ = context().writeAndFlush(HttpRules.proceed());
    }
  }

  private void takeBody(HttpContent content) throws Failure {
    HttpRules.checkBody(content);
    ByteBuf octets = content.content();
    body.add(octets);
    if (!(content instanceof LastHttpContent)) {
      return;
    }
    HttpRequest request = head;
    Peer from = peer;
    if (request == null || from == null) {
      throw new IllegalStateException("a body without its head");
    }
    deadline().clear();
    Request whole = new Request(request.method(), request.uri(), request.headers(), body.takeAll());
    state = State.WORKING;
    HttpExchange exchange = new HttpExchange(this, whole, from);
    body.handOver(exchange);
    current = exchange;
    serve(exchange);
    if (inputEnded) {
      exchange.hungUp();
    }
  }

  /** The edge: whatever a route does, its caller gets an answer and the connection goes on. */
  @SuppressWarnings("CatchingUnchecked")
  private void serve(HttpExchange exchange) {
    try {
      routes.serve(exchange);
    } catch (RuntimeException e) {
      LOG.error("a request failed", e);
      exchange.fail(routes);
    }
  }

  /** An exchange is answered; runs on any thread. */
  void answering(Request request, Response response) {
    routes.answered(request, response);
  }

  /** Sends the answer of the exchange under way; called by it, once. */
  void answer(HttpExchange exchange, Response response, Runnable lost) {
    HttpRequest request = head;
    if (state != State.WORKING || exchange != current || request == null) {
      lost.run();
      exchange.done();
      return;
    }
    if (spoilt) {
      lost.run();
      send(routes.refusal(foreignWriter()), After.LINGER, Exchange.NOTHING_LOST);
      return;
    }
    boolean stay = HttpUtil.isKeepAlive(request) && !draining && !response.isLast();
    send(response, stay ? After.NEXT : After.CLOSE, lost);
  }

  private void refuse(Failure failure) {
    body.reset();
    send(routes.refusal(failure), After.LINGER, Exchange.NOTHING_LOST);
  }

  private void send(Response response, After after, Runnable lost) {
    boolean early = state != State.WORKING;
    state = State.WRITING;
    deadline().set(early ? timeouts.header() : timeouts.idle());
    Pieces.write(context(), HttpRules.message(response, head, after == After.NEXT))
        .addListener(written -> {
          if (!written.isSuccess()) {
            lost.run();
          }
          endExchange();
          if (state != State.WRITING) {
            return;
          }
          if (!written.isSuccess() || after == After.CLOSE) {
            close();
          } else if (after == After.LINGER) {
            linger();
          } else {
            next();
          }
        });
  }

  private void linger() {
    state = State.LINGERING;
    intake.discard();
    if (inputEnded) {
      close();
      return;
    }
    deadline().set(timeouts.linger());
    SslHandler tls = context().pipeline().get(SslHandler.class);
    if (tls != null) {
      Future<?> _ = tls.closeOutbound();
    } else if (context().channel() instanceof DuplexChannel channel) {
      Future<?> _ = channel.shutdownOutput();
    }
    context().read();
  }

  private void expired() {
    switch (state) {
      case HEAD, BODY ->
          refuse(Failure.of(Problem.REQUEST_TIMEOUT, "the request did not come in time"));
      case IDLE, WRITING, LINGERING -> close();
      case STARTING, WORKING, CLOSED -> {
        // No deadline is set in these.
      }
    }
  }

  private void close() {
    closeWanted = true;
    if (state != State.STARTING) {
      ChannelFuture _ = context().close();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof ChannelInputShutdownEvent) {
      inputEnded = true;
      HttpExchange exchange = current;
      switch (state) {
        case STARTING, WRITING, CLOSED -> {
          // Goes on where that state ends.
        }
        case WORKING -> {
          if (exchange != null) {
            exchange.hungUp();
          }
        }
        case IDLE, HEAD, BODY, LINGERING -> close();
      }
    }
    ctx.fireUserEventTriggered(event);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    State before = state;
    state = State.CLOSED;
    deadline().cancel();
    body.reset();
    queue.forEach(ReferenceCountUtil::release);
    queue.clear();
    HttpExchange exchange = current;
    if (exchange != null) {
      exchange.hungUp();
    }
    if (before != State.STARTING) {
      releasePeer();
    }
    ctx.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    // Resets and broken TLS are the peer's affair; the rest is ours, and is to be seen.
    if (!(cause instanceof IOException) && !HttpRules.isPeersFault(cause)) {
      LOG.error("a connection failed", cause);
    }
    close();
  }

  private void endExchange() {
    HttpExchange exchange = current;
    current = null;
    if (exchange != null) {
      exchange.done();
    }
  }

  private void releasePeer() {
    Peer from = peer;
    peer = null;
    if (from != null && from.caller() != null) {
      from.caller().release();
    }
  }

  private Deadline deadline() {
    if (deadline == null) {
      throw new IllegalStateException("not in a pipeline");
    }
    return deadline;
  }
}
