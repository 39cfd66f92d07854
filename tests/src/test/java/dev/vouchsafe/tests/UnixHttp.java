package dev.vouchsafe.tests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * One HTTP/1.1 connection over a Unix socket that sends exactly the octets that it is given, since
 * a good client library would not let a test misbehave.
 */
final class UnixHttp implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final SocketChannel channel;
  private final ByteBuffer in = ByteBuffer.allocate(1 << 16).flip();

  UnixHttp(Path socket) throws IOException {
    channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(socket));
  }

  /**
   * An answer.
   *
   * @param headers names in lower case
   */
  record Answer(int status, String reason, Map<String, String> headers, String body) {
    JsonNode json() throws IOException {
      return JSON.readTree(body);
    }

    /** The text of a field of the body, or nothing. */
    String text(String... path) throws IOException {
      JsonNode node = json();
      for (String step : path) {
        node = node.path(step);
      }
      return node.asText();
    }

    String header(String name) {
      return headers.getOrDefault(name, "");
    }
  }

  Answer get(String target) throws IOException {
    return exchange("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }

  Answer post(String target, String json) throws IOException {
    return exchange(
        "POST "
            + target
            + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
            + json.getBytes(StandardCharsets.UTF_8).length
            + "\r\n\r\n"
            + json);
  }

  Answer exchange(String request) throws IOException {
    send(request);
    return receive();
  }

  void send(String octets) throws IOException {
    ByteBuffer out = ByteBuffer.wrap(octets.getBytes(StandardCharsets.UTF_8));
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }

  /**
   * Reads one answer.
   *
   * @throws EOFException if the connection ends before the answer is whole
   */
  Answer receive() throws IOException {
    List<String> head = new ArrayList<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      head.add(line);
    }
    String[] status = head.getFirst().split(" ", 3);
    Map<String, String> headers = new TreeMap<>();
    for (String line : head.subList(1, head.size())) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
    byte[] body = new byte[length];
    for (int i = 0; i < length; i++) {
      body[i] = octet();
    }
    return new Answer(
        Integer.parseInt(status[1]),
        status.length > 2 ? status[2] : "",
        headers,
        new String(body, StandardCharsets.UTF_8));
  }

  /** Whether the other end closed, once what it had sent was read. */
  boolean closedByServer() throws IOException {
    try {
      octet();
      return false;
    } catch (EOFException e) {
      return true;
    }
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (byte octet = octet(); octet != '\n'; octet = octet()) {
      if (octet != '\r') {
        line.write(octet);
      }
    }
    return line.toString(StandardCharsets.UTF_8);
  }

  private byte octet() throws IOException {
    if (!in.hasRemaining()) {
      in.clear();
      int count = channel.read(in);
      in.flip();
      if (count < 0) {
        throw new EOFException("the connection ended");
      }
    }
    return in.get();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
