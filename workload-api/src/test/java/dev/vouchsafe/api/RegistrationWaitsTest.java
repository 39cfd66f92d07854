package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.attestation.Selector;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A caller that matches nothing yet may wait for its registration. */
class RegistrationWaitsTest {
  /** Of the 32 that a user may have under way. */
  private static final int PLACES = 8;

  @TempDir private Path folder;
  private TestHome home;
  private FakeAttestor attestor;
  private TestServer server;
  private final List<RawClient> clients = new ArrayList<>();

  @BeforeEach
  void start() throws Exception {
    home = TestHome.in(folder);
    attestor = new FakeAttestor();
    server = TestServer.start(home);
  }

  /** The real attestor makes place for the one that finds what the test says. */
  private void serveWithFake() throws IOException {
    server.close();
    server = TestServer.start(home, home.with(attestor, home.authority));
  }

  @AfterEach
  void stop() throws Exception {
    for (RawClient client : clients) {
      client.close();
    }
    server.close();
    home.close();
    assertThat(attestor.open).as("every caller was closed").hasValue(0);
  }

  private RawClient asks(String request) throws IOException {
    RawClient client = RawClient.connect(server.workload);
    clients.add(client);
    client.send(request);
    return client;
  }

  private static String identity(String query) {
    return Bodies.get("/v1/identity?" + query);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "&module=edgeHub"})
  void whoWaitsIsAnsweredOnceItsRegistrationIsThere(String named) throws Exception {
    RawClient reader = asks(identity("wait=60" + named));
    RawClient certificate =
        asks(Bodies.post("/v1/certificates?wait=60" + named, "{\"profile\":\"identity\"}"));
    RawClient token =
        asks(Bodies.post("/v1/tokens?wait=60" + named, "{\"audience\":[\"hub.example\"]}"));
    home.add(TestHome.foreign("other"));
    home.add(TestHome.own("edgeHub", List.of("hub.example")));
    assertThat(reader.answer().json("module")).isEqualTo("edgeHub");
    assertThat(certificate.answer().status()).isEqualTo(201);
    assertThat(token.answer().status()).isEqualTo(201);
  }

  @Test
  void whoWaitsForARegistrationThatChangesToMatchItIsAnswered() throws Exception {
    home.add(TestHome.foreign("edgeHub"));
    RawClient waiting = asks(identity("wait=60&module=edgeHub"));
    home.remove("edgeHub");
    home.add(TestHome.own("edgeHub"));
    assertThat(waiting.answer().status()).isEqualTo(200);
  }

  @Test
  void whoMatchesAlreadyIsAnsweredAtOnceAndWhoMatchesSeveralIsToldSo() throws Exception {
    home.add(TestHome.own("edgeHub"));
    assertThat(asks(identity("wait=60")).answer().status()).isEqualTo(200);
    home.add(TestHome.own("second"));
    assertThat(asks(identity("wait=60")).answer().status()).isEqualTo(409);
    assertThat(asks(identity("wait=60&module=%2")).answer().status()).isEqualTo(400);
  }

  @Test
  void whoWaitsInVainIsRefusedAtTheEndAndNoSooner() throws Exception {
    home.add(TestHome.registration("other", List.of(new Selector.Uid(4_000_000_000L))));
    long start = System.nanoTime();
    Answer answer = asks(identity("wait=1")).answer();
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TimeUnit.SECONDS.toNanos(1));
    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.json("code")).isEqualTo("caller-refused");
  }

  @Test
  void whoCantBeMeasuredWhileItWaitsIsToldThatAtTheEnd() throws Exception {
    home.add(TestHome.own("edgeHub"));
    attestor.measure = (caller, registration) -> FakeAttestor.unavailable();
    serveWithFake();
    Answer answer = asks(identity("wait=1")).answer();
    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.json("code")).isEqualTo("attestation-unavailable");
  }

  @Test
  void whoCanBeMeasuredAgainIsAnsweredWithoutAChangeOfTheRegistrations() throws Exception {
    home.add(TestHome.own("edgeHub"));
    var holds = attestor.measure;
    attestor.measure = (caller, registration) -> FakeAttestor.unavailable();
    serveWithFake();
    RawClient waiting = asks(identity("wait=60"));
    Wait.until("it was measured", () -> attestor.measured.get() > 0);
    attestor.measure = holds;
    assertThat(waiting.answer().status()).isEqualTo(200);
  }

  /** As many as may wait, all of them waiting, for a registration that is not theirs yet. */
  private void fill() throws Exception {
    home.add(TestHome.own("edgeHub"));
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    serveWithFake();
    for (int i = 0; i < PLACES; i++) {
      asks(identity("wait=60"));
    }
    Wait.until("all wait", () -> attestor.measured.get() >= PLACES);
  }

  @Test
  void onlySoManyWaitAndTheyHoldUpNobodyElse() throws Exception {
    var holds = attestor.measure;
    fill();
    Answer tooMany = asks(identity("wait=60")).answer();
    assertThat(tooMany.status()).isEqualTo(429);
    assertThat(tooMany.header("retry-after")).isNotEmpty();
    assertThat(asks(identity("module=edgeHub")).answer().status()).isEqualTo(403);
    attestor.measure = holds;
    assertThat(asks(identity("module=edgeHub")).answer().status()).isEqualTo(200);
    home.add(TestHome.foreign("other"));
    for (RawClient client : clients.subList(0, PLACES)) {
      assertThat(client.answer().status()).isEqualTo(200);
    }
    assertThat(asks(identity("wait=60")).answer().status()).isEqualTo(200);
  }

  @Test
  void whoHangsUpLeavesItsPlace() throws Exception {
    fill();
    assertThat(asks(identity("wait=1")).answer().status()).isEqualTo(429);
    clients.getFirst().close();
    Wait.until(
        "its place is free",
        () -> {
          try {
            return asks(identity("wait=1")).answer().status() == 403;
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  @Test
  void theEndOfTheServiceEndsEveryWait() throws Exception {
    home.add(TestHome.own("edgeHub"));
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    serveWithFake();
    RawClient waiting = asks(identity("wait=60"));
    Wait.until("it waits", () -> attestor.measured.get() > 0);
    server.close();
    assertThat(waiting.answer().status()).isIn(403, 503);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "61", "-1", "1.5", "", "x", "%31", "0000000001", "99999999999999"})
  void aWaitThatIsNoneIsRefused(String wait) throws Exception {
    home.add(TestHome.own("edgeHub"));
    Answer answer = asks(identity("wait=" + wait)).answer();
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json("detail")).startsWith("wait:");
  }
}
