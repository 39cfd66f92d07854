package dev.vouchsafe.keys;

import java.util.HexFormat;

/**
 * The Name of an object in a TPM (TPM 2.0 Library, part 1, section 16): an algorithm's id and a
 * hash of the public area, so that two objects of one Name are one.
 *
 * @param hex lower-case digits, two an octet; it is no secret
 */
record TpmName(String hex) {
  /** None is known. */
  static final TpmName NONE = new TpmName("");

  static TpmName of(byte[] octets) {
    return new TpmName(HexFormat.of().formatHex(octets));
  }

  byte[] octets() {
    return HexFormat.of().parseHex(hex);
  }

  @Override
  public String toString() {
    return hex;
  }
}
