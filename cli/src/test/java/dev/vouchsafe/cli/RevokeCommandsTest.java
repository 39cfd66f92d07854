package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands that take things back, against a service that answers what is wanted. */
class RevokeCommandsTest {
  private static final String SERIAL = "0192f3c1a2b4c6d8e0f1a2b3c4d5e6f7";
  private static final String REVOKED =
      "{\"revoked\":1,\"already\":0,\"items\":[],\"deniedGenerations\":[],"
          + "\"unpublished\":[\"device-1: the key store is away\"]}";

  @TempDir Path folder;

  @BeforeEach
  void makeTheFolderOfTheSockets() throws IOException {
    Files.createDirectory(Home.at(folder).run());
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(folder).run(args);
  }

  @Test
  void whatIsRevokedAndWhatIsNotPublishedYetIsSaid() throws Exception {
    try (FakeService service =
        FakeService.answering(Home.at(folder).adminSocket(), FakeService.json(200, REVOKED))) {
      CliRun.Ended ended =
          run(
              "cert",
              "revoke",
              SERIAL.toUpperCase(java.util.Locale.ROOT),
              "--reason",
              "keyCompromise",
              "-o",
              "json");

      assertThat(ended.code()).as(ended.err()).isZero();
      assertThat(ended.json().path("revoked").asInt()).isEqualTo(1);
      assertThat(ended.err()).contains("not on a list: device-1: the key store is away");
      assertThat(service.request())
          .contains("POST /revocations ")
          .contains("\"serials\":[\"" + SERIAL + "\"]")
          .contains("\"reason\":\"keyCompromise\"");
    }
  }

  @Test
  void anAuthorityIsRevokedAsAWhole() throws Exception {
    try (FakeService service =
        FakeService.answering(Home.at(folder).adminSocket(), FakeService.json(200, REVOKED))) {
      assertThat(run("cert", "revoke", "--authority", "device-1", "--now").code()).isZero();
      assertThat(service.request()).contains("\"authority\":\"device-1\"").contains("\"now\":true");
    }
  }

  @Test
  void aModuleIsAllowedAgain() throws Exception {
    String answer = "{\"module\":\"web\",\"allowed\":[\"1\"]}";
    try (FakeService service =
        FakeService.answering(Home.at(folder).adminSocket(), FakeService.json(200, answer))) {
      assertThat(run("cert", "revoke", "--module", "web", "--allow").code()).isZero();
      assertThat(service.request()).contains("POST /revocations/allow ");
    }
  }

  @Test
  void tokensAreRevokedByTheirIds() throws Exception {
    String answer = "{\"revoked\":2,\"already\":0,\"unpublished\":[]}";
    try (FakeService service =
        FakeService.answering(Home.at(folder).adminSocket(), FakeService.json(200, answer))) {
      String id = SERIAL.substring(5);
      CliRun.Ended ended = run("token", "revoke", id, "0" + id.substring(1));
      assertThat(ended.code()).isZero();
      assertThat(ended.out()).isEqualTo("2 revoked\n");
      assertThat(service.request())
          .contains("{\"ids\":[\"" + id + "\",\"0" + id.substring(1) + "\"]}");
    }
    assertThat(run("token", "revoke", "a").code()).as("asks nobody").isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "404, 1", "409, 1", "400, 1", "403, 3", "503, 4",
  })
  void eachEndingHasItsExitCode(int status, int code) throws Exception {
    String answer = "{\"code\":\"x\",\"detail\":\"said\"}";
    try (FakeService _ =
        FakeService.answering(Home.at(folder).adminSocket(), FakeService.json(status, answer))) {
      assertThat(run("cert", "revoke", SERIAL).code()).isEqualTo(code);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "''",
    "xyz",
    "--generation 1",
    "--module web 0192",
    "--module web --authority device-1",
    "--now --module web",
    "0192 --allow",
    "--module web --allow --reason superseded"
  })
  void aWrongUseIsToldBeforeAnythingIsAsked(String arguments) {
    String[] all = ("cert revoke " + arguments).strip().split(" ", -1);

    assertThat(run(all).code()).isEqualTo(2);
  }

  @Test
  void whichTokensAreRevokedIsReadOrTheTokenIsNotCalledGood() throws Exception {
    Path file = folder.resolve("revoked.json");
    assertThat(RevokedIds.read(file)).isEmpty();
    Files.writeString(
        file, "{\"items\":[{\"id\":\"abc\",\"endsBefore\":\"2026-12-01T12:00:00Z\"}]}");
    assertThat(RevokedIds.read(file)).containsExactly("abc");
    for (String bad : new String[] {"", "[]", "{}", "{\"items\":3}", "{\"items\":[", "nonsense"}) {
      Files.writeString(file, bad);
      assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> RevokedIds.read(file)))
          .as(bad)
          .isInstanceOf(CommandFailure.class);
    }
  }
}
