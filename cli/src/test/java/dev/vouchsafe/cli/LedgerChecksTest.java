package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code check} says of the ledger's room. */
class LedgerChecksTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"octets\":1048577,\"full\":false}|OK|2 MiB",
        "{\"octets\":1048576,\"mostOctets\":104857600,\"full\":false}|OK|1 MiB of 100 MiB",
        "{\"octets\":90000000,\"mostOctets\":104857600,\"full\":false}|WARN|86 MiB of 100 MiB",
        "{\"octets\":9,\"mostOctets\":104857600,\"full\":true}|FAIL|no certificate is issued"
      })
  void theRoomIsGradedByWhatItMeans(String said, Finding.Status status, String detail)
      throws IOException {
    Finding finding = LedgerChecks.of(Optional.of(Json.read(said))).orElseThrow();
    assertThat(finding.status()).isEqualTo(status);
    assertThat(finding.detail()).contains(detail);
    assertThat(LedgerChecks.of(Optional.empty())).isEmpty();
  }
}
