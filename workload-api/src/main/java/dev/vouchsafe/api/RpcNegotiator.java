package dev.vouchsafe.api;

import io.grpc.Attributes;
import io.grpc.ServerCredentials;
import io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.InternalNettyServerCredentials;
import io.grpc.netty.InternalProtocolNegotiationEvent;
import io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.InternalProtocolNegotiators;
import io.grpc.netty.ProtocolNegotiationEvent;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What comes before gRPC on each of its connections, in the place where gRPC has TLS: the limits,
 * the first look at the caller, and a watch on who writes. gRPC's inner classes are used here and
 * nowhere else, since they may change with every release.
 */
final class RpcNegotiator implements InternalProtocolNegotiator.ProtocolNegotiator {
  private static final QuietLog LOG = new QuietLog(RpcNegotiator.class);

  /** Where a call finds its connection. */
  static final Attributes.Key<RpcLink> LINK = Attributes.Key.create("dev.vouchsafe.link");

  private final Doorkeeper door;
  private final ChannelGroup channels;
  private final BiConsumer<Arrival, Object> firstStep;
  private final Attestation writers;

  /**
   * @param channels where each connection is noted
   * @param firstStep what happens with an admitted connection and its owner; ends in {@link
   *     Arrival#begin}
   * @param writers whom to ask who wrote what is read
   */
  RpcNegotiator(
      Doorkeeper door,
      ChannelGroup channels,
      BiConsumer<Arrival, Object> firstStep,
      Attestation writers) {
    this.door = door;
    this.channels = channels;
    this.firstStep = firstStep;
    this.writers = writers;
  }

  /** With these it comes first on each connection of a server. */
  ServerCredentials credentials() {
    return InternalNettyServerCredentials.create(this);
  }

  @Override
  public AsciiString scheme() {
    return AsciiString.of("http");
  }

  @Override
  public ChannelHandler newHandler(GrpcHttp2ConnectionHandler grpc) {
    return new Joining(grpc);
  }

  @Override
  public void close() {
    // Holds nothing.
  }

  /** One connection: nothing is read before its caller was looked at; then it steps aside. */
  private final class Joining extends ChannelDuplexHandler
      implements Arrival, RpcLink, Doorkeeper.Guest, Intake.Observer {
    private final GrpcHttp2ConnectionHandler grpc;
    private final AtomicInteger underWay = new AtomicInteger();
    private @Nullable ChannelHandlerContext context;
    private @Nullable ProtocolNegotiationEvent event;
    private @Nullable Peer peer;
    private boolean looking;
    private boolean closeWanted;
    private @Nullable ChannelPromise closing;
    private boolean spoilt;
    private volatile boolean open;

    Joining(GrpcHttp2ConnectionHandler grpc) {
      this.grpc = grpc;
    }

    @Override
    public ChannelHandlerContext context() {
      if (context == null) {
        throw new IllegalStateException("not in a pipeline");
      }
      return context;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) throws IOException {
      context = ctx;
      EpollDomainSocketChannel channel = (EpollDomainSocketChannel) ctx.channel();
      channel.config().setAutoRead(false);
      channels.add(channel);
      Intake intake = new Intake(this);
      ctx.pipeline().addFirst(intake);
      WriterWatch.begin(channel, intake, writers);
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) throws IOException {
      EpollDomainSocketChannel channel = (EpollDomainSocketChannel) ctx.channel();
      Object owner = Integer.toUnsignedLong(channel.peerCredentials().uid());
      Doorkeeper.Welcome welcome = door.meet(owner, this);
      channel.closeFuture().addListener(closed -> door.bye(owner, this, welcome));
      if (welcome == Doorkeeper.Welcome.INSIDE) {
        looking = true;
        firstStep.accept(this, owner);
      } else {
        // To a client of gRPC the end of a connection says that it may come again later.
        ChannelFuture _ = ctx.close();
      }
      ctx.fireChannelActive();
    }

    @Override
    public void begin(Peer found) {
      looking = false;
      peer = found;
      ProtocolNegotiationEvent negotiated = event;
      if (found.caller() == null) {
        // Nothing can be said on it, ever; a client that is told so looks for another.
        writers.nameless(found);
        closeWanted = true;
      }
      if (context().channel().isActive() && !closeWanted && negotiated != null) {
        open(negotiated);
      } else {
        releasePeer();
        ChannelPromise promise = closing;
        ChannelFuture _ = promise == null ? context().close() : context().close(promise);
      }
    }

    private void open(ProtocolNegotiationEvent negotiated) {
      ChannelHandlerContext ctx = context();
      open = true;
      Attributes attributes =
          InternalProtocolNegotiationEvent.getAttributes(negotiated).toBuilder()
              .set(LINK, this)
              .build();
      ctx.pipeline()
          .addAfter(ctx.name(), null, InternalProtocolNegotiators.grpcNegotiationHandler(grpc));
      ctx.fireUserEventTriggered(
          InternalProtocolNegotiationEvent.withAttributes(negotiated, attributes));
      ctx.channel().config().setAutoRead(true);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object told) {
      if (told instanceof ProtocolNegotiationEvent negotiation) {
        event = negotiation;
        return;
      }
      if (told instanceof ChannelInputShutdownEvent) {
        // No client of gRPC says its last word before its connection ends.
        end(ctx);
      }
      ctx.fireUserEventTriggered(told);
    }

    /**
     * While a worker looks at its caller the socket stays open, so that its number is no other's.
     */
    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
      if (looking) {
        closeWanted = true;
        closing = promise;
      } else {
        ChannelFuture _ = ctx.close(promise);
      }
    }

