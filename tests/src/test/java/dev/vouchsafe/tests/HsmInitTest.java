package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An init that is killed while it makes keys in a token, and the next one. */
class HsmInitTest {
  private static final int FAILED = 1;
  private static final int UNAVAILABLE = 4;

  /** Two key pairs, and the key that seals. */
  private static final int WHOLE = 5;

  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(1);

  private final GatewayHome home;
  private final SoftHsm hsm;

  HsmInitTest() throws IOException, InterruptedException {
    home = GatewayHome.empty();
    hsm = SoftHsm.beside(home);
  }

  @AfterEach
  void end() throws IOException {
    home.close();
  }

  /** Starts an init and kills it as soon as the token has that many objects. */
  private void killedAt(int objects) throws IOException {
    long before = hsm.objectFiles();
    ProcessBuilder builder =
        new ProcessBuilder(home.command(GatewayHome.initCommand(hsm)))
            .redirectErrorStream(true)
            .redirectOutput(home.beside("logs").resolve("killed.log").toFile());
    builder.environment().putAll(home.allEnvironment());
    Process init = builder.start();
    while (init.isAlive() && hsm.objectFiles() < before + objects) {
      LockSupport.parkNanos(BETWEEN_LOOKS.toNanos());
    }
    init.destroyForcibly().onExit().join();
  }

  private Programs.Ended init() throws IOException, InterruptedException {
    return home.run(GatewayHome.initCommand(hsm));
  }

  private Path stage() {
    return home.folder().resolve(".init");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void whatAKilledInitLeftInTheTokenIsDestroyedByTheNext(int objects) throws Exception {
    killedAt(objects);
    assertThat(home.data()).as("it was killed before it was done").doesNotExist();
    assertThat(stage()).isDirectory();
    List<SoftHsm.StoredObject> left = hsm.objects();
    assertThat(init().exit()).isZero();
    assertThat(hsm.objects()).hasSize(WHOLE).noneMatch(left::contains);
    assertThat(stage()).doesNotExist();
  }

  @Test
  void aTokenThatIsAwayKeepsTheRecordOfWhatIsInItUntilItIsBack() throws Exception {
    killedAt(2);
    hsm.takeOut();
    Programs.Ended ended = init();
    assertThat(ended.exit()).isEqualTo(UNAVAILABLE);
    assertThat(ended.err()).contains("still in the token", stage().toString()).hasLineCount(1);
    assertThat(home.data()).doesNotExist();
    hsm.putIn();
    assertThat(init().exit()).isZero();
    assertThat(hsm.objects()).hasSize(WHOLE);
  }

  @Test
  void aStageWithoutItsConfigurationIsNotThrownAway() throws Exception {
    killedAt(2);
    try (Stream<Path> files = Files.walk(stage())) {
      for (Path toml : files.filter(file -> file.endsWith("vouchsafe.toml")).toList()) {
        Files.delete(toml);
      }
    }
    Programs.Ended ended = init();
    assertThat(ended.exit()).isEqualTo(FAILED);
    assertThat(ended.err())
        .contains("which token or TPM it used can't be read", "remove that folder");
    assertThat(stage()).isNotEmptyDirectory();
  }

  @Test
  void aPinThatWasChangedMeanwhileIsTriedOnce() throws Exception {
    killedAt(2);
    hsm.writePin("not-the-pin", "rw-------");
    Programs.Ended ended = init();
    assertThat(ended.exit()).isEqualTo(FAILED);
    assertThat(ended.err().lines().filter(line -> line.contains("pin-source"))).hasSize(1);
    hsm.writePin(SoftHsm.PIN, "rw-------");
    assertThat(init().exit()).isZero();
    assertThat(hsm.objects()).hasSize(WHOLE);
  }
}
