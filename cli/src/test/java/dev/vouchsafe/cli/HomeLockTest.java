package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HomeLockTest {
  @TempDir Path folder;

  @BeforeEach
  void makeTheDataFolder() throws IOException {
    Files.createDirectory(home().data());
  }

  private Home home() {
    return Home.at(folder);
  }

  @Test
  void oneServiceAtATimeHoldsAHomeAndTheOtherIsToldWhichProcessDoes() throws Exception {
    try (HomeLock _ = HomeLock.take(home())) {
      assertThatThrownBy(() -> HomeLock.take(home()))
          .isInstanceOf(CommandFailure.class)
          .hasMessageContaining("process " + ProcessHandle.current().pid());
    }
    HomeLock.take(home()).close();
  }

  @Test
  void whoLooksWhetherItIsHeldLeavesTheHomeAsItIs() throws Exception {
    assertThat(HomeLock.isHeld(home())).isFalse();
    assertThat(home().lock()).doesNotExist();
    try (HomeLock _ = HomeLock.take(home())) {
      assertThat(HomeLock.isHeld(home())).isTrue();
    }
    assertThat(HomeLock.isHeld(home())).isFalse();
  }

  @Test
  void aFileLeftByACrashHoldsNobodyUp() throws Exception {
    Files.writeString(home().lock(), "999999\n");
    try (HomeLock _ = HomeLock.take(home())) {
      assertThat(home().lock()).hasContent(ProcessHandle.current().pid() + "\n");
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(home().lock())))
        .startsWith("rw-");
  }

  @Test
  void whatIsWrittenInTheFileIsOnlyBelievedIfItIsANumber() throws Exception {
    try (HomeLock _ = HomeLock.take(home())) {
      Files.writeString(home().lock(), "\u001b[2J evil");
      assertThatThrownBy(() -> HomeLock.take(home()))
          .hasMessage("another service runs on this home; stop it first");
    }
  }
}
