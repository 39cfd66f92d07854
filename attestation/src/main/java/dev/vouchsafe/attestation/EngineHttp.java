package dev.vouchsafe.attestation;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.CodecException;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpVersion;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/**
 * Asks a container engine over its Unix socket: HTTP/1.1, one request a connection, all of it
 * within one time limit and one size.
 *
 * <p>Believed is only what root listens on: the socket's path is root's alone, and so is the
 * process at its other end. A user's own engine says of containers what that user likes.
 *
 * <p>Netty's codec speaks the HTTP; the socket is the JDK's own, since the thread that asks waits
 * anyway.
 */
final class EngineHttp {
  static final int LARGEST = 1024 * 1024;
  private static final int BUFFER = 16 * 1024;

  /** What came back. */
  static final class Answer {
    private final int status;
    private final byte[] body;

    private Answer(int status, byte[] body) {
      this.status = status;
      this.body = body;
    }

    /** The status code. */
    int status() {
      return status;
    }

    byte[] body() {
      return body;
    }
  }

  private final Path socket;
  private final Duration limit;
  private final ScratchPool pool;

  /**
   * @param limit for connecting, asking and reading together
   */
  EngineHttp(Path socket, Duration limit, ScratchPool pool) {
    this.socket = socket;
    this.limit = limit;
    this.pool = pool;
  }

  /**
   * Asks.
   *
   * @param target a path that needs no escaping
   * @throws IOException if there was no whole answer in time, or the socket can't be believed
   */
  Answer get(String target) throws IOException {
    long deadline = System.nanoTime() + limit.toNanos();
    Scratch s = pool.take();
    try {
      String doubt = RootsOwn.doubt(s, socket.toAbsolutePath().toString(), true);
      if (doubt != null) {
        throw new IOException(doubt);
      }
    } finally {
      pool.give(s);
    }
    try (SocketChannel channel = connect();
        Selector selector = Selector.open()) {
      return new Exchange(channel, selector, deadline).run(request(target));
    } catch (CodecException e) {
      throw new IOException("no answer in HTTP of at most " + LARGEST + " octets", e);
    }
  }

  private static DefaultFullHttpRequest request(String target) {
    DefaultFullHttpRequest request =
        new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, target);
    request
        .headers()
        .set(HttpHeaderNames.HOST, "localhost")
        .set(HttpHeaderNames.ACCEPT, HttpHeaderValues.APPLICATION_JSON)
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    return request;
  }

  private SocketChannel connect() throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    boolean believed = false;
    try {
      channel.configureBlocking(false);
      if (!channel.connect(UnixDomainSocketAddress.of(socket))) {
        throw new IOException("it takes no connection now");
      }
      believed = isRoot(channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user());
      if (!believed) {
        throw new IOException("who listens on " + socket + " is not root");
      }
      return channel;
    } finally {
      if (!believed) {
        channel.close();
      }
    }
  }

  /**
   * Whether that is user 0, whatever its name. Two principals are equal by number, and the root
   * directory, which the look at the socket's path began at, belongs to that one.
   */
  static boolean isRoot(UserPrincipal user) throws IOException {
    return user.equals(Files.getOwner(Path.of("/")));
  }

  /** One request and its answer. */
  private static final class Exchange {
    private final SocketChannel channel;
    private final Selector selector;
    private final long deadline;
    private final EmbeddedChannel codec =
        new EmbeddedChannel(new HttpClientCodec(), new HttpObjectAggregator(LARGEST));

    Exchange(SocketChannel channel, Selector selector, long deadline) {
      this.channel = channel;
      this.selector = selector;
      this.deadline = deadline;
    }

    Answer run(DefaultFullHttpRequest request) throws IOException {
      try {
        SelectionKey key = channel.register(selector, SelectionKey.OP_WRITE);
        codec.writeOutbound(request);
        for (ByteBuf part = codec.readOutbound(); part != null; part = codec.readOutbound()) {
          write(part);
        }
        key.interestOps(SelectionKey.OP_READ);
        return read();
      } finally {
        codec.finishAndReleaseAll();
      }
    }

    private void write(ByteBuf part) throws IOException {
      try {
        for (ByteBuffer buffer : part.nioBuffers()) {
          while (buffer.hasRemaining()) {
            if (channel.write(buffer) == 0) {
              await();
            }
          }
        }
      } finally {
        part.release();
      }
    }

    private Answer read() throws IOException {
      ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
      while (true) {
        await();
        buffer.clear();
        int count = channel.read(buffer);
        if (count > 0) {
          codec.writeInbound(Unpooled.copiedBuffer(buffer.flip()));
        } else if (count < 0) {
          // What has no length ends with the connection.
          codec.finish();
        }
        Answer answer = answer();
        if (answer != null) {
          return answer;
        }
        if (count < 0) {
          throw new EOFException("its answer ends before it is whole");
        }
      }
    }

    private @Nullable Answer answer() throws IOException {
      FullHttpResponse response = codec.readInbound();
      if (response == null) {
        return null;
      }
      try {
        if (response.decoderResult().isFailure()) {
          throw new IOException("no answer in HTTP of at most " + LARGEST + " octets");
        }
        byte[] body = new byte[response.content().readableBytes()];
        response.content().readBytes(body);
        return new Answer(response.status().code(), body);
      } finally {
        response.release();
      }
    }

    private void await() throws IOException {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new IOException("no whole answer in time");
      }
      selector.selectedKeys().clear();
      if (selector.select(left) == 0 && deadline - System.nanoTime() <= 0) {
        throw new IOException("no whole answer in time");
      }
    }
  }
}
