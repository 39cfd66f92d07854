package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** What people are told of gaps. */
class GapTextTest {
  private static final Instant NOW = Instant.parse("2026-12-01T00:00:00Z");

  private static JsonNode gaps(String end, boolean open, String more) throws IOException {
    return Json.read(
            "{\"gaps\":[{\"backup\":\"ab\",\"known\":\"2026-11-01T00:00:00Z\",\"restored\":"
                + "\"2026-11-02T00:00:00Z\",\"latestEnd\":\""
                + end
                + "\",\"open\":"
                + open
                + more
                + "}]}")
        .path("gaps");
  }

  @Test
  void anOpenGapIsAFailureWithTheNextStepHoweverOldItIs() throws IOException {
    JsonNode gaps = gaps("2020-01-01T00:00:00Z", true, "");
    assertThat(GapText.isOpen(gaps)).isTrue();
    Finding finding = GapText.finding(gaps, NOW).orElseThrow();
    assertThat(finding.status()).isEqualTo(Finding.Status.FAIL);
    assertThat(GapText.lines(gaps, NOW)).singleElement().asString().startsWith("gap: what was");
    assertThat(finding.detail())
        .as("beside its title")
        .startsWith("what was issued from ")
        .contains("2026-11-01T00:00:00Z to 2026-11-02T00:00:00Z", "nothing is issued");
    assertThat(finding.advice()).hasValue("`vouchsafe restore --accept-gap`");
    Finding wanted =
        GapText.finding(
                gaps("2027-01-01T00:00:00Z", true, ",\"wanted\":\"2026-11-03T00:00:00Z\""), NOW)
            .orElseThrow();
    assertThat(wanted.detail()).contains("no new device CA could be made");
    assertThat(wanted.advice().orElseThrow()).contains("root's key store");
  }

  @Test
  void anAcceptedGapIsAWarningForAsLongAsCertificatesFromItMayLive() throws IOException {
    Finding finding = GapText.finding(gaps("2026-12-01T00:00:01Z", false, ""), NOW).orElseThrow();
    assertThat(finding.status()).isEqualTo(Finding.Status.WARN);
    assertThat(GapText.finding(gaps("2026-12-01T00:00:00Z", false, ""), NOW)).isEmpty();
    assertThat(GapText.finding(gaps("no time\\u001b[31m", false, ""), NOW).orElseThrow().detail())
        .contains("no time?[31m");
    assertThat(GapText.finding(Json.read("{\"gaps\":[]}").path("gaps"), NOW)).isEmpty();
    assertThat(GapText.isOpen(Json.read("{}").path("gaps"))).isFalse();
  }
}
