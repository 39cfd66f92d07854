package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The list of modules and the manifest trust bundle of the IoT Edge Workload API. */
class IotEdgeModulesTest {
  private static final String V = "?api-version=2022-08-03";

  @TempDir private static Path folder;
  private static TestHome home;
  private FakeAttestor attestor;
  private TestServer server;

  @BeforeAll
  static void makeHome() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("b $x"));
    home.add(TestHome.own("a"));
    home.add(TestHome.foreign("other"));
  }

  @AfterAll
  static void closeHome() {
    home.close();
  }

  @BeforeEach
  void start() throws IOException {
    attestor = new FakeAttestor();
    server = TestServer.start(home, home.with(attestor, home.authority));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static String module(String name) {
    return "{\"id\":\"id\",\"name\":\""
        + name
        + "\",\"type\":\"process\",\"config\":{\"settings\":{},\"env\":[]},"
        + "\"status\":{\"runtimeStatus\":{\"status\":\"unknown\"}}}";
  }

  @ParameterizedTest
  @ValueSource(strings = {"/modules", "/modules/"})
  void aModuleSeesAllModulesInTheReferencesForm(String path) throws Exception {
    Answer answer = RawClient.once(server.workload, Bodies.get(path + V));

    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 200 OK");
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    assertThat(answer.body())
        .isEqualTo(
            "{\"modules\":[" + module("a") + "," + module("b $x") + "," + module("other") + "]}");
  }

  @Test
  void oneWhoIsNoModuleSeesNothing() throws Exception {
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    Answer answer = RawClient.once(server.workload, Bodies.get("/modules" + V));

    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 403 Forbidden");
    assertThat(answer.body()).isEqualTo("{\"message\":\"forbidden\"}");
  }

  @Test
  void oneWhoMatchesASingleRegistrationIsEnough() throws Exception {
    attestor.measure =
        (caller, registration) ->
            registration.name().equals("a")
                ? FakeAttestor.unavailable()
                : new FakeAttestor().measure.apply(caller, registration);
    assertThat(RawClient.once(server.workload, Bodies.get("/modules" + V)).status()).isEqualTo(200);
    attestor.measure =
        (caller, registration) ->
            registration.name().equals("a") ? FakeAttestor.unavailable() : FakeAttestor.refused();
    assertThat(RawClient.once(server.workload, Bodies.get("/modules" + V)).status())
        .as("it may be that one")
        .isEqualTo(503);
  }

  @Test
  void theCallerIsLookedAtOnceMore() throws Exception {
    attestor.confirm = verdict -> FakeAttestor.refused();
    assertThat(RawClient.once(server.workload, Bodies.get("/modules" + V)).status()).isEqualTo(403);
  }

  @Test
  void otherMethodsAreBadRequests() throws Exception {
    for (String path : new String[] {"/modules", "/modules/", "/manifest-trust-bundle"}) {
      Answer answer = RawClient.once(server.workload, Bodies.post(path + V, "{}"));
      assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 400 BadRequest");
      assertThat(answer.body()).isEqualTo("{\"message\":\"method not allowed\"}");
    }
  }

  @Test
  void theManifestTrustBundleIsReadAtEachCallAndNobodyIsMeasuredForIt() throws Exception {
    String[] manifest = {"", "-----BEGIN CERTIFICATE-----\nAA==\n\u00e4"};
    int[] calls = {0};
    server.close();
    ApiParts parts = home.parts();
    ApiParts other =
        new ApiParts(
            parts.identity(),
            parts.registrations(),
            attestor,
            parts.authority(),
            parts.bundles(),
            parts.readers(),
            () -> manifest[calls[0]++],
            parts.audit(),
            parts.clock(),
            parts.workers(),
            parts.heldUp());
    attestor.unknown = true;
    server = TestServer.start(home, other);
    String request = Bodies.get("/manifest-trust-bundle" + V);

    assertThat(RawClient.once(server.workload, request).body())
        .as("none is no error")
        .isEqualTo("{\"certificate\":\"\"}");
    Answer answer = RawClient.once(server.workload, request);
    assertThat(answer.body())
        .isEqualTo("{\"certificate\":\"-----BEGIN CERTIFICATE-----\\nAA==\\n\\u00E4\"}");
    Answer broken = RawClient.once(server.workload, request);
    assertThat(broken.statusLine())
        .as("one that can't be read")
        .isEqualTo("HTTP/1.1 500 InternalServerError");
    assertThat(broken.json("message")).isNotEmpty();
    assertThat(attestor.measured).hasValue(0);
  }
}
