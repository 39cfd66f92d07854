package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Homes that the service must not start from, or must start from in spite of everything. */
class BadHomeTest {
  private static final int FAILED = 1;

  @Test
  void aSecondServiceOnTheSameHomeIsTurnedAway() throws Exception {
    try (GatewayHome home = GatewayHome.initialised();
        RunningGateway first = home.serve()) {
      Programs.Ended second = home.run("serve");
      assertThat(second.exit()).as(second.err()).isEqualTo(FAILED);
      assertThat(second.err()).isNotBlank();
      try (UnixHttp connection = first.connect()) {
        assertThat(connection.get("/v1/trust-bundle").status()).isEqualTo(200);
      }
      assertThat(first.stop()).as("told to stop, it ends well").isZero();
    }
  }

  @Test
  void aSocketPathThatIsAFolderIsNamedAndLeftAlone() throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      Files.createDirectories(home.workloadSocket().resolve("somebody's"));
      refuses(home, home.workloadSocket().toString());
      assertThat(home.workloadSocket().resolve("somebody's")).isDirectory();
    }
  }

  @Test
  void aSocketThatAKilledServiceLeftIsTakenOver() throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      try (RunningGateway gateway = home.serve()) {
        gateway.kill();
        assertThat(home.workloadSocket()).exists();
      }
      try (RunningGateway gateway = home.serve();
          UnixHttp connection = gateway.connect()) {
        assertThat(connection.get("/v1/trust-bundle").status()).isEqualTo(200);
      }
    }
  }

  @Test
  void aSocketPathOver107OctetsIsNamedWithItsLimit() throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      Path deep = home.beside("d".repeat(90)).resolve("home");
      Programs.run("cp", "-a", home.folder().toString(), deep.toString()).done();
      Programs.Ended ended = serveAt(home, deep);
      assertThat(ended.exit()).as(ended.err()).isEqualTo(FAILED);
      assertThat(ended.err()).contains("107");
    }
  }

  private static Programs.Ended serveAt(GatewayHome home, Path folder)
      throws IOException, InterruptedException {
    Map<String, String> environment = new HashMap<>(home.allEnvironment());
    return Programs.run(
        environment,
        List.of(Places.launcher().toString(), "--home", folder.toString(), "serve"),
        "");
  }

  @Test
  void anUnknownConfigurationKeyStopsTheStart() throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      Path file = home.folder().resolve("vouchsafe.toml");
      Files.writeString(file, Files.readString(file) + "\n[lifetimes]\nleafs = \"1h\"\n");
      refuses(home, "leafs");
    }
  }

  @Test
  void aDataFolderOfAnotherVersionIsLeftAlone() throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      Path format = home.data().resolve("format");
      String before = Files.readString(format);
      Files.writeString(format, before.replaceAll("[0-9]+", "99"));
      assertThat(Files.readString(format)).isNotEqualTo(before);
      refuses(home, "99");
    }
  }

  @Test
  void aHomeWithoutItsSealingSecretIsNotMadeAnew() throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      Files.delete(home.folder().resolve("seal.key"));
      refuses(home, "seal.key");
      assertThat(home.folder().resolve("seal.key")).doesNotExist();
    }
  }

  @Test
  void aHomeIsNotInitialisedTwice() throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      byte[] seal = Files.readAllBytes(home.folder().resolve("seal.key"));
      assertThat(home.run("init").exit()).isEqualTo(FAILED);
      assertThat(home.folder().resolve("seal.key")).hasBinaryContent(seal);
    }
  }

  @Test
  void aRegistrationWithATypoStopsThatModuleAndNoOther() throws Exception {
    try (GatewayHome home = GatewayHome.initialised();
        RunningGateway gateway = home.serve()) {
      home.addModule("good", "--profile", "server", "--dns", "good.example");
      Files.writeString(
          home.folder().resolve("registrations.d/bad.toml"),
          """
          [[module]]
          name = "bad"
          selectros = ["unix:uid:%d"]
          profiles = ["server"]
          """
              .formatted(GatewayHome.uid()));
      try (UnixHttp connection = gateway.connect()) {
        String body = "{\"profile\":\"server\"}";
        assertThat(connection.post("/v1/certificates?module=good", body).status()).isEqualTo(201);
        assertThat(connection.post("/v1/certificates?module=bad", body).status()).isEqualTo(403);
      }
    }
  }

  private static void refuses(GatewayHome home, String named)
      throws IOException, InterruptedException {
    Programs.Ended ended = home.run("serve");
    assertThat(ended.exit()).as(ended.err()).isEqualTo(FAILED);
    assertThat(ended.err()).contains(named);
    assertThat(ended.out()).doesNotContain("ready");
  }
}
