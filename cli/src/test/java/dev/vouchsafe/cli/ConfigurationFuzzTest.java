package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;

/** Throws anything at the configuration's parser. */
@Tag("fuzz")
class ConfigurationFuzzTest {
  @FuzzTest(maxDuration = "60s")
  void aTextIsAConfigurationOrANamedMistake(byte[] octets) {
    parse(new String(octets, StandardCharsets.UTF_8));
  }

  /** Nothing but the one exception may come out, and what is taken keeps its promises. */
  static void parse(String text) {
    try {
      Configuration read =
          ConfigurationFile.parse(text, Path.of("f.toml"), Home.at(Path.of("/srv/gw")));
      assertThat(Names.isLabel(read.gateway().deviceId())).isTrue();
      assertThat(read.lifetimes().leaf()).isLessThanOrEqualTo(read.lifetimes().leafCap());
      assertThat(read.listen().workload()).isAbsolute();
    } catch (ConfigurationException e) {
      assertThat(e).hasMessageContaining("f.toml");
    }
  }
}
