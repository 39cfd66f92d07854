package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.api.ApiSettings;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.Selector;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The parts of the wiring, each alone. */
class DaemonPartsTest {
  @TempDir Path folder;

  private X509Certificate root(String name) throws Exception {
    Path home = folder.resolve(name);
    assertThat(CliRun.at(home).run("init", "--device-id", name).code()).isZero();
    CliRun.Ended exported = CliRun.at(home).run("bundle", "export");
    try (var in = new ByteArrayInputStream(exported.out().getBytes(StandardCharsets.US_ASCII))) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  @Test
  void theBundleIsExportedInEveryEncodingToStandardOutputOrAFile() throws Exception {
    X509Certificate root = root("a");
    Path home = folder.resolve("a");
    Path file = folder.resolve("b.p7b");
    CliRun run = CliRun.at(home);
    assertThat(run.run("bundle", "export", "--format", "p7b", "--out", file.toString()).code())
        .isZero();
    try (var in = Files.newInputStream(file)) {
      assertThat(CertificateFactory.getInstance("X.509").generateCertificates(in))
          .hasSize(1)
          .first()
          .isEqualTo(root);
    }
    assertThat(run.run("bundle", "export", "--format", "json").json().path("keys")).hasSize(1);
    assertThat(TrustBundleStore.open(Home.at(home).bundle(), Duration.ofHours(1)).current().roots())
        .containsExactly(root);
    assertThat(run.run("bundle", "export", "-o", "json").json().path("keys")).hasSize(1);
    assertThat(run.run("bundle", "export", "-o", "json", "--format", "json").out())
        .isEqualTo(run.run("bundle", "export", "--format", "json").out());
    CliRun.Ended both = run.run("bundle", "export", "-o", "json", "--format", "pem");
    assertThat(both.code()).isEqualTo(2);
    assertThat(both.err()).contains("-o json and --format exclude each other");
    assertThat(run.run("bundle", "export", "--out", file.toString(), "-o", "json").json())
        .hasToString("{\"file\":\"" + file + "\"}");
    assertThat(run.run("bundle", "export", "--out", "/nonexistent/x").err()).contains("--out: ");
    Files.writeString(Home.at(home).bundle(), "{}");
    assertThat(run.run("bundle", "export").code()).isEqualTo(1);
    assertThat(run.run("bundle", "export").err()).contains("trust-bundle.json");
  }

  @Test
  void whatIsPrintedOfACertificateIsWhatIsInIt() throws Exception {
    X509Certificate root = root("a");
    assertThat(Certificates.subject(root)).contains("CN=", "serialNumber=");
    assertThat(Certificates.notAfter(root)).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
    assertThat(Certificates.sha256(root)).matches("[0-9a-f]{64}");
  }

  @Test
  void theHttpsListenerIsNamedByHostLocalhostAndAddresses() throws SocketException {
    ApiSettings.Https https = HttpsNames.listener(new Configuration.HostPort("", 8443));
    assertThat(https.dns()).contains("localhost").allMatch(Names::isName);
    assertThat(https.ip())
        .contains("127.0.0.1")
        .doesNotHaveDuplicates()
        .noneMatch(address -> address.startsWith("fe80") || address.contains("%"))
        .hasSizeLessThanOrEqualTo(32);
    assertThat(https.port()).isEqualTo(8443);
  }

  @Test
  void registrationsMayNameEveryLeafProfileOfTheCaAndNoCa() throws IOException {
    assertThat(ModuleRules.of(Home.at(folder)).profiles())
        .containsExactlyInAnyOrder("identity", "server", "device-leaf");
    Files.writeString(
        Home.at(folder).configuration(),
        """
        [gateway]
        device-id = "gw"
        trust-domain = "gw.internal"
        [profiles.mqtt-client]
        extendedKeyUsage = ["clientAuth"]
        [profiles.plant-ca]
        kind = "authority"
        """);
    assertThat(ModuleRules.of(Home.at(folder)).profiles())
        .containsExactlyInAnyOrder("identity", "server", "device-leaf", "mqtt-client");
    Path file = Home.at(folder).configuration();
    Files.writeString(file, Files.readString(file) + "[profiles.x]\n");
    assertThatThrownBy(() -> ModuleRules.of(Home.at(folder)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("extendedKeyUsage is missing");
  }

  @Test
  void theGatewayItselfIsRegisteredForTheUserThatOwnsTheData() throws IOException {
    Home home = Home.at(folder);
    Files.createDirectories(home.data());
    Registration device = ModuleRules.of(home).builtIn().getFirst();
    assertThat(device.name()).isEqualTo("device");
    assertThat(device.selectors()).containsExactly(new Selector.Uid(FileTrust.owner(home.data())));
    assertThat(device.profiles()).containsExactly("identity");
  }

  @Test
  void aManifestBundleIsTheOperatorsFileOrTheStartIsRefused() throws Exception {
    Path file = folder.resolve("manifest.pem");
    assertThatThrownBy(() -> ManifestBundle.read(file))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining("[bundle] manifest")
        .hasMessageContaining("no such file");
    for (String bad : List.of("", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n")) {
      Files.writeString(file, bad);
      assertThatThrownBy(() -> ManifestBundle.read(file))
          .isInstanceOf(CommandFailure.class)
          .hasMessageContaining("[bundle] manifest");
    }
    Files.write(file, new byte[300 * 1024]);
    assertThatThrownBy(() -> ManifestBundle.read(file)).hasMessageContaining("is over");
    CliRun.at(folder.resolve("home")).run("init", "--device-id", "gw");
    String pem = CliRun.at(folder.resolve("home")).run("bundle", "export").out();
    Files.writeString(file, pem);
    assertThat(ManifestBundle.read(file)).isEqualTo(pem);
    Files.writeString(file, "a remark\n" + pem + "c2VjcmV0IGtleSB0aGF0IHNvbWVib2R5IGxlZnQ=\n");
    assertThat(ManifestBundle.read(file)).isEqualTo(pem);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    assertThatThrownBy(() -> ManifestBundle.read(file)).hasMessageContaining("chmod go-w");
  }

  @Test
  void theWorkersRejectWhatIsPastTheirBoundInsteadOfGrowing() throws InterruptedException {
    Workers workers = Workers.start(new ApiSettings.Limits(1, 1, 1));
    CountDownLatch gate = new CountDownLatch(1);
    AtomicInteger taken = new AtomicInteger();
    assertThatThrownBy(
            () -> {
              while (taken.get() < 10_000) {
                workers.execute(() -> await(gate));
                taken.incrementAndGet();
              }
            })
        .isInstanceOf(RejectedExecutionException.class);
    gate.countDown();
    workers.stop();
    assertThat(workers.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
    assertThat(taken.get()).isLessThan(10_000);
  }

  private static void await(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
