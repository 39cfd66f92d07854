package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderWriterTest {
  @TempDir Path folder;

  private static String code(Throwable e) {
    return ((RegistrationException) e).code();
  }

  private Path add(Registration registration) throws Exception {
    return RegistrationFolder.add(folder, Samples.RULES, registration);
  }

  @Test
  void whatIsAddedReadsTheSame() throws Exception {
    Registration full =
        new Registration(
            "$edge Hub",
            "g-1",
            List.of(Samples.selector("unix:uid:0"), Samples.selector("unix:path:/opt/a \"b\"\\c")),
            Set.of("identity", "server"),
            List.of("*.gateway.local", "gateway.local"),
            List.of("192.168.1.10", "fd00::10"),
            Optional.of("edge/hub"),
            Optional.of(Duration.ofMinutes(90)),
            List.of("hub.example"),
            Set.of(Registration.Channel.UNIX, Registration.Channel.HTTPS),
            false);
    Path file = add(full);
    assertThat(file).isEqualTo(folder.resolve("%24edge%20Hub.toml"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-r--r--");
    RegistrationSet read = RegistrationFolder.read(folder, Samples.RULES);
    assertThat(read.problems()).isEmpty();
    assertThat(read.all()).containsExactly(full);
    assertThat(folder.toFile().listFiles()).containsExactly(file.toFile());
  }

  @Test
  void aNameOrSpiffePathThatIsTakenIsRefused() throws Exception {
    add(Samples.registration("edgeHub", "unix:uid:0"));
    assertThatThrownBy(() -> add(Samples.registration("edgeHub", "unix:uid:0")))
        .satisfies(e -> assertThat(code(e)).isEqualTo("duplicate-name"));
    assertThatThrownBy(() -> add(Samples.registration("$edgeHub", "unix:uid:0")))
        .satisfies(e -> assertThat(code(e)).isEqualTo("duplicate-spiffe"));
  }

  @Test
  void noNameLeadsOutOfTheFolder() throws Exception {
    for (String name : List.of("..", ".", "%2e%2e", "a:b", "x".repeat(128), "%".repeat(128))) {
      Path file = add(Samples.registration(name, "unix:uid:0"));
      assertThat(file.getParent()).isEqualTo(folder);
      assertThat(file.getFileName().toString()).doesNotStartWith(".");
    }
    assertThat(RegistrationFolder.read(folder, Samples.RULES).all()).hasSize(6);
    assertThatThrownBy(() -> add(Samples.registration("../x", "unix:uid:0")))
        .satisfies(e -> assertThat(code(e)).isEqualTo("bad-name"));
  }

  @Test
  void aWeakRegistrationIsNotWritten() throws Exception {
    assertThatThrownBy(() -> add(Samples.registration("m", "unix:path:/usr/bin/curl")))
        .satisfies(e -> assertThat(code(e)).isEqualTo("weak-registration"));
    assertThat(folder.toFile().listFiles()).isEmpty();
  }

  @Test
  void aRegistrationIsRemovedWithItsFileUnlessThatHoldsOthers() throws Exception {
    Path file = add(Samples.registration("m", "unix:uid:0"));
    assertThat(RegistrationFolder.remove(folder, Samples.RULES, "m")).isEqualTo(file);
    assertThat(file).doesNotExist();
    assertThatThrownBy(() -> RegistrationFolder.remove(folder, Samples.RULES, "m"))
        .satisfies(e -> assertThat(code(e)).isEqualTo("unknown-module"));
    String two = RegistrationPrinter.print(Samples.registration("a", "unix:uid:0"));
    two += RegistrationPrinter.print(Samples.registration("b", "unix:uid:0"));
    Path both = Files.writeString(folder.resolve("both.toml"), two);
    assertThatThrownBy(() -> RegistrationFolder.remove(folder, Samples.RULES, "a"))
        .satisfies(e -> assertThat(code(e)).isEqualTo("file-holds-others"));
    assertThat(both).hasContent(two);
  }
}
