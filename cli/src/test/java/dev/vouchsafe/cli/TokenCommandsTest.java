package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands about tokens and symmetric keys, against a service that answers what is wanted. */
class TokenCommandsTest {
  private static final String ISSUED =
      "{\"token\":\"aaa.bbb.ccc\",\"expiresAt\":\"2026-12-01T12:05:00Z\","
          + "\"renewAfter\":\"2026-12-01T12:02:30Z\"}";

  @TempDir Path folder;

  @BeforeEach
  void makeTheFolderOfTheSockets() throws IOException {
    Files.createDirectory(home().run());
  }

  private Home home() {
    return Home.at(folder);
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(folder).run(args);
  }

  @Test
  void aTokenIsPrintedAlone() throws Exception {
    try (FakeService service =
        FakeService.answering(home().workloadSocket(), FakeService.json(201, ISSUED))) {
      CliRun.Ended ended =
          run(
              "fetch",
              "token",
              "--audience",
              "hub.example",
              "--audience",
              "b",
              "--ttl",
              "10m",
              "--module",
              "mod 1$x");
      assertThat(ended.code()).isZero();
      assertThat(ended.out()).isEqualTo("aaa.bbb.ccc\n");
      assertThat(service.request())
          .startsWith("POST /v1/tokens?module=mod%201%24x HTTP/1.1")
          .endsWith("{\"audience\":[\"hub.example\",\"b\"],\"ttlSeconds\":600}");
    }
  }

  @Test
  void aTokenInAFileIsReadByItsOwnerOnlyAndNotPrinted() throws IOException {
    Path out = folder.resolve("out");
    try (FakeService _ =
        FakeService.answering(home().workloadSocket(), FakeService.json(201, ISSUED))) {
      CliRun.Ended ended = run("fetch", "token", "--audience", "a", "--out", out.toString());
      assertThat(ended.code()).isZero();
      assertThat(ended.out()).contains("2026-12-01T12:05:00Z").doesNotContain("aaa.bbb");
    }
    Path file = out.resolve("token");
    assertThat(file).hasContent("aaa.bbb.ccc");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fetch token",
        "fetch token --audience a --ttl 0s",
        "fetch token --audience a --ttl soon",
        "fetch token --audience a --hub h",
        "fetch token --sas --audience a",
        "module key web --which third"
      })
  void aWrongCommandLineAsksNothing(String line) {
    CliRun.Ended ended = run(line.split(" ", -1));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.out()).isEmpty();
  }

  /** Answers as the service does, and keeps what was asked. */
  private FakeService signing(List<String> asked) throws IOException {
    return FakeService.answering(
        home().workloadSocket(),
        line -> {
          asked.add(line);
          return line.startsWith("GET /v1/identity")
              ? FakeService.json(200, "{\"module\":\"mod 1$x\",\"generation\":\"7\"}")
              : FakeService.json(200, "{\"digest\":\"ab+/\"}");
        });
  }

  @Test
  void aSasTokenIsSignedAsAnSdkHasItSigned() throws Exception {
    List<String> asked = Collections.synchronizedList(new ArrayList<>());
    try (FakeService _ = signing(asked)) {
      CliRun.Ended ended =
          CliRun.at(folder)
              .with("IOTEDGE_IOTHUBHOSTNAME", "hub.example")
              .with("IOTEDGE_DEVICEID", "gw")
              .run("fetch", "token", "--sas", "--ttl", "1h");
      long end = CliRun.NOW.getEpochSecond() + 3600;
      String resource = "hub.example%2Fdevices%2Fgw%2Fmodules%2Fmod%201%24x";
      assertThat(ended.code()).isZero();
      assertThat(ended.out())
          .isEqualTo("SharedAccessSignature sr=" + resource + "&sig=ab%2B%2F&se=" + end + "\n");
      assertThat(asked)
          .containsExactly(
              "GET /v1/identity HTTP/1.1",
              "POST /modules/mod%201%24x/genid/7/sign?api-version=2022-08-03 HTTP/1.1");
    }
  }

  @Test
  void whatASasTokenIsForMustBeKnown() throws IOException {
    List<String> asked = Collections.synchronizedList(new ArrayList<>());
    try (FakeService _ = signing(asked)) {
      CliRun.Ended ended = run("fetch", "token", "--sas", "--hub", "h");
      assertThat(ended.code()).isEqualTo(2);
      assertThat(ended.err()).contains("--device-id");
    }
  }

  @Test
  void theKeyOfAModuleIsAskedOfTheAdministratorsSocket() throws Exception {
    String key = Base64.getEncoder().encodeToString(new byte[32]);
    try (FakeService service =
        FakeService.answering(
            home().adminSocket(),
            FakeService.json(200, "{\"module\":\"web\",\"key\":\"" + key + "\"}"))) {
      CliRun.Ended ended = run("module", "key", "mod 1$x", "--which", "secondary");
      assertThat(ended.code()).isZero();
      assertThat(ended.out()).isEqualTo(key + "\n");
      assertThat(service.request())
          .startsWith("POST /modules/mod%201%24x/key HTTP/1.1")
          .endsWith("{\"which\":\"secondary\"}");
    }
  }

  @Test
  void withoutAServiceThereIsNoKey() {
    assertThat(run("module", "key", "web").code()).isEqualTo(4);
  }
}
