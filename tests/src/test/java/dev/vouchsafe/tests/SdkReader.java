package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The answers of the Workload API, read as the published clients read them: each does it by its own
 * means and takes less than HTTP/1.1 allows. What one of them would stumble over fails here.
 */
enum SdkReader {
  /** Node's own parser; takes the body only if the type says JSON in lower case. */
  NODE {
    @Override
    SdkAnswer read(InputStream in) throws IOException {
      SdkAnswer answer = plain(in);
      assertThat(answer.header("content-type")).contains("application/json");
      return answer;
    }
  },

  /** The library requests. */
  PYTHON {
    @Override
    SdkAnswer read(InputStream in) throws IOException {
      return plain(in);
    }
  },

  /**
   * Reads to the end of the stream as US-ASCII, wants a status line of exactly three parts, and
   * takes for the body the lines up to the next empty one, without their ends.
   */
  JAVA {
    @Override
    SdkAnswer read(InputStream in) throws IOException {
      String all = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      assertThat(all).as("octets that are no ASCII would be lost").doesNotContain("\ufffd");
      List<String> lines = all.lines().toList();
      assertThat(lines).as("the answer is not empty").isNotEmpty();
      String[] status = lines.getFirst().split(" ", -1);
      assertThat(status).as("status line: " + lines.getFirst()).hasSize(3);
      int end = lines.indexOf("");
      assertThat(end).isPositive();
      Map<String, String> headers = headers(lines.subList(1, end));
      assertThat(headers).as("chunks would stand in the body").doesNotContainKey(CHUNKED);
      List<String> rest = lines.subList(end + 1, lines.size());
      int gap = rest.indexOf("");
      String body = String.join("", gap < 0 ? rest : rest.subList(0, gap));
      return new SdkAnswer(Integer.parseInt(status[1]), headers, body);
    }
  },

  /** Wants a space after the code, a length, and not one octet more. */
  C {
    @Override
    SdkAnswer read(InputStream in) throws IOException {
      List<String> head = head(in);
      assertThat(head.getFirst()).matches("HTTP/1\\.1 [0-9]{3} .*");
      Map<String, String> headers = headers(head.subList(1, head.size()));
      byte[] body = in.readNBytes(length(headers));
      return new SdkAnswer(code(head.getFirst()), headers, text(body));
    }

    @Override
    boolean hangsUp() {
      return true;
    }
  },

  /** Buffers to the end of the stream, and decodes no chunks; so does the edge runtime. */
  C_SHARP {
    @Override
    SdkAnswer read(InputStream in) throws IOException {
      List<String> head = head(in);
      assertThat(head.getFirst().split(" ", 3)).hasSize(3);
      Map<String, String> headers = headers(head.subList(1, head.size()));
      byte[] body = in.readAllBytes();
      assertThat(headers).doesNotContainKey(CHUNKED);
      assertThat(body).as("buffered up to its length").hasSize(length(headers));
      return new SdkAnswer(code(head.getFirst()), headers, text(body));
    }
  };

  private static final String CHUNKED = "transfer-encoding";
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Reads one answer as that client does. */
  abstract SdkAnswer read(InputStream in) throws IOException;

  /** Sends a request in those packets on a connection of its own, and reads the answer. */
  SdkAnswer ask(Path socket, List<String> packets) throws IOException {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      for (String packet : packets) {
        ByteBuffer out = ByteBuffer.wrap(packet.getBytes(StandardCharsets.US_ASCII));
        while (out.hasRemaining()) {
          channel.write(out);
        }
      }
      InputStream in = Channels.newInputStream(channel);
      SdkAnswer answer = read(in);
      if (hangsUp()) {
        channel.shutdownOutput();
        assertThat(in.readAllBytes()).as("octets beyond the length").isEmpty();
      }
      return answer;
    }
  }

  /** Whether it closes its side itself, so that one can tell whether more came than it wanted. */
  boolean hangsUp() {
    return false;
  }

  /**
   * An answer that this client could read.
   *
   * @param headers names in lower case
   */
  record SdkAnswer(int status, Map<String, String> headers, String body) {
    String header(String name) {
      return headers.getOrDefault(name, "");
    }

    /** The text of a member of the body, or nothing. */
    String text(String... path) throws IOException {
      JsonNode node = JSON.readTree(body);
      for (String step : path) {
        node = node.path(step);
      }
      return node.asText();
    }
  }

  /** A good parser, with what every client needs of the answer. */
  private static SdkAnswer plain(InputStream in) throws IOException {
    List<String> head = head(in);
    Map<String, String> headers = headers(head.subList(1, head.size()));
    assertThat(headers).doesNotContainKeys(CHUNKED, "content-encoding");
    byte[] body = in.readNBytes(length(headers));
    return new SdkAnswer(code(head.getFirst()), headers, text(body));
  }

  private static int code(String statusLine) {
    return Integer.parseInt(statusLine.split(" ", -1)[1]);
  }

  private static int length(Map<String, String> headers) {
    assertThat(headers).containsKey("content-length");
    return Integer.parseInt(headers.getOrDefault("content-length", ""));
  }

  private static String text(byte[] body) {
    String text = new String(body, StandardCharsets.UTF_8);
    assertThat(text).as("one line of ASCII").matches("[ -~]+");
    return text;
  }

  private static Map<String, String> headers(List<String> lines) {
    Map<String, String> headers = new TreeMap<>();
    for (String line : lines) {
      int colon = line.indexOf(':');
      assertThat(colon).as("header line: " + line).isPositive();
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    return headers;
  }

  private static List<String> head(InputStream in) throws IOException {
    List<String> head = new ArrayList<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      head.add(line);
    }
    return head;
  }

  private static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int octet = in.read(); octet != '\n'; octet = in.read()) {
      if (octet < 0) {
        throw new EOFException("the answer ended within its head");
      }
      line.write(octet);
    }
    return line.toString(StandardCharsets.US_ASCII).stripTrailing();
  }
}
