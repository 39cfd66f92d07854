package dev.vouchsafe.ca.clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vouchsafe.ca.clock.FloorFile.Step;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The file of the floor: whole after every interruption, and believed only if it is ours. */
class FloorFileTest {
  private static final Instant OLD = Instant.parse("2026-12-01T10:00:00Z");
  private static final Instant NEW = Instant.parse("2026-12-01T10:05:00Z");

  @TempDir Path folder;

  private Path path() {
    return folder.resolve("clock");
  }

  private FloorFile file() {
    return new FloorFile(path());
  }

  @Test
  void whatIsWrittenIsReadInWholeSeconds() throws IOException {
    assertThat(file().read()).isEmpty();
    file().write(OLD.plusMillis(999));
    assertThat(file().read()).contains(OLD);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path())))
        .isEqualTo("rw-------");
  }

  @ParameterizedTest
  @EnumSource(Step.class)
  void killedAtAnyStepItHoldsTheOldFloorOrTheNewOneAndCanBeWritten(Step step) throws Exception {
    file().write(OLD);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                FloorWriter.class.getName(),
                path().toString(),
                NEW.toString(),
                step.name())
            .inheritIO()
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    // 128 and the number of SIGKILL: it really was killed at that step.
    assertThat(process.exitValue()).isEqualTo(137);
    assertThat(file().read()).contains(step.compareTo(Step.RENAMED) < 0 ? OLD : NEW);
    file().write(NEW);
    assertThat(file().read()).contains(NEW);
    try (var entries = Files.list(folder)) {
      assertThat(entries).containsExactly(path());
    }
  }

  @Test
  void everyOctetThatIsChangedIsFoundOut() throws IOException {
    file().write(OLD);
    byte[] good = Files.readAllBytes(path());
    for (int i = 0; i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= 1;
      Files.write(path(), bad);
      assertThatThrownBy(() -> file().read()).as("octet %d", i).isInstanceOf(IOException.class);
    }
  }

  @Test
  void whateverElseIsInItIsRefusedAndNothingElseIsThrown() throws IOException {
    file().write(OLD);
    byte[] good = Files.readAllBytes(path());
    Random random = new Random(6);
    for (int round = 0; round < 2000; round++) {
      byte[] bad = new byte[random.nextInt(300)];
      random.nextBytes(bad);
      System.arraycopy(good, 0, bad, 0, Math.min(random.nextInt(good.length), bad.length));
      Files.write(path(), bad);
      assertThatThrownBy(() -> file().read()).isInstanceOf(IOException.class);
    }
    Files.write(path(), new byte[10_000_000]);
    assertThatThrownBy(() -> file().read()).hasMessageContaining("damaged");
    Files.write(
        path(),
        (new String(good, StandardCharsets.US_ASCII) + "\n").getBytes(StandardCharsets.US_ASCII));
    assertThatThrownBy(() -> file().read()).hasMessageContaining("damaged");
  }

  @Test
  void aFileThatOthersCanWriteIsNotBelieved() throws IOException {
    file().write(OLD);
    for (String mode : List.of("rw--w----", "rw-----w-")) {
      Files.setPosixFilePermissions(path(), PosixFilePermissions.fromString(mode));
      assertThatThrownBy(() -> file().read()).hasMessageContaining("written by others");
    }
  }

  @Test
  void aFileOfAnotherUserIsNotBelieved() throws IOException {
    file().write(OLD);
    assumeTrue(Files.getAttribute(path(), "unix:uid").equals(0), "only root gives files away");
    Files.setAttribute(path(), "unix:uid", 65534);
    assertThatThrownBy(() -> file().read()).hasMessageContaining("belongs to user 65534");
    file().write(NEW);
    assertThat(file().read()).contains(NEW);
  }

  @Test
  void aLinkIsNotFollowed() throws IOException {
    Path elsewhere = folder.resolve("elsewhere");
    new FloorFile(elsewhere).write(OLD);
    Files.createSymbolicLink(path(), elsewhere);
    assertThatThrownBy(() -> file().read()).hasMessageContaining("no regular file");
    Files.createSymbolicLink(folder.resolve("clock.new"), elsewhere);
    file().write(NEW);
    assertThat(file().read()).contains(NEW);
    assertThat(new FloorFile(elsewhere).read()).contains(OLD);
  }

  @Test
  void aFolderInItsPlaceIsNotBelieved() throws IOException {
    Files.createDirectory(path());
    assertThatThrownBy(() -> file().read()).hasMessageContaining("no regular file");
  }
}
