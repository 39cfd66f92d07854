package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/** What {@code check} says of the room that the ledger takes. */
final class LedgerChecks {
  private static final String TITLE = "ledger";
  private static final long MIB = 1024L * 1024;

  private LedgerChecks() {}

  /**
   * How the ledger stands.
   *
   * @param ledger what the running service says of it
   */
  static Optional<Finding> of(Optional<JsonNode> ledger) {
    return ledger.map(LedgerChecks::finding);
  }

  private static Finding finding(JsonNode ledger) {
    long octets = ledger.path("octets").asLong();
    long most = ledger.path("mostOctets").asLong();
    String limit = ConfigurationKey.LEDGER_MB.title();
    String taken = mebibytes(octets) + (most == 0 ? "" : " of " + mebibytes(most));
    if (ledger.path("full").asBoolean()) {
      return Finding.fail(
          TITLE,
          taken + ": the limit is reached, so no certificate is issued",
          "raise " + limit + ", or see docs/ledger.md for what makes room");
    }
    if (most > 0 && octets > most / 10 * 8) {
      return Finding.warn(TITLE, taken, "at the limit nothing is issued: raise " + limit);
    }
    return Finding.ok(TITLE, taken);
  }

  private static String mebibytes(long octets) {
    return (octets + MIB - 1) / MIB + " MiB";
  }
}
