package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

/** A connection fed with anything: it must never break, and packets must not matter to it. */
class HttpFuzzTest {
  private static final List<String> VALID =
      List.of(
          Bodies.get("/v1/trust-bundle?a=%20b&wait=5"),
          Bodies.post("/v1/certificates?a=x", "{\"profile\":\"server\"}"),
          Bodies.get("/a") + Bodies.get("/b") + Bodies.post("/c", "abc") + Bodies.get("/d"),
          "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nT: x\r\n\r\n"
              + Bodies.get("/after"),
          "POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
          "HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n" + Bodies.get("/never"),
          "GET http://h/x?a=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /y HTTP/1.0\r\n\r\n",
          "POST /x HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
          "POST /x HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");

  private static final Pattern ANSWER =
      Pattern.compile(
          "HTTP/1\\.1 [1-5][0-9][0-9] [A-Za-z]+\r\n([a-z-]+: [^\r\n]*\r\n)*\r\n.*", Pattern.DOTALL);

  static Stream<byte[]> seeds() {
    return VALID.stream().map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** What is answered if the octets come in pieces of those lengths. */
  private static String answers(byte[] octets, IntUnaryOperator pieces) {
    FakeRoutes routes = new FakeRoutes();
    HttpConnection connection =
        new HttpConnection(
            routes,
            TestServer.QUICK,
            new BodyBuffer(routes.longestBody(), BodyBuffer.budget(1 << 20), "fuzz"),
            opened -> opened.begin(Peer.of("fuzz")));
    EmbeddedChannel channel =
        new EmbeddedChannel(
            connection.intake(), new HttpServerCodec(HttpRules.decoder()), connection);
    channel.config().setAutoRead(false);
    StringBuilder out = new StringBuilder();
    for (int at = 0; at < octets.length && channel.isOpen(); ) {
      int length = Math.min(octets.length - at, Math.max(1, pieces.applyAsInt(at)));
      channel.writeInbound(Unpooled.copiedBuffer(octets, at, length));
      at += length;
    }
    for (ByteBuf piece = channel.readOutbound(); piece != null; piece = channel.readOutbound()) {
      out.append(piece.toString(StandardCharsets.ISO_8859_1));
      piece.release();
    }
    channel.finishAndReleaseAll();
    channel.checkException();
    return out.toString();
  }

  private static void check(byte[] octets) {
    byte[] bounded = Arrays.copyOf(octets, Math.min(octets.length, 4096));
    String whole = answers(bounded, at -> bounded.length);
    assertThat(whole.isEmpty() || ANSWER.matcher(whole).matches()).as(whole).isTrue();
    assertThat(answers(bounded, at -> 1)).isEqualTo(whole);
    assertThat(answers(bounded, at -> 1 + at % 7)).isEqualTo(whole);
  }

  @Tag("fuzz")
  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void connections(byte[] octets) {
    check(octets);
  }

  @Test
  void bentRequestsAreAnsweredTheSameHoweverTheyCome() {
    Mutations mutations = new Mutations(7, seeds().toList());
    for (int round = 0; round < 500; round++) {
      check(mutations.next());
    }
  }

  @Test
  void validRequestsAreUnderstood() {
    assertThat(answers(VALID.get(2).getBytes(StandardCharsets.US_ASCII), at -> 9999))
        .contains("GET /a - 0", "GET /b - 0", "POST /c - 3", "GET /d - 0");
    assertThat(answers(VALID.get(5).getBytes(StandardCharsets.US_ASCII), at -> 9999))
        .doesNotContain("/never");
  }
}
