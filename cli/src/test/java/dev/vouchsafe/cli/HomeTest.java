package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class HomeTest {
  @Test
  void aFolderHoldsEverything() {
    Home home = Home.at(Path.of("/srv/gw"));
    assertThat(home.configuration()).hasToString("/srv/gw/vouchsafe.toml");
    assertThat(home.registrations()).hasToString("/srv/gw/registrations.d");
    assertThat(home.data()).hasToString("/srv/gw/data");
    assertThat(home.workloadSocket()).hasToString("/srv/gw/run/workload.sock");
    assertThat(home.adminSocket()).hasToString("/srv/gw/run/admin.sock");
    assertThat(home.sealKey()).hasToString("/srv/gw/seal.key");
  }

  @Test
  void withoutAFolderItIsSpreadOverTheSystem() throws CommandFailure {
    Home home = Home.choose(Optional.empty(), Map.of());
    assertThat(home.configuration()).hasToString("/etc/vouchsafe/vouchsafe.toml");
    assertThat(home.registrations()).hasToString("/var/lib/vouchsafe/registrations.d");
    assertThat(home.data()).hasToString("/var/lib/vouchsafe/data");
    assertThat(home.workloadSocket()).hasToString("/run/vouchsafe/workload.sock");
    assertThat(home.sealKey()).hasToString("/etc/vouchsafe/seal.key");
  }

  @Test
  void theGeneratedSealLiesOutsideOfTheData() {
    for (Home home : new Home[] {Home.at(Path.of("/srv/gw")), Home.ofSystem()}) {
      assertThat(home.sealKey().startsWith(home.data())).isFalse();
    }
  }

  @Test
  void theOptionGoesBeforeTheEnvironment() throws CommandFailure {
    Map<String, String> environment = Map.of(Home.VARIABLE, "/srv/b");
    assertThat(Home.choose(Optional.of("/srv/a"), environment))
        .isEqualTo(Home.at(Path.of("/srv/a")));
    assertThat(Home.choose(Optional.empty(), environment)).isEqualTo(Home.at(Path.of("/srv/b")));
    assertThat(Home.choose(Optional.empty(), Map.of(Home.VARIABLE, ""))).isEqualTo(Home.ofSystem());
  }

  @Test
  void aRelativeFolderIsMadeAbsolute() {
    assertThat(Home.at(Path.of("x/../gw")).data())
        .isAbsolute()
        .hasToString(Path.of("gw/data").toAbsolutePath().toString());
  }

  @Test
  void anEmptyOrImpossibleFolderIsWrongUsage() {
    assertThatThrownBy(() -> Home.choose(Optional.of(""), Map.of()))
        .isInstanceOfSatisfying(
            CommandFailure.class, e -> assertThat(e.code()).isEqualTo(ExitCode.USAGE));
    assertThatThrownBy(() -> Home.choose(Optional.of("a\0b"), Map.of()))
        .hasMessageContaining("--home");
  }
}
