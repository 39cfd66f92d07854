package dev.vouchsafe.ca;

import java.nio.file.Path;

/** A process that opens a ledger and keeps it until it is killed. */
final class LedgerHolder {
  private LedgerHolder() {}

  public static void main(String[] arguments) throws Exception {
    try (Ledger ledger = Ledger.open(Path.of(arguments[0]))) {
      System.out.println(ledger.authorities().isEmpty() ? "held" : "held with authorities");
      System.in.read();
    }
  }
}
