package dev.vouchsafe.attestation;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** Something that listens where a container engine would, and answers what a test says. */
final class FakeEngine implements AutoCloseable {
  private final ServerSocketChannel server;
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile byte @Nullable [] answer;
  private final List<String> requests = new CopyOnWriteArrayList<>();
  final Path socket;

  FakeEngine(Path socket) throws IOException {
    this.socket = socket;
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    Thread.ofVirtual().start(this::serve);
  }

  /** Whole octets of an answer; null to be silent. */
  void answers(byte @Nullable [] octets) {
    answer = octets;
  }

  void answers(String status, String body) {
    byte[] octets = body.getBytes(StandardCharsets.UTF_8);
    answers(
        ("HTTP/1.1 " + status + "\r\nContent-Length: " + octets.length + "\r\n\r\n" + body)
            .getBytes(StandardCharsets.UTF_8));
  }

  /** The first line of each request. */
  List<String> requests() {
    return List.copyOf(requests);
  }

  private void serve() {
    while (server.isOpen()) {
      try {
        SocketChannel channel = server.accept();
        Thread.ofVirtual().start(() -> handle(channel));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void handle(SocketChannel accepted) {
    try (SocketChannel channel = accepted) {
      ByteBuffer buffer = ByteBuffer.allocate(4096);
      channel.read(buffer);
      String request = new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8);
      requests.add(request.lines().findFirst().orElse(""));
      byte[] octets = answer;
      if (octets == null) {
        closed.await();
        return;
      }
      ByteBuffer out = ByteBuffer.wrap(octets);
      while (out.hasRemaining()) {
        channel.write(out);
      }
    } catch (IOException e) {
      // The client has had enough.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() throws IOException {
    closed.countDown();
    server.close();
  }
}
