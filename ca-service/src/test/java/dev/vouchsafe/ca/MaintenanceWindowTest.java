package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The times at which a gateway may be worked on. */
class MaintenanceWindowTest {
  private static MaintenanceWindow window(String text) {
    return MaintenanceWindow.parse(text).orElseThrow();
  }

  /** 2026-11-05 is a Thursday. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "02:00-04:00 | 2026-11-05T01:59:59Z | 2026-11-05T02:00:00Z",
        "02:00-04:00 | 2026-11-05T02:00:00Z | 2026-11-05T02:00:00Z",
        "02:00-04:00 | 2026-11-05T03:59:59.999Z | 2026-11-05T03:59:59.999Z",
        "02:00-04:00 | 2026-11-05T04:00:00Z | 2026-11-06T02:00:00Z",
        "22:00-02:00 | 2026-11-05T01:00:00Z | 2026-11-05T01:00:00Z",
        "22:00-02:00 | 2026-11-05T02:00:00Z | 2026-11-05T22:00:00Z",
        "thu 22:00-02:00 | 2026-11-06T01:00:00Z | 2026-11-06T01:00:00Z",
        "thu 22:00-02:00 | 2026-11-05T01:00:00Z | 2026-11-05T22:00:00Z",
        "Sat,sun 10:00-11:00 | 2026-11-05T10:00:00Z | 2026-11-07T10:00:00Z",
        "fri-mon 10:00-11:00 | 2026-11-09T11:00:00Z | 2026-11-13T10:00:00Z",
        "mon-fri 10:00-11:00 | 2026-11-06T11:00:00Z | 2026-11-09T10:00:00Z",
        "wed 10:00-09:59 | 2026-11-05T09:58:00Z | 2026-11-05T09:58:00Z",
        "thu 10:00-11:00 | 2026-11-05T11:00:00Z | 2026-11-12T10:00:00Z",
      })
  void itOpensOnTheDaysOnWhichItBegins(String text, Instant from, Instant next) {
    assertThat(window(text).next(from)).isEqualTo(next);
    assertThat(window(text).contains(from)).isEqualTo(from.equals(next));
    assertThat(window(text).text()).isEqualTo(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "02:00",
        "2:00-4:00",
        "24:00-25:00",
        "02:00-02:00",
        "02:60-03:00",
        "xyz 02:00-04:00",
        "mon,02:00-04:00",
        "mon  02:00-04:00",
        "mon- 02:00-04:00",
        "02:00-04:00 mon",
        "02:00-04:00\n",
        "mon,,tue 02:00-04:00",
        "0２:00-04:00"
      })
  void whatIsNoneIsRefused(String text) {
    assertThat(MaintenanceWindow.parse(text)).isEmpty();
  }

  @Test
  void whateverIsTypedIsAWindowWithATimeOrNone() {
    Random random = new Random(7);
    String alphabet = "montuewedthufrisatsun0123456789:-, ";
    String valid = "mon-fri,sun 22:30-02:15";
    int parsed = 0;
    for (int round = 0; round < 5_000; round++) {
      StringBuilder text = new StringBuilder(valid);
      for (int change = random.nextInt(3); change >= 0; change--) {
        text.setCharAt(
            random.nextInt(text.length()), alphabet.charAt(random.nextInt(alphabet.length())));
      }
      var window = MaintenanceWindow.parse(text.toString());
      if (window.isPresent()) {
        parsed++;
        Instant from = Instant.ofEpochSecond(random.nextLong(4_000_000_000L));
        Instant next = window.get().next(from);
        assertThat(next).isBetween(from, from.plus(Duration.ofDays(8)));
        assertThat(window.get().contains(next)).isTrue();
      }
    }
    assertThat(parsed).isGreaterThan(100);
  }
}
