package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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

  @Test
  void ofManyWhoAddTheSameAtOnceOneSucceeds() throws Exception {
    int rounds = 20;
    Callable<Integer> writer =
        () -> {
          int added = 0;
          for (int i = 0; i < rounds; i++) {
            try {
              add(Samples.registration("m" + i, "unix:uid:0"));
              added++;
            } catch (RegistrationException e) {
              assertThat(e.code()).isEqualTo("duplicate-name");
            }
          }
          return added;
        };
    try (ExecutorService writers = Executors.newFixedThreadPool(3)) {
      int added = 0;
      for (Future<Integer> result : writers.invokeAll(List.of(writer, writer, writer))) {
        added += result.get();
      }
      assertThat(added).isEqualTo(rounds);
    }
    assertThat(RegistrationFolder.read(folder, Samples.RULES).all()).hasSize(rounds);
    assertThat(folder.toFile().listFiles()).hasSize(rounds);
  }

  @Test
  void nothingIsEverWrittenOver() throws Exception {
    Path file = Files.writeString(folder.resolve("m.toml"), "# somebody's notes\n");
    assertThatThrownBy(() -> add(Samples.registration("m", "unix:uid:0")))
        .satisfies(e -> assertThat(code(e)).isEqualTo("file-exists"));
    assertThat(file).hasContent("# somebody's notes");
    Path target = folder.resolve("elsewhere");
    Files.createSymbolicLink(folder.resolve("n.toml"), target);
    assertThatThrownBy(() -> add(Samples.registration("n", "unix:uid:0")))
        .satisfies(e -> assertThat(code(e)).isEqualTo("file-exists"));
    assertThat(target).doesNotExist();
  }

  @Test
  void aFolderThatOthersMayWriteIsNotWrittenTo() throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> add(Samples.registration("m", "unix:uid:0")))
        .satisfies(e -> assertThat(code(e)).isEqualTo("writable-by-others"));
    assertThatThrownBy(() -> RegistrationFolder.remove(folder, Samples.RULES, "m"))
        .satisfies(e -> assertThat(code(e)).isEqualTo("writable-by-others"));
    assertThat(folder.toFile().listFiles()).isEmpty();
  }

  @Test
  void aFolderThatIsNotThereIsNamed() {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() ->
            RegistrationFolder.add(missing, Samples.RULES, Samples.registration("m", "unix:uid:0")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(missing.toString());
  }

  @Test
  void whatTheRulesDoNotAllowIsNotWritten() {
    Registration good = Samples.registration("m", "unix:uid:0");
    for (Duration ttl : List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofMillis(1500))) {
      assertThatThrownBy(() -> add(with(good, Set.of("identity"), Optional.of(ttl))))
          .isInstanceOf(RegistrationException.class);
    }
    assertThatThrownBy(() -> add(with(good, Set.of("root"), Optional.empty())))
        .satisfies(e -> assertThat(code(e)).isEqualTo("unknown-profile"));
    assertThat(folder.toFile().listFiles()).isEmpty();
  }

  private static Registration with(Registration r, Set<String> profiles, Optional<Duration> ttl) {
    return new Registration(
        r.name(),
        r.generation(),
        r.selectors(),
        profiles,
        r.dns(),
        r.ip(),
        r.spiffePath(),
        ttl,
        r.audiences(),
        r.channels(),
        r.strict());
  }

  @Test
  void theVeryFileIsRemovedAndNotOneThatIsShownAlike() throws Exception {
    Path alike = add(Samples.registration("a b", "unix:uid:0"));
    Path own = folder.resolve("a b.toml");
    Files.writeString(own, RegistrationPrinter.print(Samples.registration("x", "unix:uid:0")));
    RegistrationFolder.remove(folder, Samples.RULES, "x");
    assertThat(own).doesNotExist();
    assertThat(alike).exists();
  }

  @Test
  void aModuleIsFoundAndRemovedBesideFilesWithMistakes() throws Exception {
    Files.writeString(folder.resolve("a.toml"), "x = 1");
    Path file = add(Samples.registration("m", "unix:uid:0"));
    assertThatThrownBy(() -> RegistrationFolder.remove(folder, Samples.RULES, "n"))
        .hasMessageContaining("1 files have mistakes");
    assertThat(RegistrationFolder.remove(folder, Samples.RULES, "m")).isEqualTo(file);
  }
}
