package dev.vouchsafe.api;

import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The gRPC front end of the modules: its services, and the bounds within which it takes calls. Each
 * call is answered on the event loop of its connection.
 */
final class RpcServer implements AutoCloseable {
  private static final int MOST_CALLS = 32;

  /** A token has 16 KiB at most. */
  private static final int LONGEST_MESSAGE = 20 * 1024;

  private static final int LONGEST_HEADERS = 8 * 1024;

  /** What a connection may have under way towards us. */
  private static final int WINDOW = 64 * 1024;

  /** A connection that takes back more calls than these in so many seconds is ended. */
  private static final int MOST_RESETS = 256;

  private static final int RESETS_SECONDS = 10;
  private static final int IDLE_MINUTES = 5;
  private static final int KEEP_ALIVE_SECONDS = 10;
  private static final int LARGEST_READ = 16 * 1024;

  /** A first look may take 5 s, and what the client says at first comes after it. */
  private static final int HANDSHAKE_SECONDS = 15;

  /**
   * gRPC writes a trace of the stack for each malformed request, from which anybody could fill a
   * disk. What is ours to tell is told by our own loggers. Held here, since the JDK forgets levels
   * with their loggers.
   */
  private static final List<Logger> SILENT =
      List.of(Logger.getLogger("io.grpc"), Logger.getLogger("io.netty.handler.codec.http2"));

  static {
    SILENT.forEach(logger -> logger.setLevel(Level.OFF));
  }

  private static final MethodDescriptor.Marshaller<byte[]> OCTETS =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException("a message can't be read", e);
          }
        }
      };

  private final Timeouts timeouts;
  private final RpcStreams streams;
  private volatile boolean draining;
  private final List<ServerServiceDefinition> services = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private final NettyServerBuilder builder;
  private volatile @Nullable Server running;

  /**
   * @param bindAt where to listen
   * @param sockets makes the listening socket
   */
  RpcServer(
      Path bindAt,
      ChannelFactory<EpollServerDomainSocketChannel> sockets,
      EventLoopGroup loops,
      RpcNegotiator negotiator,
      RpcStreams streams,
      RpcPlaces places,
      Timeouts timeouts) {
    AdaptiveRecvByteBufAllocator reads = new AdaptiveRecvByteBufAllocator(512, 2048, LARGEST_READ);
    reads.maxMessagesPerRead(1);
    this.timeouts = timeouts;
    this.streams = streams;
    this.builder =
        NettyServerBuilder.forAddress(
                new DomainSocketAddress(bindAt.toString()), negotiator.credentials())
            .channelFactory(sockets)
            .bossEventLoopGroup(loops)
            .workerEventLoopGroup(loops)
            // gRPC asks for it on every connection, and a Unix socket knows it not.
            .withChildOption(ChannelOption.SO_KEEPALIVE, null)
            .withChildOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .withChildOption(ChannelOption.RECVBUF_ALLOCATOR, reads)
            .directExecutor()
            .intercept(places)
            // A small message of ours is no smaller packed, and a packed one of theirs may be
            // large.
            .decompressorRegistry(
                DecompressorRegistry.emptyInstance().with(Codec.Identity.NONE, false))
            .maxConcurrentCallsPerConnection(MOST_CALLS)
            .maxInboundMessageSize(LONGEST_MESSAGE)
            .maxInboundMetadataSize(LONGEST_HEADERS)
            .flowControlWindow(WINDOW)
            .maxRstFramesPerWindow(MOST_RESETS, RESETS_SECONDS)
            .maxConnectionIdle(IDLE_MINUTES, TimeUnit.MINUTES)
            .permitKeepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .handshakeTimeout(HANDSHAKE_SECONDS, TimeUnit.SECONDS);
  }

  /** An option of each connection. */
  <T> void option(ChannelOption<T> option, T value) {
    builder.withChildOption(option, value);
  }

  /** What has to be so before a call of a service begins. */
  interface Entry {
    /**
     * Looks at the headers of a call.
     *
     * @throws Failure if it is not let in
     */
    void check(Metadata headers) throws Failure;
  }

  /** Adds a service whose calls have one request each. */
  void add(ServiceDescriptor service, Entry entry, RpcCall.Work work) {
    add(service, method -> true, entry, work);
    names.add(service.getName());
  }

  private void add(
      ServiceDescriptor service,
      Predicate<MethodDescriptor<?, ?>> offered,
      Entry entry,
      RpcCall.Work work) {
    ServiceDescriptor.Builder described =
        ServiceDescriptor.newBuilder(service.getName())
            .setSchemaDescriptor(service.getSchemaDescriptor());
    List<MethodDescriptor<byte[], byte[]>> methods =
        service.getMethods().stream().filter(offered).map(RpcServer::ofOctets).toList();
    methods.forEach(described::addMethod);
    ServerServiceDefinition.Builder bound = ServerServiceDefinition.builder(described.build());
    methods.forEach(method -> bound.addMethod(method, handler(entry, work)));
    services.add(bound.build());
  }

  /**
   * Says whether a service is there (gRPC Health Checking). Nobody is told when that changes: such
   * streams would cost more than they tell.
   */
  private void health(RpcExchange exchange) throws Failure {
    String service =
        SpiffeMessages.read(exchange.request(), HealthCheckRequest::parseFrom).getService();
    if (!service.isEmpty() && !names.contains(service)) {
      throw Failure.of(Problem.NOT_FOUND, "there is no such service");
    }
    HealthCheckResponse.ServingStatus status =
        draining
            ? HealthCheckResponse.ServingStatus.NOT_SERVING
            : HealthCheckResponse.ServingStatus.SERVING;
    exchange.answer(
        SpiffeMessages.message(
            HealthCheckResponse.newBuilder().setStatus(status).build().toByteArray()));
  }

  private static MethodDescriptor<byte[], byte[]> ofOctets(MethodDescriptor<?, ?> method) {
    return method.toBuilder(OCTETS, OCTETS).build();
  }

  private ServerCallHandler<byte[], byte[]> handler(Entry entry, RpcCall.Work work) {
    return (call, headers) -> {
      RpcLink link = call.getAttributes().get(RpcNegotiator.LINK);
      if (link == null) {
        throw new IllegalStateException("a call without its connection");
      }
      try {
        entry.check(headers);
      } catch (Failure failure) {
        call.close(RpcError.status(RpcError.of(failure)), new Metadata());
        return new ServerCall.Listener<>() {};
      }
      return new RpcCall(call, link, work, streams, timeouts.body());
    };
  }

  /**
   * Listens, with health and reflection beside the services.
   *
   * @throws IOException if it can't
   */
  void start() throws IOException {
    add(
        HealthGrpc.getServiceDescriptor(),
        method -> method.equals(HealthGrpc.getCheckMethod()),
        headers -> {},
        this::health);
    services.forEach(builder::addService);
    builder.addService(ProtoReflectionServiceV1.newInstance());
    running = builder.build().start();
  }

  /** Takes no more calls, and ends the streams. */
  void drain() {
    draining = true;
    Server server = running;
    if (server != null) {
      server.shutdown();
      streams.stop();
    }
  }

  /** Ends what is left. */
  @Override
  public void close() {
    Server server = running;
    if (server != null) {
      server.shutdownNow();
    }
  }
}
