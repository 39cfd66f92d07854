package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HomeFormatTest {
  @TempDir Path folder;

  private Home home() {
    return Home.at(folder);
  }

  private void write(byte[] content) throws IOException {
    Files.createDirectories(home().data());
    Files.write(home().format(), content);
  }

  @Test
  void theVersionOfThisProgramIsTaken() throws IOException {
    write("1\n".getBytes(StandardCharsets.UTF_8));
    assertThatCode(() -> HomeFormat.require(home())).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(strings = {"2\n", "0", "", "1.1", "11", "one"})
  void anyOtherVersionIsLeftAlone(String version) throws IOException {
    write(version.getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(() -> HomeFormat.require(home()))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining("is of version")
        .hasMessageContaining("nothing was changed");
  }

  @Test
  void garbageIsAnUnknownVersion() throws IOException {
    write(new byte[] {(byte) 0xff, (byte) 0xfe});
    assertThatThrownBy(() -> HomeFormat.require(home())).hasMessageContaining("version unknown");
    write(new byte[100_000]);
    assertThatThrownBy(() -> HomeFormat.require(home())).hasMessageContaining("version unknown");
  }

  @Test
  void aMissingHomeAndAMissingVersionAreToldApart() throws IOException {
    assertThatThrownBy(() -> HomeFormat.require(home())).hasMessageContaining("vouchsafe init");
    Files.createDirectory(home().data());
    assertThatThrownBy(() -> HomeFormat.require(home()))
        .hasMessageContaining("format is missing")
        .hasMessageContaining("restore");
  }
}
