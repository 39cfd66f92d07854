package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the bundle commands ask of the service, and make of its answers. */
class BundleCommandsTest {
  private static final String KEY =
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  private static final String CHANGED =
      "{\"sequence\":5,\"roots\":[{\"subject\":\"CN=R\",\"notAfter\":\"2040-01-01T00:00:00Z\","
          + "\"sha256\":\"aa\",\"activates\":\"2030-01-01T00:00:00Z\"}],"
          + "\"extra\":[{\"subject\":\"CN=X\",\"notAfter\":\"2041-01-01T00:00:00Z\","
          + "\"sha256\":\"bb\",\"addedBy\":\"uid 7\",\"addedAt\":\"2026-01-01T00:00:00Z\"},"
          + "{\"subject\":\"CN=Y\",\"notAfter\":\"2041-01-01T00:00:00Z\",\"sha256\":\"cc\"}]}";

  @TempDir Path folder;
  private String pem = "";

  @BeforeEach
  void makeACa() throws IOException {
    Path other = folder.resolve("other");
    assertThat(CliRun.at(other).run("init").code()).isZero();
    pem = CliRun.at(other).run("bundle", "export").out();
    Files.createDirectories(Home.at(folder).run());
  }

  private CliRun here() {
    return CliRun.at(folder);
  }

  private FakeService admin(int status, String body) throws IOException {
    return FakeService.answering(Home.at(folder).adminSocket(), FakeService.json(status, body));
  }

  @Test
  void theCertificatesOfAFileOrOfStandardInputAreSentAndNothingElse() throws Exception {
    Path file = Files.writeString(folder.resolve("ca.pem"), "subject=secret remark\n" + pem);
    try (FakeService service = admin(201, CHANGED)) {
      CliRun.Ended ended = here().run("bundle", "add", file.toString());
      assertThat(ended.code()).as(ended.err()).isZero();
      assertThat(ended.out())
          .contains("sequence  5", "issues from 2030-01-01T00:00:00Z")
          .contains("added", "CN=X", "2026-01-01T00:00:00Z by uid 7")
          .doesNotContain("etag");
      assertThat(service.request())
          .startsWith("POST /bundle/add HTTP/1.1")
          .contains("{\"certificates\":\"-----BEGIN CERTIFICATE-----\\n")
          .doesNotContain("secret remark");
    }
    Files.deleteIfExists(Home.at(folder).adminSocket());
    try (FakeService service = admin(201, CHANGED)) {
      CliRun.Ended ended = here().given(pem).run("bundle", "add", "-", "-o", "json");
      assertThat(ended.json().path("sequence").asInt()).isEqualTo(5);
      assertThat(service.request()).startsWith("POST /bundle/add HTTP/1.1");
    }
  }

  @Test
  void aPrivateKeyOrNoCertificateIsRefusedBeforeAnybodyIsAsked() throws Exception {
    Path file = Files.writeString(folder.resolve("ca.pem"), pem + KEY);
    CliRun.Ended ended = here().run("bundle", "add", file.toString());
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err())
        .contains(file.toString(), "bundle-private-key", "take it out")
        .doesNotContain("AAAA");
    assertThat(here().given("x").run("bundle", "add", "-").err())
        .contains("standard input: bundle-file", "openssl x509 -inform der");
    CliRun.Ended missing = here().run("bundle", "add", folder.resolve("none").toString());
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).contains("none");
    assertThat(here().run("bundle", "add").code()).isEqualTo(2);
  }

  @Test
  void whatTheServiceRefusesIsTold() throws Exception {
    try (FakeService _ =
        admin(409, "{\"code\":\"bundle-duplicate\",\"detail\":\"is there already\"}")) {
      CliRun.Ended ended = here().given(pem).run("bundle", "add", "-");
      assertThat(ended.code()).isEqualTo(1);
      assertThat(ended.err()).contains("bundle-duplicate: is there already");
    }
    Files.deleteIfExists(Home.at(folder).adminSocket());
    try (FakeService _ = admin(503, "{\"code\":\"bundle-not-kept\",\"detail\":\"disk\"}")) {
      assertThat(here().given(pem).run("bundle", "add", "-").code()).isEqualTo(4);
    }
    Files.deleteIfExists(Home.at(folder).adminSocket());
    assertThat(here().given(pem).run("bundle", "add", "-").code()).isEqualTo(4);
  }

  @Test
  void oneIsRemovedByItsFingerprintInAnyUsualForm() throws Exception {
    try (FakeService service = admin(200, CHANGED)) {
      CliRun.Ended ended = here().run("bundle", "remove", "AB:CD:EF:01:23");
      assertThat(ended.code()).as(ended.err()).isZero();
      assertThat(service.request())
          .startsWith("POST /bundle/remove HTTP/1.1")
          .endsWith("{\"id\":\"abcdef0123\"}");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "abc", "xyzxyzxyz", "../../etc/x", "abcdef01\n"})
  void whatIsNoIdIsToldBeforeAnybodyIsAsked(String id) {
    CliRun.Ended ended = here().run("bundle", "remove", id);
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.err()).contains("8 to 64 hex digits");
  }

  @Test
  void readersAreListedWithThoseThatAreBehind() throws Exception {
    String readers =
        ",\"readers\":[{\"module\":\"a\",\"sequence\":5,\"fetched\":\"2026-02-01T00:00:00Z\","
            + "\"heard\":\"2026-02-02T00:00:00Z\",\"behind\":false},{\"module\":\"b\","
            + "\"sequence\":0,\"heard\":\"2026-02-03T00:00:00Z\",\"behind\":true}]}";
    try (FakeService _ = admin(200, CHANGED.substring(0, CHANGED.length() - 1) + readers)) {
      List<String> lines = here().run("bundle", "show").out().lines().toList();
      assertThat(lines.getLast()).contains("b ", "unknown", "2026-02-03T00:00:00Z", "behind");
      assertThat(lines.get(lines.size() - 2))
          .contains("a ", "5", "2026-02-01T00:00:00Z")
          .doesNotContain("behind");
    }
  }

  @Test
  void theFilesOfTheConfigurationHoldGoodCasOrTheStartIsRefused() throws Exception {
    Path file = folder.resolve("extra.pem");
    for (String bad : List.of("", "x", pem + KEY, " ".repeat(50_000))) {
      Files.writeString(file, bad);
      assertThatThrownBy(() -> ExtraCas.read(List.of(file)))
          .isInstanceOf(CommandFailure.class)
          .hasMessageContaining("[bundle] extra: " + file);
    }
    Files.writeString(file, pem);
    Path again = Files.writeString(folder.resolve("again.pem"), pem);
    assertThat(ExtraCas.read(List.of(file, again))).hasSize(1);
    Path none = folder.resolve("none.pem");
    assertThatThrownBy(() -> ExtraCas.read(List.of(file, none)))
        .hasMessageContaining("[bundle] extra: ")
        .hasMessageContaining(none.toString());
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-r--"));
    assertThatThrownBy(() -> ExtraCas.read(List.of(file))).hasMessageContaining("chmod go-w");
  }
}
