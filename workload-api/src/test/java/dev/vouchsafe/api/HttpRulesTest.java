package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.api.RawClient.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes over the wire, octet by octet, on the modules' socket. */
class HttpRulesTest {
  private static final String BUNDLE = Bodies.get("/v1/trust-bundle");
  private static final String BAD_BODY = "{\"profile\":\"nonsense\"}";

  @TempDir private static Path folder;
  private static TestHome home;
  private static TestServer server;

  @BeforeAll
  static void start() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
    server = TestServer.start(home);
  }

  @AfterAll
  static void stop() {
    server.close();
    home.close();
  }

  private static Answer once(String request) throws IOException {
    return RawClient.once(server.workload, request);
  }

  @Test
  void aRequestMayComeOctetByOctet() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      for (byte octet :
          Bodies.post("/v1/certificates", BAD_BODY).getBytes(StandardCharsets.UTF_8)) {
        client.send(new byte[] {octet});
      }
      assertThat(client.answer().status()).isEqualTo(400);
      client.send(BUNDLE);
      assertThat(client.answer().status()).isEqualTo(200);
    }
  }

  @Test
  void pipelinedRequestsAreAnsweredInTheirOrder() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(
          Bodies.get("/v1/identity")
              + BUNDLE
              + Bodies.post("/v1/certificates", BAD_BODY)
              + Bodies.get("/v1/none")
              + Bodies.post("/v1/certificates", "{\"profile\":\"server\"}"));
      client.endOutput();

      assertThat(client.answer().json("module")).isEqualTo("edgeHub");
      assertThat(client.answer().body()).startsWith("-----BEGIN");
      assertThat(client.answer().status()).isEqualTo(400);
      assertThat(client.answer().status()).isEqualTo(404);
      assertThat(client.answer().status()).isEqualTo(201);
      assertThat(client.closed()).isTrue();
    }
  }

  @Test
  void aThousandPipelinedRequestsAreAnswered() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      String many = Bodies.get("/v1/none").repeat(50);
      for (int round = 0; round < 20; round++) {
        client.send(many);
        for (int i = 0; i < 50; i++) {
          assertThat(client.answer().status()).isEqualTo(404);
        }
      }
    }
  }

  @Test
  void aCallerThatEndsItsSideStillGetsItsAnswer() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(Bodies.post("/v1/certificates", "{\"profile\":\"server\"}"));
      client.endOutput();
      assertThat(client.answer().status()).isEqualTo(201);
      assertThat(client.closed()).isTrue();
    }
  }

  @Test
  void connectionCloseIsHonouredAtOnce() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send("GET /v1/trust-bundle HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      Answer answer = client.answer();
      assertThat(answer.header("connection")).isEqualTo("close");
      assertThat(client.closed()).isTrue();
    }
  }

  @Test
  void http10ClosesUnlessAskedNotTo() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send("GET /v1/trust-bundle HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      assertThat(client.answer().header("connection")).isEqualTo("keep-alive");
      client.send("GET /v1/trust-bundle HTTP/1.0\r\n\r\n");
      assertThat(client.answer().status()).isEqualTo(200);
      assertThat(client.closed()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/var/run/iotedge/workload.sock",
        "/var/run/iotedge/workload.sock:0",
        "workload.sock:80",
        "localhost",
        "",
        "http+unix://%2Fvar%2Frun",
        "a b c"
      })
  void anyHostIsWelcome(String host) throws Exception {
    Answer answer = once("GET /v1/trust-bundle HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    assertThat(answer.status()).isEqualTo(200);
  }

  @Test
  void noHostIsWelcomeButTwoAreNot() throws Exception {
    assertThat(once("GET /v1/trust-bundle HTTP/1.1\r\n\r\n").status()).isEqualTo(200);
    assertThat(once("GET /v1/trust-bundle HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status())
        .isEqualTo(400);
  }

  @Test
  void anAbsoluteTargetIsItsPath() throws Exception {
    assertThat(once(Bodies.get("http://any.host:0/v1/trust-bundle")).status()).isEqualTo(200);
    assertThat(once(Bodies.get("HTTPS://x/v1/trust-bundle?a=b")).status()).isEqualTo(200);
    assertThat(once(Bodies.get("http://x?api-version=2018-06-28")).status()).isEqualTo(404);
    assertThat(once(Bodies.get("ftp://x/v1/trust-bundle")).status()).isEqualTo(400);
    assertThat(once(Bodies.get("*")).status()).isEqualTo(400);
  }

  @Test
  void theHeadIsAsTheSdksNeedIt() throws Exception {
    Answer answer = once(BUNDLE);

    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 200 OK");
    assertThat(answer.headers()).doesNotContainKeys("transfer-encoding", "content-encoding");
    assertThat(answer.header("content-length")).isEqualTo("" + answer.body().length());
  }

  @Test
  void everyReasonIsOneAsciiWord() {
    for (Status status : Status.values()) {
      assertThat(status.reason()).matches("[A-Za-z]+");
    }
  }

  @Test
  void headHasTheLengthAndNoBody() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send("HEAD /v1/trust-bundle HTTP/1.1\r\n\r\n" + BUNDLE);
      Answer head = client.headOnly();
      Answer get = client.answer();
      assertThat(head.status()).isEqualTo(200);
      assertThat(head.header("content-length")).isEqualTo(get.header("content-length"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Content-Length: ",
        "Content-Length: 99999999999999999999",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding : chunked",
        "Content-Length : 5",
        " Folded: start",
        "Bad Name: x",
        "X\u0000: x",
        "X: a\u0000b",
        "NoColon",
        ": empty"
      })
  void framingThatTwoReadersCouldReadDifferentlyIsRefusedAndClosed(String header) throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send("POST /v1/certificates HTTP/1.1\r\n" + header + "\r\n\r\n");
      client.send("0\r\n\r\n" + BUNDLE);
      Answer answer = client.answer();
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.header("connection")).isEqualTo("close");
      assertThat(client.closed()).as("nothing after it is read as a request").isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /v1/trust-bundle\r\n\r\n",
        "GET /v1/trust-bundle ICY/1.1\r\n\r\n",
        "GET /v1/trust-bundle HTTP/1.1 x\r\n\r\n",
        "/v1/trust-bundle\r\n\r\n",
        "GET /v1/trust-bundle HTTP/1.1\nHost: x\n\n",
        "G\u0000T / HTTP/1.1\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\r\n\r\n"
      })
  void whatIsNoRequestIsRefusedAndClosed(String octets) throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(octets);
      assertThat(client.answer().status()).isEqualTo(400);
      assertThat(client.closed()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP/2.0", "HTTP/0.9"})
  void anotherProtocolIsRefused(String version) throws Exception {
    Answer answer = once("GET /v1/trust-bundle " + version + "\r\n\r\n");
    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 505 HTTPVersionNotSupported");
    assertThat(answer.json("code")).isEqualTo("http-version");
  }

  @Test
  void aChunkedBodyIsRead() throws Exception {
    String head = "POST /v1/certificates HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    Answer answer =
        once(head + "5\r\n{\"pro\r\n11;x=y\r\nfile\":\"server\"}  \r\n0\r\nTrailer: x\r\n\r\n");
    assertThat(answer.status()).isEqualTo(201);
    assertThat(once(head + "zz\r\n").status()).isEqualTo(400);
    assertThat(once(head + "-5\r\n").status()).isEqualTo(400);
    assertThat(once(head + "5\r\nabcdefgh\r\n").status()).isEqualTo(400);
  }

  @Test
  void aBodyUpToTheLimitIsReadAndOneMoreIsTooLarge() throws Exception {
    String full = "{\"profile\":\"server\"}" + " ".repeat(WorkloadRoutes.LONGEST_BODY - 20);
    assertThat(full).hasSize(WorkloadRoutes.LONGEST_BODY);
    assertThat(once(Bodies.post("/v1/certificates", full)).status()).isEqualTo(201);

    Answer answer = once(Bodies.post("/v1/certificates", full + " "));
    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 413 ContentTooLarge");
    assertThat(answer.json("code")).isEqualTo("body-too-large");
  }

  @Test
  void anAnnouncedBodyOverTheLimitIsRefusedBeforeItCame() throws Exception {
    Answer answer = once("POST /v1/certificates HTTP/1.1\r\nContent-Length: 9000000000000\r\n\r\n");
    assertThat(answer.status()).isEqualTo(413);
  }

  @Test
  void aChunkedBodyOverTheLimitIsRefusedOnItsWay() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send("POST /v1/certificates HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
      String chunk = "10000\r\n" + " ".repeat(0x10000) + "\r\n";
      client.send(chunk + chunk + "1\r\n");
      client.send(" ");
      assertThat(client.answer().status()).isEqualTo(413);
    }
  }

  @Test
  void anEarlyAnswerCanBeReadByACallerThatIsStillSending() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send("POST /v1/certificates HTTP/1.1\r\nContent-Length: 600000\r\n\r\n");
      client.send(" ".repeat(600_000));
      assertThat(client.answer().status()).isEqualTo(413);
      assertThat(client.closed()).isTrue();
    }
  }

  @Test
  void longLinesAndHeadersAreRefused() throws Exception {
    String line = once(Bodies.get("/" + "x".repeat(5000))).statusLine();
    assertThat(line).isEqualTo("HTTP/1.1 414 URITooLong");
    String one = once("GET / HTTP/1.1\r\nX: " + "x".repeat(9000) + "\r\n\r\n").statusLine();
    assertThat(one).isEqualTo("HTTP/1.1 431 RequestHeaderFieldsTooLarge");
    String many = once("GET / HTTP/1.1\r\n" + "X: y\r\n".repeat(65) + "\r\n").statusLine();
    assertThat(many).isEqualTo("HTTP/1.1 431 RequestHeaderFieldsTooLarge");
  }

  @Test
  void aCallerThatWaitsForOneHundredIsToldToGoOn() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(
          "POST /v1/certificates HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: "
              + BAD_BODY.length()
              + "\r\n\r\n");
      assertThat(client.headOnly().statusLine()).isEqualTo("HTTP/1.1 100 Continue");
      client.send(BAD_BODY);
      assertThat(client.answer().status()).isEqualTo(400);
      client.send(BUNDLE);
      assertThat(client.answer().status()).isEqualTo(200);
    }
  }

  @Test
  void anExpectationThatCanNotBeMetIsSaidSo() throws Exception {
    Answer other =
        once("POST /v1/certificates HTTP/1.1\r\nExpect: more\r\nContent-Length: 2\r\n\r\n{}");
    assertThat(other.status()).isEqualTo(417);
    Answer tooLarge =
        once("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 999999\r\n\r\n");
    assertThat(tooLarge.status()).as("no 100 before it").isEqualTo(413);
  }

  @Test
  void slowHeadsAndBodiesEndWithATimeoutAndIdleConnectionsAreClosed() throws Exception {
    Timeouts impatient =
        new Timeouts(
            Duration.ofMillis(150),
            Duration.ofMillis(150),
            Duration.ofSeconds(2),
            Duration.ofMillis(100),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            Duration.ofSeconds(1),
            Duration.ofSeconds(5));
    server.close();
    try (TestServer quick = TestServer.start(home, home.parts(), TestServer.AMPLE, impatient)) {
      for (String part :
          new String[] {
            "G",
            "GET / HTTP/1.1\r\nHost: x\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"
          }) {
        try (RawClient client = RawClient.connect(quick.workload)) {
          client.send(part);
          Answer answer = client.answer();
          assertThat(answer.statusLine()).as(part).isEqualTo("HTTP/1.1 408 RequestTimeout");
          assertThat(client.closed()).isTrue();
        }
      }
      try (RawClient silent = RawClient.connect(quick.workload);
          RawClient done = RawClient.connect(quick.workload)) {
        done.send(BUNDLE);
        assertThat(done.answer().status()).isEqualTo(200);
        assertThat(done.closed()).isTrue();
        assertThat(silent.closed()).isTrue();
      }
      try (RawClient deaf = RawClient.connect(quick.workload)) {
        assertThatThrownBy(() -> sendForEver(deaf))
            .as("one that never reads its answers is stopped, and then closed")
            .isInstanceOf(IOException.class);
      }
    } finally {
      server = TestServer.start(home);
    }
  }

  private static void sendForEver(RawClient client) throws IOException {
    while (true) {
      client.send(BUNDLE);
    }
  }

  @Test
  void theServerLivesThroughConnectionsThatBreakOff() throws Exception {
    for (int i = 0; i < 50; i++) {
      try (RawClient client = RawClient.connect(server.workload)) {
        client.send(Bodies.post("/v1/certificates", BAD_BODY).substring(0, 20 + i * 2));
      }
    }
    // Until the broken ones have been noticed, 429 is an honest answer.
    Wait.until("others are served again", this::isServed);
  }

  private boolean isServed() {
    try {
      return once(BUNDLE).status() == 200;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
