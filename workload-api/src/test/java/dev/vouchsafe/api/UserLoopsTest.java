package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whoever has many connections has them on one loop, and who comes has another. */
@Timeout(60)
class UserLoopsTest {
  private final UserLoops loops = new UserLoops(3, "test-unix");
  @TempDir Path folder;

  @AfterEach
  void close() {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }

  @Test
  void aUserStaysOnHisLoopAndTheNextGetsAnother() {
    EventLoop flooder = loops.enter(1001);
    for (int i = 0; i < 100; i++) {
      assertThat(loops.enter(1001)).isSameAs(flooder);
    }
    EventLoop second = loops.enter(1002);
    EventLoop third = loops.enter(1003);
    assertThat(Set.of(flooder, second, third)).hasSize(3);
    assertThat(loops.enter(1004)).as("a fourth user").isNotSameAs(flooder);
    assertThat(loops.enter(1002)).isSameAs(second);
  }

  @Test
  void aLoopIsFreeWhenItsUserHasGone() {
    EventLoop first = loops.enter(1001);
    loops.enter(1001);
    loops.enter(1002);
    loops.enter(1003);
    loops.leave(1001);
    assertThat(loops.enter(1001)).as("one of his is left").isSameAs(first);
    loops.leave(1001);
    loops.leave(1001);
    assertThat(loops.enter(1004)).isSameAs(first);
  }

  @Test
  void theConnectionsOfARealUserShareALoop() throws Exception {
    BlockingQueue<Channel> accepted = new LinkedBlockingQueue<>();
    Path socket = folder.resolve("s");
    Channel listener =
        new ServerBootstrap()
            .group(loops)
            .channel(EpollServerDomainSocketChannel.class)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accepted.add(channel);
                  }
                })
            .bind(new DomainSocketAddress(socket.toString()))
            .sync()
            .channel();
    List<SocketChannel> clients = new ArrayList<>();
    Set<EventLoop> used = new HashSet<>();
    try {
      for (int i = 0; i < 6; i++) {
        SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX);
        clients.add(client);
        client.connect(UnixDomainSocketAddress.of(socket));
        used.add(accepted.take().eventLoop());
      }
      assertThat(used).hasSize(1);
    } finally {
      for (SocketChannel client : clients) {
        client.close();
      }
      listener.close().sync();
    }
  }
}
