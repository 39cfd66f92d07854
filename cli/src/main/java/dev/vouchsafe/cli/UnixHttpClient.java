package dev.vouchsafe.cli;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * HTTP/1.1 over a Unix socket, one request a connection, all of it within one time limit.
 *
 * <p>Netty's codec speaks the HTTP; the socket is the JDK's own and is read by the thread that
 * asks, because starting an event loop costs a short command more than its whole request.
 */
final class UnixHttpClient {
  private static final int BUFFER = 16 * 1024;

  /**
   * What came back.
   *
   * @param status the status code
   * @param retryAfter seconds to wait, where the service said so
   * @param body the whole body, as UTF-8
   */
  record Answer(int status, Optional<Long> retryAfter, String body) {}

  private final Path socket;
  private final Duration limit;
  private final int mostOctets;

  /**
   * @param limit for connecting, asking and reading together
   * @param mostOctets the longest body that is taken
   */
  UnixHttpClient(Path socket, Duration limit, int mostOctets) {
    this.socket = socket;
    this.limit = limit;
    this.mostOctets = mostOctets;
  }

  Answer get(String target, String accept) throws CommandFailure {
    DefaultFullHttpRequest request =
        new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, target);
    request.headers().set(HttpHeaderNames.ACCEPT, accept);
    return send(request);
  }

  Answer post(String target, byte[] json) throws CommandFailure {
    DefaultFullHttpRequest request =
        new DefaultFullHttpRequest(
            HttpVersion.HTTP_1_1, HttpMethod.POST, target, Unpooled.wrappedBuffer(json));
    request
        .headers()
        .set(HttpHeaderNames.ACCEPT, HttpHeaderValues.APPLICATION_JSON)
        .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
        .set(HttpHeaderNames.CONTENT_LENGTH, json.length);
    return send(request);
  }

  private Answer send(DefaultFullHttpRequest request) throws CommandFailure {
    request
        .headers()
        .set(HttpHeaderNames.HOST, "localhost")
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    long deadline = System.nanoTime() + limit.toNanos();
    try (SocketChannel channel = connect();
        Selector selector = Selector.open()) {
      return new Exchange(channel, selector, deadline).run(request);
    } catch (TooLongFrameException e) {
      throw CommandFailure.failed("the answer is over " + mostOctets + " octets", e);
    } catch (IOException e) {
      throw CommandFailure.unavailable(
          socket + ": " + Causes.of(e) + "; see whether the service runs: `vouchsafe check`", e);
    }
  }

  private SocketChannel connect() throws IOException, CommandFailure {
    if (Files.notExists(socket)) {
      throw CommandFailure.unavailable(
          "nothing at " + socket + ": the service does not run; start it with `vouchsafe serve`");
    }
    if (!Files.isWritable(socket)) {
      throw CommandFailure.refused(
          socket + " may not be used by this user; see its owner and group with `ls -l`");
    }
    int length = socket.toString().getBytes(StandardCharsets.UTF_8).length;
    if (length > Configuration.LONGEST_SOCKET_PATH) {
      throw CommandFailure.usage(
          socket
              + " has "
              + length
              + " octets; Linux takes at most "
              + Configuration.LONGEST_SOCKET_PATH
              + " for a socket: give a shorter path");
    }
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    boolean connected = false;
    try {
      channel.configureBlocking(false);
      connected = channel.connect(UnixDomainSocketAddress.of(socket));
      if (!connected) {
        throw new IOException("the service takes no connection now");
      }
      return channel;
    } finally {
      if (!connected) {
        channel.close();
      }
    }
  }

  /** One request and its answer. */
  private final class Exchange {
    private final SocketChannel channel;
    private final Selector selector;
    private final long deadline;
    private final EmbeddedChannel codec =
        new EmbeddedChannel(new HttpClientCodec(), new HttpObjectAggregator(mostOctets));

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
          codec.finish();
        }
        FullHttpResponse response = codec.readInbound();
        if (response != null) {
          return answer(response);
        }
        if (count < 0) {
          throw new IOException("the service hung up without an answer");
        }
      }
    }

    private Answer answer(FullHttpResponse response) throws IOException {
      try {
        if (response.decoderResult().isFailure()) {
          throw new IOException("the answer is not HTTP");
        }
        String retry = response.headers().get(HttpHeaderNames.RETRY_AFTER, "");
        return new Answer(
            response.status().code(),
            retry.matches("[0-9]{1,9}") ? Optional.of(Long.valueOf(retry)) : Optional.empty(),
            response.content().toString(StandardCharsets.UTF_8));
      } finally {
        response.release();
      }
    }

    private void await() throws IOException {
      long left = Duration.ofNanos(deadline - System.nanoTime()).toMillis();
      if (left <= 0 || selector.select(left) == 0) {
        throw new IOException("no answer within " + limit.toSeconds() + " s");
      }
      selector.selectedKeys().clear();
    }
  }
}
