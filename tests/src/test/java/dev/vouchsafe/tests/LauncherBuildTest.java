package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A clean clone builds at the launcher's first start: nothing that only tests make is needed. */
class LauncherBuildTest {
  @TempDir Path folder;

  /** Without compiling, which the build around this test has done: it is about what is needed. */
  @Test
  @Timeout(200)
  void theLauncherFindsAllItNeedsInACleanClone() throws Exception {
    LauncherBuild.run(folder, 180, "-Dmaven.main.skip=true");
    assertThat(folder.resolve("cli/target/dist")).isDirectory();
  }
}
