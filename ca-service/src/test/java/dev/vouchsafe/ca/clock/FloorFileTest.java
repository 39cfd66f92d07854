package dev.vouchsafe.ca.clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vouchsafe.ca.clock.FloorFile.Kept;
import dev.vouchsafe.ca.clock.FloorFile.Step;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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
import org.junit.jupiter.params.provider.ValueSource;

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
    file().write(OLD.plusMillis(999), false);
    assertThat(file().read()).contains(new Kept(OLD, false));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path())))
        .isEqualTo("rw-------");
  }

  @ParameterizedTest
  @EnumSource(Step.class)
  void killedAtAnyStepItHoldsTheOldFloorOrTheNewOneAndCanBeWritten(Step step) throws Exception {
    file().write(OLD, false);
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
    assertThat(file().read())
        .contains(new Kept(step.compareTo(Step.RENAMED) < 0 ? OLD : NEW, false));
    file().write(NEW, false);
    assertThat(file().read()).contains(new Kept(NEW, false));
    try (var entries = Files.list(folder)) {
      assertThat(entries).containsExactly(path());
    }
  }

  @Test
  void aDoubtIsKeptWithTheFloorAndCannotBeTakenOut() throws IOException {
    file().write(OLD, true);
    assertThat(file().read()).contains(new Kept(OLD, true));
    Files.writeString(path(), Files.readString(path()).replace("doubted\n", ""));
    assertThatThrownBy(() -> file().read()).hasMessageContaining("damaged");
  }

  @Test
  void aFileFromBeforeThereWereDoubtsIsRead() throws IOException {
    Files.writeString(
        path(),
        """
        vouchsafe-clock-floor 1
        floor 2026-12-01T10:00:00Z
        sha256 98bde621fc04d8a2e968887b7e893333a2173771c4de4646a3dd1125dd6bdecc
        """);
    Files.setPosixFilePermissions(path(), PosixFilePermissions.fromString("rw-------"));
    assertThat(file().read()).contains(new Kept(OLD, false));
  }

  @Test
  void aFileThatCannotBeLookedAtIsNotTakenForAbsent() throws IOException {
    Path loop = Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
    assertThatThrownBy(() -> new FloorFile(loop.resolve("clock")).read())
        .isInstanceOf(FileSystemException.class)
        .isNotInstanceOf(NoSuchFileException.class);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyOctetThatIsChangedIsFoundOut(boolean doubted) throws IOException {
    file().write(OLD, doubted);
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
    file().write(OLD, false);
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
    file().write(OLD, false);
    for (String mode : List.of("rw--w----", "rw-----w-")) {
      Files.setPosixFilePermissions(path(), PosixFilePermissions.fromString(mode));
      assertThatThrownBy(() -> file().read()).hasMessageContaining("written by others");
    }
  }

  @Test
  void aFileOfAnotherUserIsNotBelieved() throws IOException {
    file().write(OLD, false);
    assumeTrue(Files.getAttribute(path(), "unix:uid").equals(0), "only root gives files away");
    Files.setAttribute(path(), "unix:uid", 65534);
    assertThatThrownBy(() -> file().read()).hasMessageContaining("belongs to user 65534");
    file().write(NEW, false);
    assertThat(file().read()).contains(new Kept(NEW, false));
  }

  @Test
  void aLinkIsNotFollowed() throws IOException {
    Path elsewhere = folder.resolve("elsewhere");
    new FloorFile(elsewhere).write(OLD, false);
    Files.createSymbolicLink(path(), elsewhere);
    assertThatThrownBy(() -> file().read()).hasMessageContaining("no regular file");
    Files.createSymbolicLink(folder.resolve("clock.new"), elsewhere);
    file().write(NEW, false);
    assertThat(file().read()).contains(new Kept(NEW, false));
    assertThat(new FloorFile(elsewhere).read()).contains(new Kept(OLD, false));
  }

  @Test
  void aFolderInItsPlaceIsNotBelieved() throws IOException {
    Files.createDirectory(path());
    assertThatThrownBy(() -> file().read()).hasMessageContaining("no regular file");
  }
}
