package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starting every listener or none, and stopping without losing an answer. */
class StartStopTest {
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

  private static ApiSettings settings(int port) {
    Path run = folder.resolve("run");
    return new ApiSettings(
        run.resolve("workload.sock"),
        run.resolve("admin.sock"),
        Optional.of(
            new ApiSettings.Https("127.0.0.1", port, List.of("localhost"), List.of("127.0.0.1"))),
        ApiSettings.Limits.defaults());
  }

  private static void assertNothingIsLeft() throws IOException {
    if (Files.exists(folder.resolve("run"))) {
      try (Stream<Path> files = Files.list(folder.resolve("run"))) {
        assertThat(files).isEmpty();
      }
    }
  }

  @Test
  void thePublicEntranceStartsAndSaysWhereItListens() throws Exception {
    try (ApiServer server = ApiServers.start(settings(0), home.parts())) {
      assertThat(server.endpoints())
          .hasSize(3)
          .contains(
              "unix:" + folder.resolve("run/workload.sock"),
              "unix:" + folder.resolve("run/admin.sock"))
          .anyMatch(each -> each.matches("https://127\\.0\\.0\\.1:[1-9][0-9]*"));
    }
    assertNothingIsLeft();
  }

  @Test
  void aPortThatIsTakenIsNamedAndNothingIsStarted() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(() -> ApiServers.start(settings(taken.getLocalPort()), home.parts()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("[listen] https = 127.0.0.1:" + taken.getLocalPort())
          .hasMessageContaining("another program listens there already (address in use)");
    }
    assertNothingIsLeft();
  }

  @Test
  void anAddressThatIsNotOursIsSaidToBeNone() throws Exception {
    Path run = folder.resolve("run");
    ApiSettings settings =
        new ApiSettings(
            run.resolve("workload.sock"),
            run.resolve("admin.sock"),
            Optional.of(new ApiSettings.Https("192.0.2.1", 8443, List.of("localhost"), List.of())),
            ApiSettings.Limits.defaults());
    assertThatThrownBy(() -> ApiServers.start(settings, home.parts()))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "[listen] https = 192.0.2.1:8443: this machine has no such address: change the"
                + " setting");
    assertNothingIsLeft();
    assertThat(BindFailures.of("[listen] https = x:1", new UnresolvedAddressException()))
        .hasMessage("[listen] https = x:1: this machine doesn't know that host");
    assertThat(BindFailures.of("a", new IOException("other"))).hasMessage("a: other");
  }

  @Test
  void aSocketPathThatIsAFolderStartsNothing() throws Exception {
    Path inTheWay = Files.createDirectories(folder.resolve("run/workload.sock"));
    try {
      assertThatThrownBy(() -> ApiServers.start(settings(0), home.parts()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("workload socket")
          .hasMessageContaining("is a folder");
      assertThat(inTheWay).isEmptyDirectory();
    } finally {
      Files.delete(inTheWay);
    }
    assertNothingIsLeft();
  }

  @Test
  void aSecondServerOnTheSameSocketsDoesNotStartAndTheFirstGoesOn() throws Exception {
    try (TestServer first = TestServer.start(home)) {
      assertThatThrownBy(() -> ApiServers.start(settings(0), home.parts()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("in use");
      assertThat(RawClient.once(first.workload, CERTIFICATE).status()).isEqualTo(201);
    }
    assertNothingIsLeft();
  }

  @Test
  void aCertificateForTheListenerThatCanNotBeHadStopsTheStart() {
    FakeAuthority authority = new FakeAuthority(home.authority);
    authority.fail(IssuanceException.Reason.SIGNATURE_FAILED);
    assertThatThrownBy(() -> ApiServers.start(settings(0), home.with(home.attestor, authority)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("https: no certificate for the listener")
        .hasMessageContaining("signature-failed");

    authority.outcome = issued -> new CompletableFuture<>();
    Timeouts quick = withFirstCertificate(Duration.ofMillis(50));
    assertThatThrownBy(
            () -> ApiServers.start(settings(0), home.with(home.attestor, authority), quick))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no certificate for the listener within");
  }

  private static Timeouts withFirstCertificate(Duration longest) {
    Timeouts quick = TestServer.QUICK;
    return new Timeouts(
        quick.header(),
        quick.body(),
        quick.idle(),
        quick.linger(),
        quick.handshake(),
        quick.drain(),
        longest,
        Duration.ofSeconds(1),
        quick.tick());
  }

  @Test
  void stoppingLetsTheRequestUnderWayEndAndTakesNoNewOne() throws Exception {
    FakeAuthority authority = new FakeAuthority(home.authority);
    CompletableFuture<Void> gate = new CompletableFuture<>();
    authority.outcome =
        issued -> issued.thenCombine(gate, (IssuedCertificate each, Void open) -> each);
    TestServer server = TestServer.start(home, home.with(home.attestor, authority));
    try (RawClient busy = RawClient.connect(server.workload);
        RawClient idle = RawClient.connect(server.workload)) {
      busy.send(CERTIFICATE + CERTIFICATE);
      idle.send(Bodies.get("/v1/trust-bundle"));
      assertThat(idle.answer().status()).isEqualTo(200);
      Wait.until("it is being issued", () -> authority.requests.size() == 1);
      Thread stopping = Thread.ofPlatform().start(server::close);
      assertThat(idle.closed()).isTrue();
      assertThat(server.workload).doesNotExist();
      assertThatThrownBy(() -> RawClient.connect(server.workload)).isInstanceOf(IOException.class);
      gate.complete(null);
      RawClient.Answer answer = busy.answer();
      assertThat(answer.status()).isEqualTo(201);
      assertThat(answer.header("connection")).isEqualTo("close");
      assertThat(busy.closed()).isTrue();
      stopping.join();
      assertThat(authority.requests).as("the second was never begun").hasSize(1);
      assertThat(authority.withheld).isEmpty();
    }
    assertNothingIsLeft();
  }

  @Test
  void stoppingDoesNotWaitForEverAndWithholdsWhatComesTooLate() throws Exception {
    FakeAuthority authority = new FakeAuthority(home.authority);
    CompletableFuture<Void> gate = new CompletableFuture<>();
    authority.outcome =
        issued -> issued.thenCombine(gate, (IssuedCertificate each, Void open) -> each);
    Timeouts quick = TestServer.QUICK;
    Timeouts hasty =
        new Timeouts(
            quick.header(),
            quick.body(),
            quick.idle(),
            Duration.ofMillis(50),
            quick.handshake(),
            Duration.ofMillis(50),
            quick.firstCertificate(),
            Duration.ofSeconds(1),
            quick.tick());
    TestServer server =
        TestServer.start(home, home.with(home.attestor, authority), TestServer.AMPLE, hasty);
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(CERTIFICATE);
      Wait.until("it is being issued", () -> authority.requests.size() == 1);
      server.close();
      assertThat(client.closed()).isTrue();
      gate.complete(null);
      Wait.until("it was withheld", () -> authority.withheld.size() == 1);
    }
    server.close();
  }
}
