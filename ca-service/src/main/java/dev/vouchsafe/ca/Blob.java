package dev.vouchsafe.ca;

/** Octets of a row of the ledger, which nobody can change. */
final class Blob {
  private final byte[] octets;

  Blob(byte[] octets) {
    this.octets = octets.clone();
  }

  byte[] octets() {
    return octets.clone();
  }
}
