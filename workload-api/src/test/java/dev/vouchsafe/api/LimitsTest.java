package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.ca.IssuedCertificate;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens when there is too much of it. */
class LimitsTest {
  private static final String BUNDLE = Bodies.get("/v1/trust-bundle");
  private static final String CERTIFICATE =
      Bodies.post("/v1/certificates", "{\"profile\":\"server\"}");

  @TempDir private static Path folder;
  private static TestHome home;

  @BeforeAll
  static void makeHome() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
  }

  @AfterAll
  static void closeHome() {
    home.close();
  }

  private static TestServer start(ApiParts parts, int connections, int perUid, int waiting)
      throws IOException {
    return TestServer.start(
        home, parts, new ApiSettings.Limits(connections, perUid, waiting), TestServer.QUICK);
  }

  private static void assertTooMany(Answer answer, String code) {
    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 429 TooManyRequests");
    assertThat(answer.header("retry-after")).matches("[1-9][0-9]*");
    assertThat(answer.json("code")).isEqualTo(code);
  }

  private static List<RawClient> fill(Path socket, int count) throws IOException {
    List<RawClient> clients = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      RawClient client = RawClient.connect(socket);
      client.send(BUNDLE);
      assertThat(client.answer().status()).isEqualTo(200);
      clients.add(client);
    }
    return clients;
  }

  @Test
  void aConnectionOverTheLimitIsAnsweredAndClosedNotDropped() throws Exception {
    for (int[] limits : new int[][] {{3, 99}, {99, 3}}) {
      try (TestServer server = start(home.parts(), limits[0], limits[1], 9)) {
        List<RawClient> inside = fill(server.workload, 3);
        try (RawClient fourth = RawClient.connect(server.workload)) {
          fourth.send(BUNDLE);
          Answer answer = fourth.answer();
          assertTooMany(answer, "too-many-connections");
          assertThat(answer.json("message")).as("for the module SDKs").isNotEmpty();
          assertThat(fourth.closed()).isTrue();
        }
        inside.get(0).send(BUNDLE);
        assertThat(inside.get(0).answer().status()).as("the others go on").isEqualTo(200);
        inside.get(1).close();
        Wait.until("a place is free", () -> statusOnce(server.workload) == 200);
        for (RawClient client : inside) {
          client.close();
        }
      }
    }
  }

  private static int statusOnce(Path socket) {
    return statusOnce(socket, BUNDLE);
  }

  private static int statusOnce(Path socket, String request) {
    try {
      return RawClient.once(socket, request).status();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void evenAFloodOfConnectionsIsAnswered() throws Exception {
    try (TestServer server = start(home.parts(), 2, 2, 9)) {
      List<RawClient> inside = fill(server.workload, 2);
      List<RawClient> flood = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        flood.add(RawClient.connect(server.workload));
      }
      for (RawClient client : flood) {
        assertTooMany(client.answer(), "too-many-connections");
        client.close();
      }
      inside.get(0).send(BUNDLE);
      assertThat(inside.get(0).answer().status()).isEqualTo(200);
    }
  }

  @Test
  void aRequestOverTheLimitIsAnsweredBeforeAnyWorkAndItsConnectionStays() throws Exception {
    FakeAttestor attestor = new FakeAttestor();
    FakeAuthority authority = new FakeAuthority(home.authority);
    CompletableFuture<Void> gate = new CompletableFuture<>();
    authority.outcome =
        issued -> issued.thenCombine(gate, (IssuedCertificate each, Void open) -> each);
    try (TestServer server = start(home.with(attestor, authority), 99, 99, 2);
        RawClient first = RawClient.connect(server.workload);
        RawClient second = RawClient.connect(server.workload);
        RawClient third = RawClient.connect(server.workload)) {
      first.send(CERTIFICATE);
      second.send(CERTIFICATE);
      Wait.until("both are worked on", () -> authority.requests.size() == 2);
      int measured = attestor.measured.get();
      third.send(CERTIFICATE);
      assertTooMany(third.answer(), "too-many-requests");
      assertThat(attestor.measured).hasValue(measured);
      third.send(BUNDLE);
      assertThat(third.answer().status()).isEqualTo(200);
      gate.complete(null);
      assertThat(first.answer().status()).isEqualTo(201);
      assertThat(second.answer().status()).isEqualTo(201);
      third.send(CERTIFICATE);
      assertThat(third.answer().status()).as("places are given back").isEqualTo(201);
    }
  }

  @Test
  void aUserCanNotGoRoundItsShareByHangingUp() throws Exception {
    FakeAttestor attestor = new FakeAttestor();
    FakeAuthority authority = new FakeAuthority(home.authority);
    CompletableFuture<Void> gate = new CompletableFuture<>();
    authority.outcome =
        issued -> issued.thenCombine(gate, (IssuedCertificate each, Void open) -> each);
    try (TestServer server = start(home.with(attestor, authority), 99, 2, 99)) {
      for (int i = 0; i < 2; i++) {
        try (RawClient client = RawClient.connect(server.workload)) {
          client.send(CERTIFICATE);
          int wanted = i + 1;
          Wait.until("it is worked on", () -> authority.requests.size() == wanted);
        }
      }
      assertTooMany(RawClient.once(server.workload, CERTIFICATE), "too-many-connections");
      gate.complete(null);
      Wait.until("both were withheld", () -> authority.withheld.size() == 2);
      Wait.until("the places are free", () -> statusOnce(server.workload) == 200);
      assertThat(RawClient.once(server.workload, CERTIFICATE).status()).isEqualTo(201);
    }
  }

  @Test
  void bodiesThatNeverEndTakeOnlyAShareOfTheHeap() throws Exception {
    String most = Bodies.post("/v1/certificates", " ".repeat(WorkloadRoutes.LONGEST_BODY));
    try (TestServer server = start(home.parts(), 200, 200, 200)) {
      List<RawClient> holding = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        holding.add(allButTheEnd(server.workload, most));
      }
      // One that asks may get in before one that holds has grown: then one more holds.
      while (statusOnce(server.workload, most) != 429) {
        holding.add(allButTheEnd(server.workload, most));
      }
      try (RawClient late = RawClient.connect(server.workload)) {
        late.send(most);
        assertTooMany(late.answer(), "too-many-bodies");
        assertThat(late.closed()).isTrue();
      }
      assertThat(RawClient.once(server.workload, CERTIFICATE).status())
          .as("a little is always taken")
          .isEqualTo(201);
      for (RawClient client : holding) {
        client.close();
      }
      Wait.until("the share is free again", () -> statusOnce(server.workload, most) == 400);
    }
  }

  private static RawClient allButTheEnd(Path socket, String request) throws IOException {
    RawClient client = RawClient.connect(socket);
    client.send(request.substring(0, request.length() - 1));
    return client;
  }
}
