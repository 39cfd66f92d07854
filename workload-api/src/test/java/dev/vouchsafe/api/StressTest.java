package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.ca.LedgerEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Many callers at once, some of them rude, and workers that take no more work. */
class StressTest {
  private static final String CERTIFICATE =
      Bodies.post("/v1/certificates", "{\"profile\":\"server\"}");
  private static final int CALLERS = 16;
  private static final int ROUNDS = 20;

  @TempDir private Path folder;
  private TestHome home;
  private final FakeAttestor attestor = new FakeAttestor();
  private FakeAuthority authority;

  @BeforeEach
  void makeHome() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
    authority = new FakeAuthority(home.authority);
  }

  @AfterEach
  void closeHome() {
    home.close();
  }

  /** Some read their answer, some hang up before it, some send rubbish. */
  private static List<String> call(Path socket, long seed) throws IOException {
    Random random = new Random(seed);
    List<String> delivered = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      try (RawClient client = RawClient.connect(socket)) {
        switch (random.nextInt(4)) {
          case 0 -> client.send(CERTIFICATE);
          case 1 -> client.send(CERTIFICATE.substring(0, random.nextInt(CERTIFICATE.length())));
          case 2 -> {
            client.send("GET / HTTP/1.1\r\n: \r\n\r\n");
            assertThat(client.answer().status()).isEqualTo(400);
          }
          default -> {
            client.send(CERTIFICATE + CERTIFICATE);
            for (int i = 0; i < 2; i++) {
              Answer answer = client.answer();
              assertThat(answer.status()).as(answer.body()).isIn(201, 403);
              if (answer.status() == 201) {
                delivered.add(answer.json("serial"));
              }
            }
          }
        }
      }
    }
    return delivered;
  }

  @Test
  void noCertificateInACallersHandsWasWithheldAndNothingIsLeftOpen() throws Exception {
    AtomicInteger looks = new AtomicInteger();
    attestor.confirm =
        verdict -> looks.incrementAndGet() % 5 == 0 ? FakeAttestor.refused() : verdict;
    Set<String> delivered = ConcurrentHashMap.newKeySet();
    try (ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
        TestServer server =
            TestServer.start(
                home,
                home.with(attestor, authority),
                new ApiSettings.Limits(4096, 4096, 4096),
                TestServer.QUICK)) {
      List<Callable<List<String>>> calls = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        long seed = i;
        calls.add(() -> call(server.workload, seed));
      }
      for (Future<List<String>> done : callers.invokeAll(calls)) {
        delivered.addAll(done.get());
      }
    }
    assertThat(attestor.open).hasValue(0);
    assertThat(delivered).isNotEmpty().doesNotContainAnyElementsOf(authority.withheld);
    assertThat(authority.withheld).doesNotHaveDuplicates().isNotEmpty();
    for (String serial : delivered) {
      assertThat(home.authority.certificate(serial))
          .map(LedgerEntry::state)
          .hasValue(LedgerEntry.State.ISSUED);
    }
  }

  private ApiParts withWorkers(ExecutorService workers) {
    return new ApiParts(
        TestHome.IDENTITY,
        home.registrations,
        attestor,
        authority,
        home.bundles,
        home.readers,
        () -> "",
        home.audit,
        home.clock,
        workers,
        heldUp -> {});
  }

  @ParameterizedTest
  @CsvSource({"true,503,stopping", "false,429,too-many-requests"})
  void workersThatTakeNoMoreWorkEndInAnHonestAnswerAndWithholdWhatWasIssued(
      boolean stopping, int status, String code) throws Exception {
    FakeWorkers workers = new FakeWorkers(home.workers);
    workers.stopping = stopping;
    workers.left.set(2);
    try (TestServer server = TestServer.start(home, withWorkers(workers))) {
      // The first look and the measurement find a worker, the last look doesn't.
      assertTurnedAway(RawClient.once(server.workload, CERTIFICATE), status, code);
      Wait.until("it was withheld", () -> authority.withheld.size() == 1);
      workers.left.set(1);
      assertTurnedAway(RawClient.once(server.workload, CERTIFICATE), status, code);
      workers.left.set(0);
      try (RawClient client = RawClient.connect(server.workload)) {
        client.send(Bodies.get("/v1/trust-bundle"));
        assertThat(client.answer().status()).as("needs no worker").isEqualTo(200);
        client.send(CERTIFICATE);
        assertTurnedAway(client.answer(), status, code);
        assertThat(client.closed()).as("only another connection can end better").isTrue();
      }
      assertTurnedAway(RawClient.once(server.admin, Bodies.get("/status")), status, code);
      Answer manifest =
          RawClient.once(
              server.workload, Bodies.get("/manifest-trust-bundle?api-version=2018-06-28"));
      assertThat(manifest.status()).isEqualTo(status);
    }
    assertThat(attestor.open).hasValue(0);
  }

  private static void assertTurnedAway(Answer answer, int status, String code) {
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.json("code")).isEqualTo(code);
    assertThat(answer.header("retry-after")).matches("[1-9][0-9]*");
  }
}
