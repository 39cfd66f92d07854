package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands that ask a service, against one that answers what the test says. */
class AskingCommandsTest {
  private static final String ISSUED =
      "{\"certificate\":\"CERT\\n\",\"privateKey\":\"KEY\\n\",\"trustBundle\":\"BUNDLE\\n\","
          + "\"serial\":\"0a\",\"notBefore\":\"2026-12-01T12:00:00Z\","
          + "\"notAfter\":\"2026-12-01T13:00:00Z\",\"renewAfter\":\"2026-12-01T12:30:00Z\"}";

  @TempDir Path folder;

  @BeforeEach
  void makeTheFolderOfTheSockets() throws IOException {
    Files.createDirectory(home().run());
  }

  private Home home() {
    return Home.at(folder);
  }

  private FakeService workload(String answer) throws IOException {
    return FakeService.answering(home().workloadSocket(), answer);
  }

  private FakeService admin(String answer) throws IOException {
    return FakeService.answering(home().adminSocket(), answer);
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(folder).run(args);
  }

  @Test
  void aCertificateAndItsKeyArePrinted() throws Exception {
    try (FakeService service = workload(FakeService.json(201, ISSUED))) {
      CliRun.Ended ended =
          run(
              "fetch",
              "certificate",
              "--module",
              "mod 1$x",
              "--profile",
              "server",
              "--dns",
              "a.b",
              "--dns",
              "c.d",
              "--ip",
              "::1",
              "--cn",
              "a.b",
              "--ttl",
              "10m");
      assertThat(ended.code()).isZero();
      assertThat(ended.out()).isEqualTo("CERT\nKEY\n");
      assertThat(service.request())
          .startsWith("POST /v1/certificates?module=mod%201%24x HTTP/1.1")
          .endsWith(
              "{\"profile\":\"server\",\"commonName\":\"a.b\",\"dns\":[\"a.b\",\"c.d\"],"
                  + "\"ip\":[\"::1\"],\"ttlSeconds\":600}");
    }
  }

