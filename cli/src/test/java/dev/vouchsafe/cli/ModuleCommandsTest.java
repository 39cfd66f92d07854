package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModuleCommandsTest {
  @TempDir Path folder;

  @BeforeEach
  void makeAHomeWithoutKeys() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.createDirectory(
        home().registrations(),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    Files.writeString(
        home().configuration(), "[gateway]\ndevice-id = \"gw1\"\ntrust-domain = \"gw1.example\"\n");
    Files.setPosixFilePermissions(
        home().configuration(), PosixFilePermissions.fromString("rw-r--r--"));
  }

  private Home home() {
    return Home.at(folder);
  }

  private CliRun.Ended module(String... args) {
    return CliRun.at(folder)
        .run(Stream.concat(Stream.of("module"), Stream.of(args)).toArray(String[]::new));
  }

  @Test
  void alternativesAndExclusionsAreShownAsTheyAreRead() throws IOException {
    CliRun.Ended added =
        module("add", "web", "--selector", "unix:uid:1001", "--not", "container:label:stage=test");
    assertThat(added.err()).isEmpty();
    Path file = home().registrations().resolve("web.toml");
    String any = "any = [[\"unix:gid:5\"], [\"container:name:web\", \"unix:gid:6\"]]\n";
    Files.writeString(file, Files.readString(file) + any);
    assertThat(module("list").out())
        .contains(
            "unix:uid:1001 any(unix:gid:5 | container:name:web unix:gid:6)"
                + " not(container:label:stage=test)");
    JsonNode shown = module("show", "web", "-o", "json").json();
    assertThat(shown.path("any").get(1).get(0).asText()).isEqualTo("container:name:web");
    assertThat(shown.path("not").get(0).asText()).isEqualTo("container:label:stage=test");
    assertThat(module("add", "x", "--selector", "unix:uid:1", "--not", "unix:uid:1").err())
        .contains("never-matches");
  }

  @Test
  void whatIsAddedIsListedShownAndRemoved() throws IOException {
    CliRun.Ended added =
        module(
            "add",
            "web",
            "--selector",
            "unix:uid:1001",
            "--selector",
            "unix:path:/bin/sh",
            "--profile",
            "server",
            "--profile",
            "identity",
            "--dns",
            "Gateway.Example",
            "--ip",
            "192.0.2.1",
            "--ttl",
            "10m",
            "--generation",
            "7",
            "--spiffe",
            "front/web",
            "--audience",
            "hub.example");
    assertThat(added.err()).isEmpty();
    assertThat(added.code()).isZero();
    assertThat(home().registrations().resolve("web.toml")).exists();

    assertThat(module("list").out()).contains("web", "7", "identity,server", "unix:uid:1001");
    CliRun.Ended shown = module("show", "web", "-o", "json");
    assertThat(shown.json().path("selectors")).hasSize(2);
    assertThat(shown.json().path("dns").get(0).asText()).isEqualTo("gateway.example");
    assertThat(shown.json().path("ip").get(0).asText()).isEqualTo("192.0.2.1");
    assertThat(shown.json().path("ttl").asText()).isEqualTo("10m");
    assertThat(shown.json().path("generation").asText()).isEqualTo("7");
    assertThat(shown.json().path("spiffe").asText()).isEqualTo("front/web");
    assertThat(shown.json().path("audiences").toString()).isEqualTo("[\"hub.example\"]");
    assertThat(module("show", "web").out()).contains("selectors   unix:uid:1001 unix:path:/bin/sh");

    assertThat(module("remove", "web").code()).isZero();
    JsonNode left = module("list", "-o", "json").json().path("items");
    assertThat(left).hasSize(1);
    assertThat(left.get(0).path("name").asText()).isEqualTo("device");
    assertThat(left.get(0).path("builtIn").asBoolean()).isTrue();
    assertThat(home().registrations().resolve("web.toml")).doesNotExist();
  }

  @Test
  void whatIsNotGivenHasItsDefault() throws IOException {
    assertThat(
            module("add", "web", "--selector", "unix:uid:1", "-o", "json")
                .json()
                .path("file")
                .asText())
        .endsWith("web.toml");
    CliRun.Ended shown = module("show", "web", "-o", "json");
    assertThat(shown.json().path("generation").asText()).isEqualTo("1");
    assertThat(shown.json().path("profiles").toString()).isEqualTo("[\"identity\"]");
    assertThat(shown.json().path("spiffe").asText()).isEqualTo("web");
    assertThat(shown.json().has("ttl")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "web,unix:path:/bin/sh,weak-registration",
    "web,unix:uid,selector",
    "a/b,unix:uid:1,name",
    "web,unix:frob:1,selector"
  })
  void aRegistrationThatBreaksARuleIsNotWritten(String name, String selector, String said)
      throws IOException {
    CliRun.Ended ended = module("add", name, "--selector", selector);
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains(said).hasLineCount(1);
    assertThat(home().registrations()).isEmptyDirectory();
  }

  @Test
  void aNameIsTakenOnce() {
    module("add", "web", "--selector", "unix:uid:1");
    CliRun.Ended again = module("add", "web", "--selector", "unix:uid:2");
    assertThat(again.code()).isEqualTo(1);
    assertThat(module("show", "web").out()).contains("unix:uid:1").doesNotContain("unix:uid:2");
  }

  @Test
  void aRemovalSaysWhatItDeleted() throws IOException {
    module("add", "web", "--selector", "unix:uid:1");
    assertThat(module("remove", "web", "-o", "json").json().path("removed").asText())
        .endsWith("web.toml");
    module("add", "web", "--selector", "unix:uid:1");
    assertThat(module("remove", "web").out()).contains("removed web: deleted ");
  }

  @ParameterizedTest
  @CsvSource({"0s", "1", "forever"})
  void aLifetimeThatIsNoneIsWrongUsage(String ttl) {
    CliRun.Ended ended = module("add", "web", "--selector", "unix:uid:1", "--ttl", ttl);
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.err()).contains("--ttl");
  }

  @Test
  void aModuleThatIsNotThereIsNamedWithTheNearestOne() {
    module("add", "frontend", "--selector", "unix:uid:1");
    assertThat(module("show", "fronted").err()).contains("fronted").contains("nearest: frontend");
    assertThat(module("env", "nothing").code()).isEqualTo(1);
    assertThat(module("remove", "nothing").code()).isEqualTo(1);
  }

  @Test
  void aFileThatIsNotTakenIsNamedAndTheOthersAreListed() throws IOException {
    module("add", "web", "--selector", "unix:uid:1");
    Path bad = home().registrations().resolve("bad.toml");
    Files.writeString(bad, "[[module]]\nname = \"bad\"\nselektors = []\n");
    Files.setPosixFilePermissions(bad, PosixFilePermissions.fromString("rw-r--r--"));
    CliRun.Ended listed = module("list");
    assertThat(listed.code()).isZero();
    assertThat(listed.out()).contains("web");
    assertThat(listed.err()).contains("unknown-key").contains("selektors");
    assertThat(module("list", "-o", "json").json().path("problems").get(0).path("code").asText())
        .isEqualTo("unknown-key");
  }

  @Test
  void withoutAHomeItSaysWhatToDo() {
    CliRun.Ended ended = CliRun.at(folder.resolve("none")).run("module", "list");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("vouchsafe init");
  }

  @Test
  void theEnvironmentIsWhatAModuleReads() throws IOException {
    module("add", "mod 1$x", "--selector", "unix:uid:1", "--generation", "g'7");
    CliRun.Ended ended = module("env", "mod 1$x", "--gateway", "gw1.plant.example");
    assertThat(ended.code()).isZero();
    Process shell =
        new ProcessBuilder(
                "/bin/sh",
                "-c",
                "set -a; eval \"$1\"; env | grep ^IOTEDGE_ | sort",
                "sh",
                ended.out())
            .start();
    assertThat(new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .isEqualTo(
            """
            IOTEDGE_APIVERSION=2022-08-03
            IOTEDGE_AUTHSCHEME=sasToken
            IOTEDGE_DEVICEID=gw1
            IOTEDGE_GATEWAYHOSTNAME=gw1.plant.example
            IOTEDGE_IOTHUBHOSTNAME=gw1.example
            IOTEDGE_MODULEGENERATIONID=g'7
            IOTEDGE_MODULEID=mod 1$x
            IOTEDGE_WORKLOADURI=unix://%s
            """
                .formatted(home().workloadSocket()));
    assertThat(module("env", "mod 1$x", "-o", "json").json().path("IOTEDGE_MODULEID").asText())
        .isEqualTo("mod 1$x");
  }

  @Test
  void theEnvironmentNamesTheSpiffeSocketToWhoeverHasASpiffeId() {
    module("add", "web", "--selector", "unix:uid:1");
    module("add", "mod 1$x", "--selector", "unix:uid:1");
    assertThat(module("env", "web").out())
        .contains("SPIFFE_ENDPOINT_SOCKET=unix://" + home().spiffeSocket());
    assertThat(module("env", "mod 1$x").out()).doesNotContain("SPIFFE");
  }
}
