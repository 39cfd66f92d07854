package dev.vouchsafe.ca;

import java.sql.SQLException;

/** The number that stands for a state in the ledger's file, for ever. */
final class StateCode {
  private StateCode() {}

  /** The two that nearly all rows have are those that SQLite stores in no octets at all. */
  static int of(LedgerEntry.State state) {
    return switch (state) {
      case INTENDED -> 0;
      case ISSUED -> 1;
      case WITHHELD -> 2;
      case FAILED -> 3;
    };
  }

  static LedgerEntry.State state(int code) throws SQLException {
    return switch (code) {
      case 0 -> LedgerEntry.State.INTENDED;
      case 1 -> LedgerEntry.State.ISSUED;
      case 2 -> LedgerEntry.State.WITHHELD;
      case 3 -> LedgerEntry.State.FAILED;
      default -> throw new SQLException("the ledger has a state of number " + code);
    };
  }
}
