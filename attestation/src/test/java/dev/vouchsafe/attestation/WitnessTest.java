package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WitnessTest {
  @TempDir Path folder;

  private static Witness docker(Path socket) {
    return Witness.engine(Witness.Kind.DOCKER, Optional.of(socket));
  }

  @Test
  void aSocketThatIsNotThereIsNamedAndSoIsOneThatIsSwitchedOff() throws Exception {
    Path socket = folder.resolve("docker.sock");
    assertThat(docker(socket).absence()).hasValue("there is no socket " + socket);
    Files.createFile(socket);
    assertThat(docker(socket).absence()).isEmpty();
    assertThat(Witness.engine(Witness.Kind.PODMAN, Optional.empty()).absence())
        .hasValue("[attestation] podman is \"off\"");
  }

  @Test
  void whatIsAskedForSomeoneIsOnlyWhatTheRegistrationHas() {
    Witness docker = docker(folder);
    Witness podman = Witness.engine(Witness.Kind.PODMAN, Optional.empty());
    Witness manager = Witness.systemManager();
    Registration any = Samples.registration("any", "container:name:web");
    Registration one = Samples.registration("one", "container:engine:docker", "container:name:web");
    Registration unit = Samples.registration("unit", "systemd:unit:web.service");
    Registration user = Samples.registration("user", "unix:uid:1");
    assertThat(List.of(any, one, unit, user))
        .extracting(docker::isNamedBy)
        .containsExactly(true, true, false, false);
    assertThat(List.of(any, one, unit, user))
        .extracting(podman::isNamedBy)
        .containsExactly(true, false, false, false);
    assertThat(List.of(any, one, unit, user))
        .extracting(manager::isNamedBy)
        .containsExactly(false, false, true, false);
    assertThat(List.of(any, one, unit, user))
        .extracting(docker::isOnlyEngineOf)
        .containsExactly(false, true, false, false);
  }

  @Test
  void theThreeThatThereAreAreLookedAt() {
    assertThat(Attestors.witnesses(AttestationSettings.defaults()))
        .extracting(Witness::kind)
        .containsExactly(Witness.Kind.values());
  }
}
