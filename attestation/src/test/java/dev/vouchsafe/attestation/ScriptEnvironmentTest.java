package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Environments in which a trusted script would not be all that runs. */
class ScriptEnvironmentTest {
  @TempDir Path folder;

  @BeforeEach
  void open() throws IOException {
    assumeTrue(Samples.uid() == 0, "only root has folders of root's");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static @Nullable String doubt(String... variables) {
    return ScriptEnvironment.doubt(new Scratch(), List.of(variables));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "LD_PRELOAD=x",
        "LD_AUDIT=x",
        "LD_LIBRARY_PATH=x",
        "GLIBC_TUNABLES=x",
        "GCONV_PATH=x",
        "LOCPATH=x",
        "NLSPATH=x",
        "MALLOC_TRACE=x",
        "TMPDIR=/tmp",
        "LC_ALL=../x",
        "LANG=/tmp/x",
        "LANGUAGE=../../tmp/x",
        "TZ=/tmp/x",
        "TZ=:/tmp/x",
        "TZ=Europe/../../x",
        "BASH_ENV=x",
        "BASH_LOADABLES_PATH=x",
        "BASH_FUNC_read%%=() { :; }",
        "BASHOPTS=extdebug",
        "SHELLOPTS=xtrace",
        "ENV=x",
        "PS4=$(x)",
        "CDPATH=/tmp",
        "IFS=/",
        "harmless=() { :; }; x",
        "JAVA_TOOL_OPTIONS=-javaagent:x",
        "JDK_JAVA_OPTIONS=x",
        "_JAVA_OPTIONS=x",
        "OPENJ9_JAVA_OPTIONS=x",
        "IBM_JAVA_OPTIONS=x",
        "CLASSPATH=x",
        "LD_PRELOAD",
      })
  void whatInterpretersLoadersAndLibrariesTakeMoreCodeFromIsFound(String variable) {
    assertThat(doubt("HOME=/", variable)).contains(variable.replaceFirst("=.*", ""));
  }

  @Test
  void theValueOfAVariableIsNotTold() {
    assertThat(doubt("BASH_ENV=/home/secret")).contains("BASH_ENV").doesNotContain("secret");
  }

  @Test
  void variablesOfTheModulesOwnAreNoHindrance() {
    assertThat(
            doubt(
                "IOTEDGE_WORKLOADURI=unix:///run/workload.sock",
                "DATABASE_URL=x://y",
                "LANG=de_DE.UTF-8",
                "LC_ALL=C",
                "TZ=Europe/Berlin",
                "HOME=/home/module",
                "USER=module",
                "SHLVL=1",
                "_=/usr/bin/env",
                "no value",
                "",
                "PATH=/usr/bin:/bin"))
        .isNull();
    assertThat(doubt()).isNull();
  }

  @Test
  void aPathLeadsThroughFoldersOfRootsOnly() throws Exception {
    Path open = Files.createDirectory(folder.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    Path nowhere = Files.createSymbolicLink(folder.resolve("link"), open.resolve("missing"));
    for (String path :
        List.of(
            "/usr/bin:" + open,
            "/usr/bin:",
            ":/usr/bin",
            "",
            "bin",
            "./bin",
            "/tmp",
            open + "/missing",
            open + "/..",
            "" + nowhere,
            nowhere + "/deeper",
            "/" + "a".repeat(5000),
            "/bin:".repeat(10) + "x",
            "/a:/b:/c:/d:/e:/f:/g:/h:/i:/j:/k:/l:/m:/n:/o:/p:/q:/r:/s:/t:/u:/v:/w:/x:/y:/z:/A:/B:/C:/D"
                + ":/E:/F:/G:/H")) {
      assertThat(doubt("PATH=" + path)).as(path).contains("PATH");
    }
    for (String path : List.of("/usr/bin:/bin", "/bin:/not-there/at-all", "" + folder)) {
      assertThat(doubt("PATH=" + path)).as(path).isNull();
    }
  }
}