    /** What can't be written waits here; nothing more is to be asked of us meanwhile. */
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
      if (open) {
        ctx.channel().config().setAutoRead(ctx.channel().isWritable());
      }
      ctx.fireChannelWritabilityChanged();
    }

    private void end(ChannelHandlerContext ctx) {
      closeWanted = true;
      if (open) {
        ChannelFuture _ = ctx.close();
      }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object octets) {
      if (open) {
        ctx.fireChannelRead(octets);
      } else {
        // Read only since the peer has ended it already.
        closeWanted = true;
        ReferenceCountUtil.release(octets);
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      boolean wasOpen = open;
      open = false;
      // First the calls end, which hold on to the caller as long as they are worked on.
      ctx.fireChannelInactive();
      if (wasOpen) {
        releasePeer();
      }
    }

    private void releasePeer() {
      Peer from = peer;
      if (from != null && from.caller() != null) {
        from.caller().release();
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      if (open) {
        ctx.fireExceptionCaught(cause);
      } else {
        LOG.info("a connection could not be set up: " + cause.getMessage());
        closeWanted = true;
        ChannelFuture _ = ctx.channel().close();
      }
    }

    @Override
    public void arrived() {
      // gRPC has its own times.
    }

    /** Whoever else holds this socket would read the answers. */
    @Override
    public void spoilt() {
      spoilt = true;
      end(context());
    }

    @Override
    public boolean isSpoilt() {
      return spoilt;
    }

    @Override
    public Peer peer() {
      if (peer == null) {
        throw new IllegalStateException("no call comes before its peer is known");
      }
      return peer;
    }

    @Override
    public EventExecutor loop() {
      return context().executor();
    }

    @Override
    public void begun() {
      underWay.incrementAndGet();
    }

    @Override
    public void ended() {
      underWay.decrementAndGet();
    }

    /** Its streams can be opened anew. */
    @Override
    public boolean mayGo() {
      return open && underWay.get() == 0;
    }

    @Override
    public void giveWay() {
      try {
        loop().execute(() -> end(context()));
      } catch (RejectedExecutionException stopped) {
        // The loop has ended, and this connection with it.
        return;
      }
    }
  }
}
