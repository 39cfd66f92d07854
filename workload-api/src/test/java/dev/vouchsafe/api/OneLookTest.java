package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.IssuanceException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Signing and encrypting a little: computed first, judged by the one look before the answer. */
class OneLookTest {
  private static final String V = "?api-version=2018-06-28";

  /** It is answered on the event loop, and nobody is looked at. */
  private static final String NOTHING = "GET /nothing" + V + " HTTP/1.1\r\nHost: localhost\r\n\r\n";

  private static final String GOOD =
      "{\"data\":\"QUJD\",\"plaintext\":\"QUJD\",\"ciphertext\":\"QUJD\","
          + "\"initializationVector\":\"QUJD\"}";
  private static final String BAD = GOOD.replace("QUJD", "#");

  @TempDir private static Path folder;
  private static TestHome home;
  private FakeAttestor attestor;
  private FakeAuthority authority;
  private TestServer server;

  @BeforeAll
  static void makeHome() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
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

  private Answer post(String path, String body) throws IOException {
    return RawClient.once(server.workload, Bodies.post("/modules/edgeHub/genid/" + path + V, body));
  }

  private static void assertForbidden(Answer answer) {
    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 403 Forbidden");
    assertThat(answer.body()).isEqualTo("{\"message\":\"forbidden\"}");
    assertThat(answer.headers()).doesNotContainKey("retry-after");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sign", "encrypt"})
  void aCallerThatChangedBetweenAcceptAndTheOneLookIsRefusedAndGetsNoResult(String path)
      throws Exception {
    Verdict changed = new Verdict.Refused("caller-changed", "another executable", List.of());
    attestor.measure = (caller, registration) -> changed;
    assertForbidden(post("1/" + path, GOOD));
    assertThat(authority.moduleKeys.used).as("it was computed, and given to nobody").hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"sign", "encrypt"})
  void theOneLookComesAfterTheWorkAndIsTheOnlyOne(String path) throws Exception {
    AtomicInteger usedAtLook = new AtomicInteger();
    var holds = attestor.measure;
    attestor.measure =
        (caller, registration) -> {
          usedAtLook.set(authority.moduleKeys.used.get());
          return holds.apply(caller, registration);
        };
    attestor.confirm =
        verdict -> {
          throw new AssertionError("a second look");
        };
    assertThat(post("1/" + path, GOOD).status()).isEqualTo(200);
    assertThat(usedAtLook).hasValue(1);
    assertThat(attestor.measured).hasValue(1);
  }

  @Test
  void whatOneProcessAsksForAtATimeIsJudgedByOneLookAfterAllOfItWasComputed() throws Exception {
    CountDownLatch looking = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    var holds = attestor.measure;
    attestor.measure =
        (caller, registration) -> {
          looking.countDown();
          try {
            goOn.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          return holds.apply(caller, registration);
        };
    List<RawClient> clients = new ArrayList<>();
    try {
      // Every event loop gets some, and each is past its first look.
      for (int i = 0; i < 4 + 2 * Runtime.getRuntime().availableProcessors(); i++) {
        RawClient client = RawClient.connect(server.workload);
        clients.add(client);
        client.send(NOTHING);
        assertThat(client.answer().status()).isEqualTo(404);
      }
      clients.get(0).send(Bodies.post("/modules/edgeHub/genid/1/sign" + V, GOOD));
      looking.await();
      for (int i = 1; i < 4; i++) {
        String generation = i == 3 ? "2" : "1";
        clients
            .get(i)
            .send(Bodies.post("/modules/edgeHub/genid/" + generation + "/sign" + V, GOOD));
      }
      for (RawClient later : clients.subList(4, clients.size())) {
        later.send(NOTHING);
        assertThat(later.answer().status())
            .as("so the loop has read what came before")
            .isEqualTo(404);
      }
      goOn.countDown();
      for (int i = 0; i < 4; i++) {
        assertThat(clients.get(i).answer().status()).isEqualTo(i == 3 ? 403 : 200);
      }
    } finally {
      for (RawClient client : clients) {
        client.close();
      }
    }
    assertThat(attestor.together).containsExactly(1, 3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"sign", "encrypt", "decrypt"})
  void aStrangerLearnsNeitherTheGenerationNorWhatElseIsWrong(String path) throws Exception {
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    for (String generation : new String[] {"1", "2", "%zz"}) {
      for (String body : new String[] {GOOD, BAD}) {
        assertForbidden(post(generation + "/" + path, body));
        for (IssuanceException.Reason reason : IssuanceException.Reason.values()) {
          authority.moduleKeys.broken = reason;
          assertForbidden(post(generation + "/" + path, body));
        }
        authority.moduleKeys.broken = null;
      }
    }
    assertForbidden(
        RawClient.once(server.workload, Bodies.post("/modules/nobody/genid/1/" + path + V, GOOD)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sign", "encrypt", "decrypt"})
  void aModuleThatCanNotBeMeasuredIsToldSoWhateverElseIsWrong(String path) throws Exception {
    attestor.measure = (caller, registration) -> FakeAttestor.unavailable();
    for (String generation : new String[] {"1", "2"}) {
      Answer answer = post(generation + "/" + path, BAD);
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.body()).contains("ask again later").doesNotContain("base64", "generation");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sign", "encrypt", "decrypt"})
  void theModuleItselfIsToldOfItsGenerationBeforeItsParameters(String path) throws Exception {
    assertThat(post("2/" + path, BAD).json("message")).startsWith("generation-mismatch");
    assertThat(post("%zz/" + path, BAD).status()).isEqualTo(400);
    assertThat(post("1/" + path, BAD).json("message")).contains("is not standard base64");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sign", "encrypt", "decrypt"})
  void whileTheMastersAreSealedAStrangerCanHaveNobodyWaitForThem(String path) throws Exception {
    authority.moduleKeys.sealed = true;
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    assertForbidden(post("1/" + path, GOOD));
    assertThat(authority.moduleKeys.used).hasValue(0);
  }

  @Test
  void muchDataIsWorkedOnOnlyForOneThatWasMeasuredAndIsLookedAtAfterwards() throws Exception {
    String data =
        Base64.getEncoder().encodeToString("x".repeat(4096).getBytes(StandardCharsets.UTF_8));
    for (String body :
        new String[] {
          "sign|{\"data\":\"" + data + "\"}",
          "encrypt|{\"plaintext\":\"" + data + "\",\"initializationVector\":\"\"}",
          "encrypt|{\"plaintext\":\"\",\"initializationVector\":\"" + data + "\"}",
          "decrypt|" + GOOD
        }) {
      String[] parts = body.split("\\|", -1);
      attestor.measure = (caller, registration) -> FakeAttestor.refused();
      assertForbidden(post("1/" + parts[0], parts[1]));
      assertThat(authority.moduleKeys.used).hasValue(0);
    }
    attestor.measure = new FakeAttestor().measure;
    attestor.confirm = verdict -> FakeAttestor.refused();
    assertForbidden(post("1/sign", "{\"data\":\"" + data + "\"}"));
    assertThat(authority.moduleKeys.used).hasValue(1);
  }

  @Test
  void workThatBreaksIsNoWayRoundTheLook() throws Exception {
    authority.moduleKeys.crash = true;
    assertThat(post("1/sign", GOOD).status()).isEqualTo(500);
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    assertForbidden(post("1/sign", GOOD));
  }
}
