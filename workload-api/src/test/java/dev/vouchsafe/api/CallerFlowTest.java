package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedCertificate;
import dev.vouchsafe.ca.LedgerEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The way of one request past attestation and issuing, when something on it goes wrong. */
class CallerFlowTest {
  private static final String CERTIFICATE =
      Bodies.post("/v1/certificates?module=edgeHub", "{\"profile\":\"server\"}");
  private static final String IDENTITY = Bodies.get("/v1/identity?module=edgeHub");
  private static final String IOT =
      Bodies.post("/modules/edgeHub/certificate/identity?api-version=2018-06-28", "{}");
  private static final String BUNDLE = Bodies.get("/v1/trust-bundle");

  @TempDir private static Path folder;
  private static TestHome home;
  private FakeAttestor attestor;
  private FakeAuthority authority;
  private TestServer server;

  @BeforeAll
  static void makeHome() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
    home.add(TestHome.own("second"));
    Registration remote = TestHome.own("remote");
    home.add(
        new Registration(
            remote.name(),
            remote.generation(),
            remote.selectors(),
            remote.profiles(),
            remote.dns(),
            remote.ip(),
            remote.spiffePath(),
            remote.ttl(),
            remote.audiences(),
            Set.of(Registration.Channel.HTTPS),
            remote.strict()));
  }

  @AfterAll
  static void closeHome() {
    home.close();
  }

  @BeforeEach
  void start() throws IOException {
    attestor = new FakeAttestor();
    authority = new FakeAuthority(home.authority);
    server = TestServer.start(home, home.with(attestor, authority));
  }

  @AfterEach
  void stop() {
    server.close();
    assertThat(attestor.open).as("every caller was closed").hasValue(0);
  }

  private Answer once(String request) throws IOException {
    return RawClient.once(server.workload, request);
  }

  @Test
  void aRefusedCallerGetsNoDetail() throws Exception {
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    for (String request : List.of(CERTIFICATE, IDENTITY)) {
      Answer answer = once(request);
      assertThat(answer.status()).isEqualTo(403);
      assertThat(answer.json("code")).isEqualTo("caller-refused");
      assertThat(answer.body()).doesNotContain("detail for the log", "selector");
      assertThat(answer.headers()).doesNotContainKey("retry-after");
    }
    assertThat(once(IOT).body()).isEqualTo("{\"message\":\"forbidden\"}");
    assertThat(authority.requests).isEmpty();
  }

  @Test
  void unavailableIsNeverRefused() throws Exception {
    attestor.measure = (caller, registration) -> FakeAttestor.unavailable();
    for (String request : List.of(CERTIFICATE, IDENTITY, IOT)) {
      Answer answer = once(request);
      assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 503 ServiceUnavailable");
      assertThat(answer.header("retry-after")).matches("[1-9][0-9]*");
      assertThat(answer.body()).doesNotContain("detail for the log");
    }
    assertThat(authority.requests).isEmpty();
  }

  @Test
  void aCallerThatHoldsAsOneButMayBeAnotherAsWellIsNotGuessed() throws Exception {
    attestor.measure =
        (caller, registration) ->
            registration.name().equals("edgeHub")
                ? new FakeAttestor().measure.apply(caller, registration)
                : FakeAttestor.unavailable();
    assertThat(once(Bodies.get("/v1/identity")).status()).isEqualTo(503);
    assertThat(once(IDENTITY).status()).isEqualTo(200);
    attestor.measure =
        (caller, registration) ->
            registration.name().equals("edgeHub")
                ? new FakeAttestor().measure.apply(caller, registration)
                : FakeAttestor.refused();
    assertThat(once(Bodies.get("/v1/identity")).json("module")).isEqualTo("edgeHub");
  }

  @Test
  void aRegistrationWithoutTheUnixChannelIsAsIfItWereNotThere() throws Exception {
    Answer answer = once(Bodies.get("/v1/identity?module=remote"));
    assertThat(answer.json("code")).isEqualTo("caller-refused");
    assertThat(attestor.measured).hasValue(0);
    Answer several = once(Bodies.get("/v1/identity"));
    assertThat(several.status()).isEqualTo(409);
    assertThat(several.body()).doesNotContain("remote");
  }

  @Test
  void aCallerThatChangedBeforeTheAnswerGetsNothingAndTheCertificateIsWithheld() throws Exception {
    attestor.confirm = verdict -> FakeAttestor.refused();
    for (String request : List.of(CERTIFICATE, IOT)) {
      Answer answer = once(request);
      assertThat(answer.status()).isEqualTo(403);
      assertThat(answer.body()).doesNotContain("BEGIN");
    }
    assertThat(once(IDENTITY).status()).isEqualTo(403);
    attestor.confirm = verdict -> FakeAttestor.unavailable();
    assertThat(once(CERTIFICATE).status()).isEqualTo(503);

    assertThat(authority.withheld).hasSize(3);
    for (String serial : authority.withheld) {
      Wait.until(
          "the ledger knows that it was withheld",
          () -> state(serial) == LedgerEntry.State.WITHHELD);
    }
  }

  private static LedgerEntry.State state(String serial) {
    try {
      return home.authority.certificate(serial).orElseThrow().state();
    } catch (IssuanceException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aBrokenLastLookWithholdsAsWell() throws Exception {
    attestor.confirm =
        verdict -> {
          throw new IllegalStateException("broken");
        };
    assertThat(once(CERTIFICATE).status()).isEqualTo(500);
    assertThat(authority.withheld).hasSize(1);
  }

  @Test
  void aCertificateForACallerThatHungUpIsWithheld() throws Exception {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    authority.outcome =
        issued ->
            issued.thenCombine(gate, (IssuedCertificate certificate, Void open) -> certificate);
    RawClient client = RawClient.connect(server.workload);
    client.send(CERTIFICATE);
    Wait.until("it is being issued", () -> authority.requests.size() == 1);
    client.close();
    gate.complete(null);

    Wait.until("it was withheld", () -> authority.withheld.size() == 1);
    Wait.until("the caller was closed", () -> attestor.open.get() == 0);
  }

  @Test
  void aCallerStaysOpenWhileAWorkerUsesItThoughItsConnectionIsGone() throws Exception {
    CountDownLatch measuring = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    attestor.measure =
        (caller, registration) -> {
          measuring.countDown();
          awaitLatch(goOn);
          return FakeAttestor.refused();
        };
    RawClient client = RawClient.connect(server.workload);
    client.send(CERTIFICATE);
    measuring.await();
    client.close();
    // The server is told to end while the worker still measures: drain waits for it.
    Thread stopping = Thread.ofPlatform().start(server::close);
    assertThat(attestor.open).hasValue(1);
    goOn.countDown();
    stopping.join();
    Wait.until("the caller was closed", () -> attestor.open.get() == 0);
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  @Test
  void aCallerThatTheKernelCanNotNameStillGetsTheBundleAndAnHonestAnswer() throws Exception {
    attestor.unknown = true;
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(BUNDLE + CERTIFICATE);
      assertThat(client.answer().status()).isEqualTo(200);
      Answer answer = client.answer();
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.json("code")).isEqualTo("caller-unknown");
      assertThat(client.closed()).as("only another connection can end better").isTrue();
    }
    assertThat(once(IOT).statusLine()).isEqualTo("HTTP/1.1 503 ServiceUnavailable");
    assertThat(authority.requests).isEmpty();
  }

  @Test
  void aBrokenAttestorEndsInAnAnswerNotInSilence() throws Exception {
    attestor.measure =
        (caller, registration) -> {
          throw new IllegalStateException("secret cause");
        };
    Answer answer = once(CERTIFICATE);
    assertThat(answer.status()).isEqualTo(500);
    assertThat(answer.json("code")).isEqualTo("internal");
    assertThat(answer.body()).doesNotContain("secret cause");
  }

  @Test
  void theCallerIsLookedAtOnceForEachConnectionAndMeasuredForEachRequest() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      for (int i = 0; i < 3; i++) {
        client.send(IDENTITY);
        assertThat(client.answer().status()).isEqualTo(200);
      }
    }
    assertThat(attestor.accepted).hasValue(1);
    assertThat(attestor.measured).hasValue(3);
  }

  @Test
  void aRegistrationThatIsRemovedCountsAtTheNextRequestOfTheSameConnection() throws Exception {
    home.add(TestHome.own("shortlived"));
    try (RawClient client = RawClient.connect(server.workload)) {
      String request = Bodies.get("/v1/identity?module=shortlived");
      client.send(request);
      assertThat(client.answer().status()).isEqualTo(200);
      home.remove("shortlived");
      client.send(request);
      assertThat(client.answer().status()).isEqualTo(403);
    }
  }

  @Test
  void theBundleWaitsForNoMeasurementAndNobodyIsRefusedIt() throws Exception {
    CountDownLatch answered = new CountDownLatch(1);
    attestor.measure =
        (caller, registration) -> {
          try {
            answered.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          return FakeAttestor.refused();
        };
    try {
      assertThat(once(BUNDLE).status()).isEqualTo(200);
      assertThat(once(Bodies.get("/trust-bundle?api-version=2022-08-03")).status()).isEqualTo(200);
    } finally {
      answered.countDown();
    }
    assertThat(authority.requests).isEmpty();
  }
}
