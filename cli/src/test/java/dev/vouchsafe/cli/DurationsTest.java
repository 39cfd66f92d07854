package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
  @ParameterizedTest
  @CsvSource({"90s,90", "15m,900", "1h,3600", "30d,2592000", "0s,0", "999999999d,86399999913600"})
  void readsANumberAndAUnit(String text, long seconds) {
    assertThat(Durations.parse(text)).contains(Duration.ofSeconds(seconds));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1",
        "h",
        "1 h",
        "-1h",
        "1.5h",
        "1y",
        "1H",
        "1h1m",
        "٣h",
        "1h\n",
        "99999999999s"
      })
  void readsNothingElse(String text) {
    assertThat(Durations.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"90s", "15m", "1h", "30d", "7305d", "61m"})
  void writesWhatItReads(String text) {
    assertThat(Durations.parse(text).map(Durations::format)).contains(text);
  }

  @Test
  void tellsALongSpanInDaysAndAShortOneInHours() {
    assertThat(Durations.approximate(Duration.ofHours(49))).isEqualTo("2d 1h");
    assertThat(Durations.approximate(Duration.ofMinutes(61))).isEqualTo("1h 1m");
    assertThat(Durations.approximate(Duration.ofMinutes(-5))).isEqualTo("0h 0m");
  }
}
