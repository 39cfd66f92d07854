package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Servers and clients that nobody here wrote take our certificates, and only where they should. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InteropTest {
  private static final String NAME = "broker.gw.example";

  private final Path credentials;
  private final Path strangersBundle;
  private final GatewayHome home;
  private final RunningGateway gateway;

  @TempDir Path folder = Path.of("");

  InteropTest() throws IOException, InterruptedException {
    home = GatewayHome.initialised();
    gateway = home.serve();
    credentials = home.beside("credentials");
    strangersBundle = home.beside("stranger").resolve("bundle.pem");
  }

  @BeforeAll
  void fetch() throws IOException, InterruptedException {
    home.addModule(
        "broker", "--profile", "server", "--dns", NAME, "--dns", "localhost", "--ip", "127.0.0.1");
    home.run(
            "fetch",
            "certificate",
            "--module",
            "broker",
            "--profile",
            "server",
            "--out",
            credentials.toString())
        .done();
    try (GatewayHome stranger = GatewayHome.initialised()) {
      Files.writeString(strangersBundle, stranger.run("bundle", "export").done());
    }
  }

  @AfterAll
  void end() throws IOException {
    gateway.close();
    home.close();
  }

  /** Servers that were given what {@code fetch} wrote. */
  enum Server {
    OPENSSL,
    NGINX,
    MOSQUITTO;

    TlsServer start(Path credentials, Path folder) throws IOException {
      return switch (this) {
        case OPENSSL -> TlsServer.openssl(credentials, folder);
        case NGINX -> TlsServer.nginx(credentials, folder);
        case MOSQUITTO -> TlsServer.mosquitto(credentials, folder);
      };
    }
  }

  @Test
  void theChainVerifiesInTheJdkAndLeavesTheRootOut() throws Exception {
    var chain = Certificates.read(credentials.resolve("certificate.pem"));
    var roots = Certificates.read(credentials.resolve("bundle.pem"));
    Certificates.verify(chain, roots);
    assertThat(chain).doesNotContainAnyElementsOf(roots);
    assertThat(Certificates.names(chain.getFirst()))
        .containsExactlyInAnyOrder(NAME, "localhost", "127.0.0.1");
    assertThat(chain.getFirst().getSerialNumber().bitLength()).isGreaterThan(64);
  }

  @ParameterizedTest
  @EnumSource(Server.class)
  void opensslVerifiesTheServerWithTheBundleAlone(Server kind) throws Exception {
    try (TlsServer server = kind.start(credentials, folder)) {
      Programs.Ended ended = openssl(server, credentials.resolve("bundle.pem"), NAME);
      assertThat(ended.exit()).as(ended.out() + ended.err()).isZero();
      assertThat(ended.out()).contains("Verify return code: 0 (ok)");
    }
  }

  @ParameterizedTest
  @EnumSource(Server.class)
  void gnutlsVerifiesTheServerWithTheBundleAlone(Server kind) throws Exception {
    try (TlsServer server = kind.start(credentials, folder)) {
      Programs.Ended ended = gnutls(server, credentials.resolve("bundle.pem"), NAME);
      assertThat(ended.exit()).as(ended.out() + ended.err()).isZero();
      assertThat(ended.out()).contains("The certificate is trusted");
    }
  }

  @Test
  void curlReadsAPageFromNginx() throws Exception {
    try (TlsServer server = TlsServer.nginx(credentials, folder)) {
      assertThat(curl(server, credentials.resolve("bundle.pem"), NAME).done()).isEqualTo("served");
      assertThat(curl(server, credentials.resolve("bundle.pem"), "127.0.0.1").done())
          .isEqualTo("served");
      assertThat(curl(server, strangersBundle, NAME).exit()).isEqualTo(60);
      assertThat(curl(server, credentials.resolve("bundle.pem"), "other.gw.example").exit())
          .isEqualTo(60);
    }
  }

  @Test
  void anMqttClientPublishesToMosquitto() throws Exception {
    try (TlsServer server = TlsServer.mosquitto(credentials, folder)) {
      assertThat(publish(server, credentials.resolve("bundle.pem")).exit()).isZero();
      assertThat(publish(server, strangersBundle).exit()).isNotZero();
    }
  }

  @Test
  void nobodyBelievesTheServerWithTheBundleOfAnotherGateway() throws Exception {
    try (TlsServer server = TlsServer.openssl(credentials, folder)) {
      assertThat(openssl(server, strangersBundle, NAME).exit()).isNotZero();
      assertThat(gnutls(server, strangersBundle, NAME).exit()).isNotZero();
    }
  }

  @Test
  void nobodyBelievesTheServerUnderANameThatWasNotGranted() throws Exception {
    Path bundle = credentials.resolve("bundle.pem");
    try (TlsServer server = TlsServer.openssl(credentials, folder)) {
      assertThat(openssl(server, bundle, "other.gw.example").exit()).isNotZero();
      assertThat(gnutls(server, bundle, "other.gw.example").exit()).isNotZero();
    }
  }

  @Test
  void aLeafDeviceFetchesTheBundleOverHttpsAndThenBelievesItsListener() throws Exception {
    String url = "https://localhost:" + gateway.httpsPort() + "/v1/trust-bundle";
    String fetched = Programs.run("curl", "-sS", "--fail", "--insecure", url).done();
    assertThat(Certificates.read(fetched))
        .isEqualTo(Certificates.read(credentials.resolve("bundle.pem")));
    Path bundle = Files.writeString(folder.resolve("fetched.pem"), fetched);
    Programs.run("curl", "-sS", "--fail", "--cacert", bundle.toString(), url).done();
    assertThat(Programs.run("curl", "-sS", "--cacert", strangersBundle.toString(), url).exit())
        .isEqualTo(60);
  }

  private static Programs.Ended openssl(TlsServer server, Path bundle, String name)
      throws IOException, InterruptedException {
    return Programs.run(
        List.of(
            "openssl",
            "s_client",
            "-connect",
            "127.0.0.1:" + server.port(),
            "-servername",
            name,
            "-verify_hostname",
            name,
            "-verify_return_error",
            "-no-CApath",
            "-no-CAstore",
            "-CAfile",
            bundle.toString()),
        "Q\n");
  }

  private static Programs.Ended gnutls(TlsServer server, Path bundle, String name)
      throws IOException, InterruptedException {
    return Programs.run(
        List.of(
            "gnutls-cli",
            "--x509cafile",
            bundle.toString(),
            "--sni-hostname",
            name,
            "--verify-hostname",
            name,
            "--port",
            String.valueOf(server.port()),
            "127.0.0.1"),
        "");
  }

  private static Programs.Ended curl(TlsServer server, Path bundle, String name)
      throws IOException, InterruptedException {
    return Programs.run(
        "curl",
        "-sS",
        "--cacert",
        bundle.toString(),
        "--resolve",
        name + ":" + server.port() + ":127.0.0.1",
        "https://" + name + ":" + server.port() + "/");
  }

  private static Programs.Ended publish(TlsServer server, Path bundle)
      throws IOException, InterruptedException {
    return Programs.run(
        "mosquitto_pub",
        "-h",
        "localhost",
        "-p",
        String.valueOf(server.port()),
        "--cafile",
        bundle.toString(),
        "-t",
        "t",
        "-m",
        "m");
  }
}
