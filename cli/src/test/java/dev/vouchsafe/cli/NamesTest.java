package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {
  @ParameterizedTest
  @ValueSource(strings = {"a", "7", "gw-1", "xn--bcher-kva", "a0-b"})
  void takesLowerCaseDnsLabels(String text) {
    assertThat(Names.isLabel(text)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-a", "a-", "A", "a_b", "a.b", "ä", "a b", "a\n", "a\0"})
  void refusesWhatIsNoLabel(String text) {
    assertThat(Names.isLabel(text)).isFalse();
  }

  @Test
  void aLabelHasAtMost63Characters() {
    assertThat(Names.isLabel("a".repeat(63))).isTrue();
    assertThat(Names.isLabel("a".repeat(64))).isFalse();
  }

  @Test
  void aNameIsLabelsWithDotsBetweenThem() {
    assertThat(Names.isName("gw.example")).isTrue();
    assertThat(List.of("gw..example", ".gw", "gw.", "", "gw.Example")).noneMatch(Names::isName);
    assertThat(Names.isName(("a".repeat(62) + ".").repeat(4) + "ab")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "gw-7,gw-7",
    "GW7.Plant.Example,gw7",
    "my_box,my-box",
    "-x-,x",
    "___,gateway",
    "日本,gateway",
    "'',gateway"
  })
  void makesALabelOfAnyHostName(String hostName, String label) {
    assertThat(Names.labelOf(hostName)).isEqualTo(label);
    assertThat(Names.isLabel(label)).isTrue();
  }

  @Test
  void aLongHostNameIsCutToALabel() {
    String label = Names.labelOf("a".repeat(62) + "-bcd");
    assertThat(label).isEqualTo("a".repeat(62));
    assertThat(Names.isLabel(Names.defaultDeviceId())).isTrue();
  }

  @Test
  void findsTheWordThatWasMeant() {
    List<String> known = List.of("workload", "admin", "https");
    assertThat(Names.nearest("workloud", known)).contains("workload");
    assertThat(Names.nearest("http", known)).contains("https");
    assertThat(Names.nearest("zzzzzzzz", known)).isEmpty();
    assertThat(Names.nearest("x", List.of())).isEmpty();
  }
}
