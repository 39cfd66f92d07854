package dev.vouchsafe.api;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.Future;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc.SpiffeWorkloadAPIBlockingStub;
import java.nio.file.Path;

/** A bare client of gRPC on a Unix socket, which may send what no client should. */
final class SpiffeStub implements AutoCloseable {
  private static final Metadata.Key<String> HEADER =
      Metadata.Key.of("workload.spiffe.io", Metadata.ASCII_STRING_MARSHALLER);

  private final MultiThreadIoEventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  final ManagedChannel channel;

  SpiffeStub(Path socket) {
    channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
            .channelType(EpollDomainSocketChannel.class)
            .withOption(ChannelOption.SO_KEEPALIVE, null)
            .eventLoopGroup(loops)
            .usePlaintext()
            .build();
  }

  /** With the security header, that often. */
  SpiffeWorkloadAPIBlockingStub with(String... headers) {
    Metadata metadata = new Metadata();
    for (String header : headers) {
      metadata.put(HEADER, header);
    }
    return SpiffeWorkloadAPIGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  SpiffeWorkloadAPIBlockingStub stub() {
    return with("true");
  }

  @Override
  public void close() {
    channel.shutdownNow();
    Future<?> _ = loops.shutdownGracefully();
  }
}
