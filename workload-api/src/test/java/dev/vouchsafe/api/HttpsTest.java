package dev.vouchsafe.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.LedgerQuery;
import dev.vouchsafe.ca.clock.ClockVerdict;
import dev.vouchsafe.keys.KeyStoreHealth;
import dev.vouchsafe.trust.BundleFormat;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The https listener, asked by real clients that trust only the bundle. */
class HttpsTest {
  @TempDir private Path folder;
  private TestHome home;
  private FakeAuthority authority;
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    home = TestHome.behind(folder, Duration.ofHours(20));
    authority = new FakeAuthority(home.authority);
    server = TestServer.withHttps(home, home.with(home.attestor, authority), TestServer.QUICK);
  }

  @AfterEach
  void stop() {
    server.close();
    home.close();
  }

  private static SSLContext trusting(X509Certificate root)
      throws GeneralSecurityException, IOException {
    KeyStore anchors = KeyStore.getInstance(KeyStore.getDefaultType());
    anchors.load(null, null);
    anchors.setCertificateEntry("root", root);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(anchors);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private HttpResponse<byte[]> send(String method, String path) throws Exception {
    try (HttpClient client = HttpClient.newBuilder().sslContext(trusting(home.root())).build()) {
      URI uri = URI.create("https://localhost:" + server.port() + path);
      HttpRequest request =
          HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.noBody()).build();
      return client.send(request, BodyHandlers.ofByteArray());
    }
  }

  private SSLSocket connect() throws Exception {
    return (SSLSocket)
        trusting(home.root()).getSocketFactory().createSocket("localhost", server.port());
  }

  private static X509Certificate leaf(SSLSocket socket) throws SSLException {
    return (X509Certificate) socket.getSession().getPeerCertificates()[0];
  }

  private static String ask(SSLSocket socket, String request) throws IOException {
    socket.getOutputStream().write(request.getBytes(UTF_8));
    InputStream in = socket.getInputStream();
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int octet = in.read();
      if (octet < 0) {
        return head.toString();
      }
      head.append((char) octet);
    }
    if (head.indexOf("content-length: ") < 0) {
      return head.toString();
    }
    String length = head.toString().replaceAll("(?s).*content-length: ([0-9]+).*", "$1");
    in.readNBytes(Integer.parseInt(length));
    return head.toString();
  }

  private static String run(String input, String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (var out = process.getOutputStream()) {
      out.write(input.getBytes(UTF_8));
    }
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return output + "\nexit " + process.exitValue();
  }

  private Path rootFile() throws IOException {
    return Files.writeString(folder.resolve("root.pem"), Pem.of(home.root()));
  }

  @Test
  void aKeyStoreThatIsAwayAtTheStartLeavesTheListenerWithoutACertificateUntilItIsBack()
      throws Exception {
    server.close();
    FakeAuthority authority = new FakeAuthority(home.authority);
    authority.fail(IssuanceException.Reason.KEY_STORE_UNAVAILABLE);
    server = TestServer.withHttps(home, home.with(home.attestor, authority), TestServer.QUICK);
    try (SSLSocket socket = connect()) {
      assertThatThrownBy(socket::startHandshake).isInstanceOf(IOException.class);
    }
    assertThat(RawClient.once(server.workload, Bodies.get("/v1/trust-bundle")).status())
        .isEqualTo(200);
    authority.outcome = issued -> issued;
    Wait.until("the listener has its certificate", this::isHealthy);
  }

  private boolean isHealthy() {
    try {
      return send("GET", "/healthz").statusCode() == 200;
    } catch (Exception e) {
      return false;
    }
  }

  @Test
  void aLeafDeviceWithOnlyTheBundleFetchesTheBundle() throws Exception {
    HttpResponse<byte[]> answer = send("GET", "/v1/trust-bundle");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(new String(answer.body(), UTF_8)).isEqualTo(Pem.of(home.root()));
    assertThat(answer.sslSession().orElseThrow().getProtocol()).isEqualTo("TLSv1.3");
  }

  @Test
  void opensslVerifiesTheListenerAndGetsNoTicket() throws Exception {
    String output =
        run(
            "GET /v1/trust-bundle HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "openssl",
            "s_client",
            "-connect",
            "127.0.0.1:" + server.port(),
            "-CAfile",
            rootFile().toString(),
            "-verify_return_error",
            "-verify_hostname",
            "gw1.example",
            "-ign_eof");

    assertThat(output)
        .contains("Verify return code: 0 (ok)", "TLSv1.3", "HTTP/1.1 200 OK", "BEGIN CERTIFICATE")
        .doesNotContain("New Session Ticket arrived", "TLS session ticket:");
  }

  @Test
  void curlTrustsTheListenerByNameAndAddress() throws Exception {
    for (String host : List.of("localhost", "127.0.0.1")) {
      String url = "https://" + host + ":" + server.port() + "/trust-bundle.pem";
      String output = run("", "curl", "-sS", "-i", "--cacert", rootFile().toString(), url);
      assertThat(output).startsWith("HTTP/1.1 200 OK").contains("exit 0");
    }
  }

  @Test
  void theTokenKeysAreHadAndNotSentAgainWhileTheyHold() throws Exception {
    authority.tokens.jwks = "{\"keys\":[{\"kid\":\"a\"}]}";
    HttpResponse<byte[]> answer = send("GET", "/.well-known/jwks.json");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(new String(answer.body(), UTF_8)).isEqualTo(authority.tokens.jwks);
    assertThat(answer.headers().firstValue("content-type")).hasValue("application/jwk-set+json");
    assertThat(answer.headers().firstValue("cache-control")).hasValue("no-cache");
    String tag = answer.headers().firstValue("etag").orElseThrow();
    assertThat(tag).matches("\"[0-9a-f]{64}\"");
    HttpResponse<byte[]> head = send("HEAD", "/.well-known/jwks.json");
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.headers().firstValue("etag")).hasValue(tag);
    try (SSLSocket socket = connect()) {
      String request =
          "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\nIf-None-Match: "
              + tag
              + "\r\nConnection: close\r\n\r\n";
      assertThat(ask(socket, request)).startsWith("HTTP/1.1 304 NotModified");
    }
    authority.tokens.jwks = "{\"keys\":[]}";
    assertThat(send("GET", "/.well-known/jwks.json").headers().firstValue("etag"))
        .isPresent()
        .isNotEqualTo(Optional.of(tag));
    assertThat(send("POST", "/.well-known/jwks.json").statusCode()).isEqualTo(405);
  }

  @Test
  void theModulesWorkersAreNotNeededForAHandshakeOrForHealth() throws Exception {
    FakeWorkers none = new FakeWorkers(home.workers);
    ApiParts parts = home.parts();
    server.close();
    server =
        TestServer.withHttps(
            home,
            new ApiParts(
                parts.identity(),
                parts.registrations(),
                parts.attestor(),
                authority,
                parts.bundles(),
                parts.readers(),
                parts.manifest(),
                parts.audit(),
                parts.clock(),
                none,
                heldUp -> {}),
            TestServer.QUICK);
    assertThat(send("GET", "/healthz").statusCode()).isEqualTo(200);
    assertThat(send("GET", "/.well-known/jwks.json").statusCode()).isEqualTo(200);
  }

  @Test
  void olderTlsIsRefused() throws Exception {
    try (SSLSocket socket = connect()) {
      socket.setEnabledProtocols(new String[] {"TLSv1.2"});
      assertThatThrownBy(socket::startHandshake).isInstanceOf(SSLException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/trust-bundle.pem,PEM",
    "/trust-bundle.p7b,PKCS7",
    "/trust-bundle.json,JWKS",
    "/v1/trust-bundle,PEM"
  })
  void theBundleIsHadInEveryEncoding(String path, BundleFormat format) throws Exception {
    HttpResponse<byte[]> answer = send("GET", path);

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo(home.bundles.encoded(format));
    assertThat(answer.headers().firstValue("content-type")).hasValue(format.mediaType());
    assertThat(answer.headers().firstValue("etag")).hasValue(home.bundles.entityTag(format));
    HttpResponse<byte[]> head = send("HEAD", path);
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.headers().firstValue("content-length"))
        .isEqualTo(answer.headers().firstValue("content-length"));
    HttpResponse<byte[]> posted = send("POST", path);
    assertThat(posted.statusCode()).isEqualTo(405);
    assertThat(posted.headers().firstValue("allow")).hasValue("GET, HEAD");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/trust-bundle",
        "/trust-bundle?api-version=2018-06-28",
        "/v1/identity",
        "/v1/certificates",
        "/modules/edgeHub/certificate/identity?api-version=2018-06-28",
        "/status",
        "/modules",
        "/healthz/"
      })
  void nothingElseIsServedHere(String path) throws Exception {
    assertThat(send("GET", path).statusCode()).isEqualTo(404);
    assertThat(send("POST", path).statusCode()).isEqualTo(404);
  }

  @Test
  void aWellGatewaySaysSo() throws Exception {
    HttpResponse<byte[]> answer = send("GET", "/healthz");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(new String(answer.body(), UTF_8))
        .isEqualTo("{\"status\":\"ok\",\"problems\":[],\"registrationProblems\":0}");
    assertThat(send("DELETE", "/healthz").statusCode()).isEqualTo(405);
  }

  @Test
  void aKeyStoreThatIsAwayIsDegradedAndNoReasonToRestartWhatStillServes() throws Exception {
    authority.stores =
        Map.of(
            "software", new KeyStoreHealth(KeyStoreHealth.State.GONE, "serial 4711 at /lib/x.so"),
            "root-pkcs11", new KeyStoreHealth(KeyStoreHealth.State.GONE, "in a drawer"));
    Health health = new Health(home.with(home.attestor, authority), () -> Optional.of(home.root()));
    Response away = health.answer();
    assertThat(away.status()).isEqualTo(Status.OK);
    assertThat(new String(away.body(), UTF_8))
        .isEqualTo(
            "{\"status\":\"degraded\",\"problems\":[{\"code\":\"key-store\",\"message\":"
                + "\"the key store of the device CA is away\"}],\"registrationProblems\":0}");
  }

  @Test
  void aRootsTokenInADrawerIsNothingToTellAnybody() throws Exception {
    authority.stores =
        Map.of(
            "software",
            KeyStoreHealth.UP,
            "root-pkcs11",
            new KeyStoreHealth(KeyStoreHealth.State.GONE, "in a drawer"));
    Health health = new Health(home.with(home.attestor, authority), () -> Optional.of(home.root()));
    assertThat(new String(health.answer().body(), UTF_8)).contains("\"status\":\"ok\"");
  }

  @Test
  void aGatewayThatCanNotIssueSaysWhatIsWrong() throws Exception {
    Files.writeString(home.registrationFolder.resolve("bad.toml"), "nonsense = 1\n");
    authority.noAuthorities = true;
    Health health = new Health(home.with(home.attestor, authority), Optional::empty);
    Response answer = health.answer();

    assertThat(answer.status()).isEqualTo(Status.SERVICE_UNAVAILABLE);
    JsonNode body = Bodies.read(new String(answer.body(), UTF_8));
    assertThat(body.path("status").asText()).isEqualTo("failing");
    assertThat(body.path("problems"))
        .extracting(problem -> problem.path("code").asText())
        .containsExactly("listener-certificate", "device-ca");
    assertThat(body.path("registrationProblems").asInt()).isEqualTo(1);
    assertThat(health.answer()).as("looked at once a second at most").isSameAs(answer);
  }

  @Test
  void anAuthorityOutsideItsTimeIsNotWell() throws Exception {
    home.clock.advance(Duration.ofDays(3 * 365));
    Wait.until("health shows it", () -> healthStatus() == 503);
  }

  private int healthStatus() {
    try (SSLSocket socket = connect()) {
      return Integer.parseInt(
          ask(socket, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n").split(" ", -1)[1]);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void theCertificateIsRenewedWithoutADroppedConnection() throws Exception {
    try (SSLSocket before = connect()) {
      assertThat(ask(before, Bodies.get("/healthz"))).startsWith("HTTP/1.1 200 OK");
      X509Certificate first = leaf(before);
      int issued = authority.requests.size();
      home.clock.advance(Duration.ofHours(18));
      Wait.until("another certificate was issued", () -> authority.requests.size() > issued);
      Wait.until("it is shown", () -> !shown().equals(first));
      X509Certificate second = shown();

      assertThat(second.getSerialNumber()).isNotEqualTo(first.getSerialNumber());
      assertThat(ask(before, Bodies.get("/healthz"))).startsWith("HTTP/1.1 200 OK");
      assertThat(leaf(before)).isEqualTo(first);
      assertThat(second.getSubjectAlternativeNames())
          .extracting(name -> String.valueOf(name.get(1)))
          .containsExactlyInAnyOrder("localhost", "gw1.example", "127.0.0.1");
    }
    assertThat(
            home.authority
                .certificates(new LedgerQuery(Optional.of("vouchsafe/https"), 10, Optional.empty()))
                .items())
        .hasSizeGreaterThanOrEqualTo(2);
  }

  private X509Certificate shown() {
    try (SSLSocket socket = connect()) {
      socket.startHandshake();
      return leaf(socket);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aRenewalThatFailsLeavesTheOldCertificateAndIsTriedAgain() throws Exception {
    X509Certificate first = shown();
    authority.fail(IssuanceException.Reason.KEY_STORE_UNAVAILABLE);
    home.clock.advance(Duration.ofHours(18));
    int asked = authority.requests.size();
    Wait.until("it was tried three times", () -> authority.requests.size() >= asked + 3);
    assertThat(shown()).isEqualTo(first);
    authority.outcome = issued -> issued;
    Wait.until("the new one is shown", () -> !shown().equals(first));
  }

  @Test
  void aClockThatWentBackIsNoticed() {
    X509Certificate first = shown();
    home.clock.advance(Duration.ofMinutes(-2));
    Wait.until("a certificate that is valid then is shown", () -> !shown().equals(first));
    assertThat(shown().getNotBefore().toInstant()).isBefore(home.clock.instant());
  }

  @Test
  void aClockThatIsTrustedAgainHasTheCertificateMadeAnewThoughNoTimePassed() {
    X509Certificate first = shown();
    home.clock.judge(ClockVerdict.BEHIND_FLOOR, false);
    Wait.until("health says so", () -> health().contains("\"code\":\"clock\""));
    assertThat(health()).contains("degraded");
    home.clock.judge(ClockVerdict.TRUSTED, false);
    Wait.until("another is shown", () -> !shown().equals(first));
  }

  private String health() {
    try {
      HttpResponse<byte[]> answer = send("GET", "/healthz");
      assertThat(answer.statusCode()).isEqualTo(200);
      return new String(answer.body(), UTF_8);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void onceAnotherDeviceCaSignsTheListenerShowsACertificateOfIts() throws Exception {
    String before = issuer();
    String next = home.authority.changes().prepare(Role.DEVICE, Optional.empty()).id();
    home.authority.changes().activate(next);
    Wait.until("its certificate is shown", () -> !issuer().equals(before));
    assertThat(home.authority.signer()).isEqualTo(next);
  }

  private String issuer() {
    try (SSLSocket socket = connect()) {
      socket.startHandshake();
      return leaf(socket).getIssuerX500Principal().getName();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aPeerThatDoesNotShakeHandsIsClosed() throws Exception {
    server.close();
    Timeouts quick = TestServer.QUICK;
    Timeouts hasty =
        new Timeouts(
            Duration.ofMillis(200),
            quick.body(),
            quick.idle(),
            Duration.ofMillis(200),
            Duration.ofMillis(200),
            quick.drain(),
            quick.firstCertificate(),
            Duration.ofSeconds(1),
            quick.tick());
    server = TestServer.withHttps(home, home.parts(), hasty);
    try (Socket silent = new Socket(InetAddress.getLoopbackAddress(), server.port());
        Socket plain = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      plain.getOutputStream().write(Bodies.get("/healthz").getBytes(UTF_8));
      assertThat(silent.getInputStream().readAllBytes()).doesNotContain((byte) 'H');
      assertThat(plain.getInputStream().readAllBytes()).doesNotContain((byte) 'H');
    }
  }

  @Test
  void aSlowHeadIsTimedOutOverTlsAsWell() throws Exception {
    server.close();
    Timeouts quick = TestServer.QUICK;
    Timeouts hasty =
        new Timeouts(
            Duration.ofMillis(200),
            quick.body(),
            quick.idle(),
            Duration.ofMillis(200),
            quick.handshake(),
            quick.drain(),
            quick.firstCertificate(),
            Duration.ofSeconds(1),
            quick.tick());
    server = TestServer.withHttps(home, home.parts(), hasty);
    try (SSLSocket socket = connect()) {
      assertThat(ask(socket, "GET /healthz HT")).startsWith("HTTP/1.1 408 RequestTimeout");
      assertThat(socket.getInputStream().read()).isNegative();
    }
  }

  @Test
  void connectionsOverTheLimitOfOneAddressAreAnswered() throws Exception {
    SSLSocket[] inside = new SSLSocket[TestServer.AMPLE.perUid()];
    for (int i = 0; i < inside.length; i++) {
      inside[i] = connect();
      assertThat(ask(inside[i], Bodies.get("/healthz"))).startsWith("HTTP/1.1 200 OK");
    }
    try (SSLSocket more = connect()) {
      assertThat(ask(more, "")).startsWith("HTTP/1.1 429 TooManyRequests");
    }
    for (SSLSocket socket : inside) {
      assertThat(ask(socket, Bodies.get("/healthz"))).startsWith("HTTP/1.1 200 OK");
      socket.close();
    }
  }
}
