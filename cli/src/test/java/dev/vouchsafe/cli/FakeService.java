package dev.vouchsafe.cli;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Stands where the service's socket is and answers what the test says, to every connection. */
final class FakeService implements AutoCloseable {
  /** What it does with a connection whose request was read. */
  private interface Conduct {
    void answer(SocketChannel peer, String request) throws IOException;
  }

  private final Path socket;
  private final ServerSocketChannel server;
  private final CompletableFuture<String> request = new CompletableFuture<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final Thread thread;

  private FakeService(Path socket, Conduct conduct) throws IOException {
    this.socket = socket;
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    thread = new Thread(() -> serve(conduct), "fake-service");
    thread.start();
  }

  /** Sends that text and hangs up. */
  static FakeService answering(Path socket, String text) throws IOException {
    return answering(socket, asked -> text);
  }

  /** Sends what the function makes of the request's first line, and hangs up. */
  static FakeService answering(Path socket, Function<String, String> answer) throws IOException {
    return new FakeService(
        socket,
        (peer, asked) -> {
          String text = answer.apply(asked.lines().findFirst().orElse(""));
          ByteBuffer buffer = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
          while (buffer.hasRemaining()) {
            peer.write(buffer);
          }
        });
  }

  /** Answers with a status and a JSON body. */
  static String json(int status, String body) {
    return "HTTP/1.1 "
        + status
        + " X\r\nContent-Type: application/json\r\nContent-Length: "
        + body.getBytes(StandardCharsets.UTF_8).length
        + "\r\n\r\n"
        + body;
  }

  /** Reads the request and says nothing until the peer hangs up. */
  static FakeService silent(Path socket) throws IOException {
    return new FakeService(socket, (peer, asked) -> peer.read(ByteBuffer.allocate(1)));
  }

  /** Sends an endless header, an octet at a time, until the peer hangs up. */
  static FakeService dripping(Path socket) throws IOException {
    return new FakeService(
        socket,
        (peer, asked) -> {
          peer.write(ByteBuffer.wrap("HTTP/1.1 200 OK\r\nX: ".getBytes(StandardCharsets.UTF_8)));
          while (true) {
            peer.write(ByteBuffer.wrap(new byte[] {'x'}));
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
          }
        });
  }

  /** The first request, whole. */
  String request() throws InterruptedException, ExecutionException, TimeoutException {
    return request.get(20, TimeUnit.SECONDS);
  }

  /** The requests so far, each in a line: the first one, and the body. */
  List<String> requests() {
    return requests.stream()
        .map(asked ->
            asked.lines().findFirst().orElse("").replace(" HTTP/1.1", "")
                + " "
                + asked.substring(asked.indexOf("\r\n\r\n") + 4))
        .map(String::strip)
        .toList();
  }

  private void serve(Conduct conduct) {
    while (server.isOpen()) {
      try (SocketChannel peer = server.accept()) {
        String asked = read(peer);
        request.complete(asked);
        requests.add(asked);
        conduct.answer(peer, asked);
      } catch (IOException e) {
        // The peer hung up, or the test is over: the next connection, if there is one.
      }
    }
  }

  private static String read(SocketChannel peer) throws IOException {
    StringBuilder text = new StringBuilder();
    ByteBuffer buffer = ByteBuffer.allocate(8192);
    while (!isWhole(text.toString()) && peer.read(buffer) >= 0) {
      text.append(StandardCharsets.UTF_8.decode(buffer.flip()));
      buffer.clear();
    }
    return text.toString();
  }

  private static boolean isWhole(String text) {
    int end = text.indexOf("\r\n\r\n");
    if (end < 0) {
      return false;
    }
    Matcher length = Pattern.compile("(?i)content-length: (\\d+)").matcher(text);
    return text.length() - end - 4 >= (length.find() ? Integer.parseInt(length.group(1)) : 0);
  }

  @Override
  public void close() throws IOException {
    server.close();
    Files.deleteIfExists(socket);
    try {
      thread.join(TimeUnit.SECONDS.toMillis(20));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