  @Test
  void withAFolderTheFilesAreWrittenAndNoKeyIsPrinted() throws IOException {
    Path out = folder.resolve("a/b");
    try (FakeService _ = workload(FakeService.json(201, ISSUED))) {
      CliRun.Ended ended = run("fetch", "certificate", "--out", out.toString());
      assertThat(ended.code()).isZero();
      assertThat(ended.out()).contains("serial 0a").doesNotContain("KEY");
    }
    assertThat(out.resolve("certificate.pem")).hasContent("CERT\n");
    assertThat(out.resolve("key.pem")).hasContent("KEY\n");
    assertThat(out.resolve("bundle.pem")).hasContent("BUNDLE\n");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(out.resolve("key.pem"))))
        .isEqualTo("rw-------");
    try (Stream<Path> all = Files.list(out)) {
      assertThat(all).hasSize(3);
    }
  }

  @Test
  void aKeyFileThatOthersCouldReadIsReplacedByOneThatTheyCannot() throws IOException {
    Path key = folder.resolve("key.pem");
    Files.writeString(key, "old");
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-rw-rw-"));
    try (FakeService _ = workload(FakeService.json(201, ISSUED))) {
      CliRun.Ended ended = run("fetch", "certificate", "--out", folder.toString(), "-o", "json");
      assertThat(ended.json().path("files").path("privateKey").asText()).isEqualTo(key.toString());
      assertThat(ended.out()).doesNotContain("KEY");
    }
    assertThat(key).hasContent("KEY\n");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(key)))
        .isEqualTo("rw-------");
  }

  @Test
  void aLinkInPlaceOfTheKeyIsReplacedAndNotFollowed() throws IOException {
    Path victim = folder.resolve("victim");
    Files.writeString(victim, "untouched");
    Path out = Files.createDirectory(folder.resolve("out"));
    Files.createSymbolicLink(out.resolve("key.pem"), victim);
    try (FakeService _ = workload(FakeService.json(201, ISSUED))) {
      assertThat(run("fetch", "certificate", "--out", out.toString()).code()).isZero();
    }
    assertThat(victim).hasContent("untouched");
    assertThat(Files.isSymbolicLink(out.resolve("key.pem"))).isFalse();
  }

  @Test
  void withACsrNoKeyComesBack() throws Exception {
    Path csr = folder.resolve("csr.pem");
    Files.writeString(csr, "-----BEGIN CERTIFICATE REQUEST-----\n");
    String answer = ISSUED.replace("\"privateKey\":\"KEY\\n\",", "");
    try (FakeService service = workload(FakeService.json(201, answer))) {
      CliRun.Ended ended =
          run("fetch", "certificate", "--csr", csr.toString(), "--out", folder.toString());
      assertThat(ended.code()).isZero();
      assertThat(service.request()).contains("\"csr\":\"-----BEGIN CERTIFICATE REQUEST-----\\n\"");
    }
    assertThat(folder.resolve("key.pem")).doesNotExist();
  }

  @Test
  void aCsrThatIsMissingOrHugeIsNotSent() throws IOException {
    assertThat(
            run("fetch", "certificate", "--socket", "/nonexistent", "--csr", "/nonexistent").code())
        .isEqualTo(1);
    Path huge = folder.resolve("huge");
    Files.write(huge, new byte[70_000]);
    assertThat(run("fetch", "certificate", "--csr", huge.toString()).err()).contains("65536");
  }

  @ParameterizedTest
  @CsvSource({
    "400,1,request-invalid",
    "401,3,refused",
    "403,3,refused",
    "404,1,request-invalid",
    "408,4,unavailable",
    "409,1,request-invalid",
    "422,1,request-invalid",
    "429,4,unavailable",
    "500,1,request-invalid",
    "503,4,unavailable",
    "302,1,request-invalid"
  })
  void eachStatusHasItsExitCodeAndRefusedIsNeverUnavailable(int status, int code, String said)
      throws IOException {
    String problem =
        "{\"title\":\"T\",\"status\":1,\"detail\":\"the detail\",\"code\":\"request-invalid\"}";
    try (FakeService _ = workload(FakeService.json(status, problem))) {
      CliRun.Ended ended = run("fetch", "identity");
      assertThat(ended.code()).isEqualTo(code);
      assertThat(ended.out()).isEmpty();
      assertThat(ended.err()).contains(said).contains("the detail").hasLineCount(1);
    }
  }

  @Test
  void theServicesTimeToWaitIsTold() throws IOException {
    try (FakeService _ =
        workload("HTTP/1.1 503 X\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n")) {
      assertThat(run("fetch", "identity").err()).contains("try again in 9 s").contains("503");
    }
  }

  @Test
  void anErrorOfTheServiceCannotForgeALineOnTheTerminal() throws IOException {
    try (FakeService _ =
        workload(FakeService.json(403, "{\"detail\":\"x\\nvouchsafe: all is well\\u001b[2J\"}"))) {
      assertThat(run("fetch", "identity").err()).hasLineCount(1).doesNotContain("\u001b");
    }
  }

  @Test
  void withoutAServiceItIsUnavailable() {
    for (String[] args :
        List.of(
            new String[] {"fetch", "identity"},
            new String[] {"fetch", "certificate"},
            new String[] {"fetch", "bundle"},
            new String[] {"cert", "list"},
            new String[] {"cert", "show", "0a"},
            new String[] {"ca", "show"},
            new String[] {"bundle", "show"})) {
      CliRun.Ended ended = run(args);
      assertThat(ended.code()).as(String.join(" ", args)).isEqualTo(4);
      assertThat(ended.err()).contains("vouchsafe serve");
    }
  }

  @Test
  void aStateThatNoCertificateHasIsWrongUsage() {
    CliRun.Ended ended = run("cert", "list", "--state", "ended");
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.err())
        .contains("--state is one of intended, issued, withheld, failed, revoked");
  }

  @Test
  void anAnswerThatIsNoJsonIsAFailure() throws IOException {
    try (FakeService _ = workload(FakeService.json(200, "<html>"))) {
      assertThat(run("fetch", "identity").code()).isEqualTo(1);
    }
    try (FakeService _ = admin(FakeService.json(200, "[]"))) {
      assertThat(run("ca", "show").code()).isEqualTo(1);
    }
  }

  @Test
  void anAnswerWithoutACertificateWritesNone() throws IOException {
    try (FakeService _ = workload(FakeService.json(201, "{}"))) {
      assertThat(run("fetch", "certificate", "--out", folder.resolve("o").toString()).code())
          .isEqualTo(1);
    }
    assertThat(folder.resolve("o/certificate.pem")).doesNotExist();
  }

  @Test
  void theBundleIsPrintedOrWritten() throws Exception {
    try (FakeService service = workload("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nPEM\n")) {
      assertThat(run("fetch", "bundle").out()).isEqualTo("PEM\n");
      assertThat(service.request()).containsIgnoringCase("accept: application/x-pem-file");
      CliRun.Ended ended = run("fetch", "bundle", "--out", folder.toString(), "-o", "json");
      assertThat(ended.json().at("/files/trustBundle").asText()).endsWith("bundle.pem");
    }
    assertThat(folder.resolve("bundle.pem")).hasContent("PEM\n");
  }

  @Test
  void theWholeLedgerIsListedPageByPage() throws IOException {
    List<String> asked = new CopyOnWriteArrayList<>();
    try (FakeService _ =
        FakeService.answering(
            home().adminSocket(),
            line -> {
              asked.add(line);
              boolean second = line.contains("before=p%202");
              String next = second ? "" : ",\"next\":\"p 2\"";
              return FakeService.json(
                  200,
                  "{\"items\":[{\"serial\":\"%s\",\"module\":\"m\",\"names\":[\"dns:a\"]}]%s}"
                      .formatted(second ? "02" : "01", next));
            })) {
      CliRun.Ended listed = run("cert", "list", "--module", "a b", "-o", "json");
      assertThat(listed.json().path("items")).hasSize(2);
      assertThat(asked)
          .containsExactly(
              "GET /certificates?limit=1000&module=a%20b HTTP/1.1",
              "GET /certificates?limit=1000&module=a%20b&before=p%202 HTTP/1.1");
      assertThat(run("cert", "list").out()).contains("SERIAL", "01", "02", "dns:a");
    }
  }

  @Test
  void theLedgerIsAskedForWhatThePersonAskedFor() throws Exception {
    try (FakeService service = admin(FakeService.json(200, "{\"items\":[]}"))) {
      CliRun.Ended listed =
          run(
              "cert",
              "list",
              "--serial",
              "4A:0F",
              "--since",
              "2026-11-01T00:00:00+01:00",
              "--until",
              "2026-11-02T00:00:00Z",
              "--expiring-within",
              "1h",
              "--state",
              "issued",
              "--authority",
              "device-1",
              "--profile",
              "server");
      assertThat(listed.code()).isZero();
      assertThat(service.request())
          .startsWith(
              "GET /certificates?limit=1000&serial=4a0f&since=2026-10-31T23%3A00%3A00Z"
                  + "&until=2026-11-02T00%3A00%3A00Z&expiringWithin=3600&state=issued"
                  + "&authority=device-1&profile=server HTTP/1.1");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "--since, yesterday, --since is a time",
    "--until, 7x, --until is a time",
    "--expiring-within, 0s, --expiring-within is a number over 0",
    "--serial, xyz, --serial is the beginning of a serial number",
    "--serial, 000000000000000000000000000000000, --serial is the beginning"
  })
  void aQuestionThatCantBeIsToldBeforeAnybodyIsAsked(String option, String value, String told) {
    CliRun.Ended ended = run("cert", "list", option, value);
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.err()).contains(told);
  }

  @Test
  void oneEntryIsShownFieldByField() throws Exception {
    try (FakeService service =
        admin(FakeService.json(200, "{\"serial\":\"0a\",\"names\":[\"dns:a\",\"ip:::1\"]}"))) {
      assertThat(run("cert", "show", "0A:ff").out())
          .isEqualTo("serial  0a\nnames   dns:a ip:::1\n");
      assertThat(service.request()).startsWith("GET /certificates/0aff HTTP/1.1");
      assertThat(run("cert", "show", "0a", "-o", "json").json().path("serial").asText())
          .isEqualTo("0a");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"zz", "0", "0a/../x", "", "0a\nff", "::"})
  void whatIsNoSerialIsToldBeforeAnybodyIsAsked(String serial) {
    CliRun.Ended ended = run("cert", "show", serial);
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.err()).contains("SERIAL is hex, two digits an octet", "cert list");
  }

  @Test
  void authoritiesAndBundleAreShown() throws IOException {
    try (FakeService _ =
        admin(
            FakeService.json(
                200,
                "{\"items\":[{\"id\":\"root-1\",\"role\":\"root\",\"sha256\":\"ab\"}],"
                    + "\"sequence\":3,\"etag\":\"\\\"e\\\"\",\"refreshSeconds\":60,"
                    + "\"roots\":[{\"subject\":\"CN=R\"}],\"extra\":[{\"subject\":\"CN=X\"}]}"))) {
      assertThat(run("ca", "show").out()).contains("root-1", "ab");
      assertThat(run("ca", "show", "-o", "json").json().path("items")).hasSize(1);
      assertThat(run("bundle", "show").out())
          .contains("sequence  3", "every 60 s", "CN=R", "added", "CN=X");
      assertThat(run("bundle", "show", "-o", "json").json().path("sequence").asInt()).isEqualTo(3);
    }
  }

  @Test
  void theSocketOfTheConfigurationIsAskedWhereTheUsualOneIsNotThere() throws IOException {
    Path other = folder.resolve("other.sock");
    Files.writeString(
        home().configuration(),
        "[gateway]\ndevice-id = \"g\"\ntrust-domain = \"g\"\n[listen]\nworkload = \"%s\"\n"
            .formatted(other));
    Files.setPosixFilePermissions(
        home().configuration(), PosixFilePermissions.fromString("rw-r--r--"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    try (FakeService _ =
        FakeService.answering(other, FakeService.json(200, "{\"module\":\"m\"}"))) {
      assertThat(run("fetch", "identity").out()).contains("module       m");
      assertThat(CliRun.plain().run("fetch", "identity", "--socket", other.toString()).code())
          .isZero();
    }
  }
}
