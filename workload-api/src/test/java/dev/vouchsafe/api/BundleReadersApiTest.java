package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.trust.BundleFormat;
import dev.vouchsafe.trust.BundleReaders;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who was handed which version of the bundle is known of those who can be told apart. */
class BundleReadersApiTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final String IDENTITY = Bodies.get("/v1/identity?module=edgeHub");

  @TempDir private Path folder;
  private TestHome home;
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
    server = TestServer.start(home);
  }

  @AfterEach
  void stop() {
    server.close();
    home.close();
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    Object never = new Object();
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    synchronized (never) {
      while (!condition.getAsBoolean() && System.nanoTime() - end < 0) {
        never.wait(5);
      }
    }
    assertThat(condition.getAsBoolean()).isTrue();
  }

  private List<String> has(long sequence) {
    return home.readers.readers().stream()
        .filter(reader -> reader.sequence() == sequence)
        .map(BundleReaders.Reader::name)
        .toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/trust-bundle",
        "/v1/trust-bundle?module=edgeHub",
        "/trust-bundle?api-version=2018-06-28"
      })
  void aModuleThatFetchesTheBundleHasIt(String target) throws Exception {
    assertThat(RawClient.once(server.workload, Bodies.get(target)).status()).isEqualTo(200);
    await(() -> has(1).equals(List.of("edgeHub")));
    assertThat(home.readers.behind(1, HOUR)).isEmpty();
  }

  @Test
  void aCertificateBringsTheBundleAndAnIdentityDoesNot() throws Exception {
    assertThat(RawClient.once(server.workload, IDENTITY).status()).isEqualTo(200);
    assertThat(home.readers.behind(1, HOUR))
        .extracting(BundleReaders.Reader::name)
        .containsExactly("edgeHub");
    Answer issued =
        RawClient.once(
            server.workload, Bodies.post("/v1/certificates", "{\"profile\":\"server\"}"));
    assertThat(issued.status()).isEqualTo(201);
    await(() -> has(1).equals(List.of("edgeHub")));
  }

  @Test
  void oneThatWaitedHasTheVersionThatItWasWokenWith() throws Exception {
    String tag = home.bundles.entityTag(BundleFormat.PEM);
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(
          "GET /v1/trust-bundle?wait=300 HTTP/1.1\r\nHost: x\r\nIf-None-Match: "
              + tag
              + "\r\n\r\n");
      home.addToBundle(List.of(home.authority.authorities().getLast().certificate()));
      assertThat(client.answer().status()).isEqualTo(200);
      await(() -> has(2).equals(List.of("edgeHub")));
    }
  }

  @Test
  void onOneConnectionANewVersionIsNoticed() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(Bodies.get("/v1/trust-bundle"));
      assertThat(client.answer().status()).isEqualTo(200);
      await(() -> has(1).equals(List.of("edgeHub")));
      home.addToBundle(List.of(home.authority.authorities().getLast().certificate()));
      assertThat(home.readers.behind(2, HOUR)).hasSize(1);
      client.send(Bodies.get("/v1/trust-bundle"));
      assertThat(client.answer().status()).isEqualTo(200);
      await(() -> has(2).equals(List.of("edgeHub")));
    }
  }

  @Test
  void oneThatMayBeTwoModulesIsRememberedAsNeitherUnlessItSaysWhich() throws Exception {
    home.add(TestHome.own("other"));
    home.add(TestHome.foreign("stranger"));
    for (String target :
        List.of(
            "/v1/trust-bundle",
            "/v1/trust-bundle?module=stranger",
            "/v1/trust-bundle?module=nobody",
            "/v1/trust-bundle?module=%zz",
            "/v1/trust-bundle?module=other")) {
      assertThat(RawClient.once(server.workload, Bodies.get(target)).status()).isEqualTo(200);
    }
    // Those of one user are looked at one after the other, so the last is the last.
    await(() -> has(1).contains("other"));
    assertThat(has(1)).containsExactly("other");
    assertThat(home.audit.decisions()).as("nothing is decided").isEmpty();
  }

  @Test
  void aHeadRequestBringsNoBundle() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send("HEAD /v1/trust-bundle HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(client.headOnly().status()).isEqualTo(200);
      client.send(IDENTITY);
      assertThat(client.answer().status()).isEqualTo(200);
    }
    assertThat(home.readers.behind(1, HOUR)).hasSize(1);
  }

  /** It may have one of long ago. */
  @Test
  void whoSaysThatItHasSomeVersionIsNotTakenForOneThatHasThisOne() throws Exception {
    home.add(TestHome.own("other"));
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(
          "GET /v1/trust-bundle?module=edgeHub HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n");
      assertThat(client.headOnly().status()).isEqualTo(304);
    }
    // Those of one user are looked at one after the other, so the last is the last.
    String other = Bodies.get("/v1/trust-bundle?module=other");
    assertThat(RawClient.once(server.workload, other).status()).isEqualTo(200);
    await(() -> has(1).contains("other"));
    assertThat(has(1)).containsExactly("other");
  }

  @Test
  void administratorsSeeRegisteredReadersAndWhoIsBehind() throws Exception {
    home.readers.fetched("edgeHub", 1);
    home.readers.fetched("removed-since", 1);
    home.addToBundle(List.of(home.authority.authorities().getLast().certificate()));
    JsonNode readers = readers();
    assertThat(readers).hasSize(1);
    JsonNode reader = readers.path(0);
    assertThat(reader.path("module").asText()).isEqualTo("edgeHub");
    assertThat(reader.path("sequence").asLong()).isEqualTo(1);
    assertThat(reader.path("fetched").asText()).isEqualTo(Times.text(home.clock.instant()));
    assertThat(reader.path("behind").asBoolean()).isTrue();
    home.readers.fetched("edgeHub", 2);
    assertThat(readers().path(0).path("behind").asBoolean(true)).isFalse();
  }

  private JsonNode readers() throws IOException {
    return Bodies.read(RawClient.once(server.admin, Bodies.get("/bundle")).body()).path("readers");
  }
}
