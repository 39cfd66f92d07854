package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixHttpClientTest {
  private static final int MOST = 1000;

  @TempDir Path folder;

  private Path socket() {
    return folder.resolve("s.sock");
  }

  private UnixHttpClient client() {
    return new UnixHttpClient(socket(), Duration.ofSeconds(20), MOST);
  }

  private static void endsWith(ExitCode code, String said, ThrowingCallable call) {
    assertThatThrownBy(call)
        .asInstanceOf(type(CommandFailure.class))
        .satisfies(e -> assertThat(e.code()).isEqualTo(code))
        .satisfies(e -> assertThat(e).hasMessageContaining(said));
  }

  @Test
  void asksWithoutABodyAndReadsTheAnswer() throws Exception {
    try (FakeService service =
        FakeService.answering(socket(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) {
      UnixHttpClient.Answer answer = client().get("/v1/identity?module=a%20b", "application/json");
      assertThat(answer).isEqualTo(new UnixHttpClient.Answer(200, Optional.empty(), "{}"));
      assertThat(service.request())
          .startsWith("GET /v1/identity?module=a%20b HTTP/1.1\r\n")
          .containsIgnoringCase("host: localhost\r\n")
          .containsIgnoringCase("connection: close\r\n")
          .containsIgnoringCase("accept: application/json\r\n");
    }
  }

  @Test
  void asksWithABody() throws Exception {
    try (FakeService service =
        FakeService.answering(
            socket(), "HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 1\r\n\r\nx")) {
      UnixHttpClient.Answer answer =
          client().post("/v1/certificates", "{}".getBytes(StandardCharsets.UTF_8));
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.retryAfter()).contains(7L);
      assertThat(service.request())
          .containsIgnoringCase("content-length: 2\r\n")
          .containsIgnoringCase("content-type: application/json\r\n")
          .endsWith("{}");
    }
  }

  @Test
  void anAnswerThatEndsWithTheConnectionIsWhole() throws Exception {
    try (FakeService _ = FakeService.answering(socket(), "HTTP/1.1 200 OK\r\n\r\nall of it")) {
      assertThat(client().get("/", "*/*").body()).isEqualTo("all of it");
    }
  }

  @Test
  void anAnswerInChunksIsPutTogether() throws Exception {
    try (FakeService _ =
        FakeService.answering(
            socket(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")) {
      assertThat(client().get("/", "*/*").body()).isEqualTo("abcd");
    }
  }

  @Test
  void anAnswerThatIsTooLongIsNotRead() throws Exception {
    try (FakeService _ =
        FakeService.answering(
            socket(), "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + "x".repeat(1001))) {
      endsWith(ExitCode.FAILED, "over 1000 octets", () -> client().get("/", "*/*"));
    }
  }

  @Test
  void anEndlessAnswerIsNotRead() throws Exception {
    try (FakeService _ =
        FakeService.answering(socket(), "HTTP/1.1 200 OK\r\n\r\n" + "x".repeat(100_000))) {
      endsWith(ExitCode.FAILED, "over 1000 octets", () -> client().get("/", "*/*"));
    }
  }

  @Test
  void aServiceThatHangsUpIsUnavailable() throws Exception {
    try (FakeService _ = FakeService.answering(socket(), "")) {
      endsWith(ExitCode.UNAVAILABLE, "hung up", () -> client().get("/", "*/*"));
    }
  }

  @Test
  void aServiceThatSaysNothingIsUnavailableAfterItsTime() throws Exception {
    UnixHttpClient impatient = new UnixHttpClient(socket(), Duration.ofMillis(200), MOST);
    try (FakeService _ = FakeService.silent(socket())) {
      endsWith(ExitCode.UNAVAILABLE, "no answer within", () -> impatient.get("/", "*/*"));
    }
  }

  @Test
  void aServiceThatDripsIsUnavailableAfterItsTime() throws Exception {
    UnixHttpClient impatient = new UnixHttpClient(socket(), Duration.ofMillis(300), MOST);
    try (FakeService _ = FakeService.dripping(socket())) {
      endsWith(ExitCode.UNAVAILABLE, "no answer within", () -> impatient.get("/", "*/*"));
    }
  }

  @Test
  void noSocketMeansThatTheServiceDoesNotRun() {
    endsWith(ExitCode.UNAVAILABLE, "vouchsafe serve", () -> client().get("/", "*/*"));
  }

  @Test
  void aSocketThatNobodyListensAtIsUnavailable() throws IOException {
    try (ServerSocketChannel gone = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      gone.bind(UnixDomainSocketAddress.of(socket()));
    }
    assertThat(Files.exists(socket())).isTrue();
    endsWith(ExitCode.UNAVAILABLE, "vouchsafe check", () -> client().get("/", "*/*"));
  }

  @Test
  void aPathThatIsTooLongIsWrongUsage() throws IOException {
    Path deep = Files.createDirectories(folder.resolve("d".repeat(120))).resolve("s");
    Files.createFile(deep);
    endsWith(
        ExitCode.USAGE,
        "at most 107",
        () -> new UnixHttpClient(deep, Duration.ofSeconds(1), MOST).get("/", "*/*"));
  }

  @Test
  void whateverTheServiceSendsTheCommandEndsWithAnAnswerOrAFailure() throws Exception {
    String good =
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: application/json\r\n\r\n{\"a\":1}";
    Random random = new Random(3);
    for (int round = 0; round < 200; round++) {
      StringBuilder text = new StringBuilder(good);
      for (int change = random.nextInt(1, 8); change > 0; change--) {
        text.setCharAt(random.nextInt(text.length()), (char) random.nextInt(1, 127));
      }
      Path path = folder.resolve("r" + round);
      try (FakeService _ = FakeService.answering(path, text.toString())) {
        assertThat(new UnixHttpClient(path, Duration.ofSeconds(20), MOST).get("/", "*/*").status())
            .isBetween(0, 999);
      } catch (CommandFailure e) {
        assertThat(e.code()).isIn(ExitCode.UNAVAILABLE, ExitCode.FAILED);
      }
    }
  }
}
