package dev.vouchsafe.api;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.stream.ChunkedWriteHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Sets up each accepted connection of one listener: its limits, its codec, its first step. */
final class Listener extends ChannelInitializer<Channel> {
  private static final QuietLog LOG = new QuietLog(Listener.class);

  private final Routes routes;
  private final Timeouts timeouts;
  private final Doorkeeper door;
  private final Quota bodies;
  private final ChannelGroup channels;
  private final BiConsumer<? super HttpConnection, Object> firstStep;
  private final @Nullable Tls tls;
  private final @Nullable Attestation writers;

  /** What TLS needs; its slow steps run on the executor. */
  record Tls(SslContext context, Executor executor) {}

  /**
   * @param bodies octets of bodies that may be under way
   * @param channels where each connection is noted, so that it can be ended
   * @param firstStep what happens with an admitted connection and its owner; ends in {@link
   *     HttpConnection#begin}
   * @param writers whom to ask who wrote what is read; null if that is all the same
   */
  Listener(
      Routes routes,
      Timeouts timeouts,
      Doorkeeper door,
      Quota bodies,
      ChannelGroup channels,
      BiConsumer<? super HttpConnection, Object> firstStep,
      @Nullable Tls tls,
      @Nullable Attestation writers) {
    this.routes = routes;
    this.timeouts = timeouts;
    this.door = door;
    this.bodies = bodies;
    this.channels = channels;
    this.firstStep = firstStep;
    this.tls = tls;
    this.writers = writers;
  }

  /** A connection as the doorkeeper knows it, from before it is set up. */
  private static final class Place implements Doorkeeper.Guest {
    private volatile @Nullable HttpConnection connection;

    @Override
    public boolean mayGo() {
      HttpConnection guest = connection;
      return guest != null && guest.mayGo();
    }

    @Override
    public void giveWay() {
      HttpConnection guest = connection;
      if (guest != null) {
        guest.giveWay();
      }
    }
  }

  @Override
  protected void initChannel(Channel channel) throws IOException {
    Object owner = owner(channel);
    Place place = new Place();
    Doorkeeper.Welcome welcome = door.meet(owner, place);
    channel.closeFuture().addListener(closed -> door.bye(owner, place, welcome));
    channels.add(channel);
    if (tls != null && welcome == Doorkeeper.Welcome.IN_PASSING) {
      // An answer would cost a handshake, which is what a flood is after.
      ChannelFuture _ = channel.close();
      return;
    }
    HttpConnection connection =
        new HttpConnection(
            routes,
            timeouts,
            new BodyBuffer(routes.longestBody(), bodies, owner),
            opened -> {
              if (welcome == Doorkeeper.Welcome.INSIDE) {
                firstStep.accept(opened, owner);
              } else {
                opened.turnAway(tooMany(), welcome == Doorkeeper.Welcome.TURNED_AWAY);
              }
            });
    place.connection = connection;
    if (writers != null) {
      WriterWatch.begin((EpollDomainSocketChannel) channel, connection.intake(), writers);
    }
    ChannelPipeline pipeline = channel.pipeline();
    if (tls != null) {
      SslHandler handler = tls.context().newHandler(channel.alloc(), tls.executor());
      handler.setHandshakeTimeoutMillis(timeouts.handshake().toMillis());
      handler.setCloseNotifyFlushTimeoutMillis(timeouts.linger().toMillis());
      pipeline.addLast(handler);
    }
    pipeline.addLast(connection.intake(), new HttpServerCodec(HttpRules.decoder()));
    if (tls != null) {
      // What is encrypted is a copy: a large answer waits here until its reader takes more.
      pipeline.addLast(new ChunkedWriteHandler());
    }
    pipeline.addLast(connection);
  }

  /** For one that isn't let in, or has to give way. */
  static Failure tooMany() {
    return Failure.of(Problem.TOO_MANY_CONNECTIONS, "too many connections are open");
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    LOG.error("a connection could not be set up", cause);
    ChannelFuture _ = ctx.close();
  }

  /** Whom a connection is counted against: the user behind a Unix socket, or the address. */
  private static Object owner(Channel channel) throws IOException {
    if (channel instanceof EpollDomainSocketChannel unix) {
      return Integer.toUnsignedLong(unix.peerCredentials().uid());
    }
    InetAddress address = ((SocketChannel) channel).remoteAddress().getAddress();
    return Network.of(address);
  }
}
