package dev.vouchsafe.api;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** A client that sends exactly the octets it is told to, and reads answers as octets. */
final class RawClient implements AutoCloseable {
  private final SocketChannel socket;
  private final ByteBuffer in = ByteBuffer.allocate(64 * 1024).flip();

  private RawClient(SocketChannel socket) {
    this.socket = socket;
  }

  static RawClient connect(Path path) throws IOException {
    SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
    socket.connect(UnixDomainSocketAddress.of(path));
    return new RawClient(socket);
  }

  /** One request on a connection of its own. */
  static Answer once(Path path, String request) throws IOException {
    try (RawClient client = connect(path)) {
      client.send(request);
      return client.answer();
    }
  }

  void send(String text) throws IOException {
    send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  void send(byte[] octets) throws IOException {
    ByteBuffer out = ByteBuffer.wrap(octets);
    while (out.hasRemaining()) {
      socket.write(out);
    }
  }

  void endOutput() throws IOException {
    socket.shutdownOutput();
  }

  /** Reads one answer; its body has the length that its head says. */
  Answer answer() throws IOException {
    return answer(true);
  }

  /** Reads an answer that has no body whatever its head says: to HEAD, or a 304 or 100. */
  Answer headOnly() throws IOException {
    return answer(false);
  }

  private Answer answer(boolean withBody) throws IOException {
    String statusLine = line();
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    int length = withBody ? Integer.parseInt(headers.getOrDefault("content-length", "0")) : 0;
    byte[] body = new byte[length];
    for (int i = 0; i < length; i++) {
      body[i] = octet();
    }
    return new Answer(statusLine, headers, new String(body, StandardCharsets.ISO_8859_1));
  }

  /** Whether the server has closed: no more octets come. */
  boolean closed() throws IOException {
    try {
      return !in.hasRemaining() && fill() < 0;
    } catch (java.net.SocketException reset) {
      return true;
    }
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (byte octet = octet(); octet != '\n'; octet = octet()) {
      line.write(octet);
    }
    return line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
  }

  private byte octet() throws IOException {
    if (!in.hasRemaining() && fill() < 0) {
      throw new EOFException("the server closed in the midst of an answer");
    }
    return in.get();
  }

  private int fill() throws IOException {
    in.clear();
    int count = socket.read(in);
    in.flip();
    return count;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  /** One answer. */
  record Answer(String statusLine, Map<String, String> headers, String body) {
    int status() {
      return Integer.parseInt(statusLine.split(" ", -1)[1]);
    }

    String header(String name) {
      return headers.getOrDefault(name, "");
    }

    /** A member of the body's JSON object, in its text form. */
    String json(String member) {
      return Bodies.read(body).path(member).asText();
    }
  }
}
