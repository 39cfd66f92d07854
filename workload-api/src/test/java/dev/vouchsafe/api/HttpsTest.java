package dev.vouchsafe.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The https listener, asked by real clients that trust only the bundle. */
class HttpsTest {
  @TempDir private static Path folder;
  private static TestHome home;
  private TestServer server;

  @BeforeAll
  static void makeHome() throws Exception {
    home = TestHome.in(folder);
  }

  @AfterAll
  static void closeHome() {
    home.close();
  }

  @BeforeEach
  void start() throws IOException {
    server = TestServer.withHttps(home, home.parts(), TestServer.QUICK);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  static SSLContext trusting(X509Certificate root) throws GeneralSecurityException, IOException {
    KeyStore anchors = KeyStore.getInstance(KeyStore.getDefaultType());
    anchors.load(null, null);
    anchors.setCertificateEntry("root", root);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(anchors);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private HttpResponse<byte[]> get(String path) throws Exception {
    try (HttpClient client = HttpClient.newBuilder().sslContext(trusting(home.root())).build()) {
      URI uri = URI.create("https://localhost:" + server.port() + path);
      return client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofByteArray());
    }
  }

  @Test
  void aLeafDeviceWithOnlyTheBundleFetchesTheBundle() throws Exception {
    HttpResponse<byte[]> answer = get("/v1/trust-bundle");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(new String(answer.body(), UTF_8)).isEqualTo(Pem.of(home.root()));
    assertThat(answer.sslSession().orElseThrow().getProtocol()).isEqualTo("TLSv1.3");
  }

  @Test
  void aWellGatewaySaysSo() throws Exception {
    HttpResponse<byte[]> answer = get("/healthz");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(new String(answer.body(), UTF_8))
        .isEqualTo("{\"status\":\"ok\",\"problems\":[],\"registrationProblems\":0}");
  }
}
