package dev.vouchsafe.keys;

/**
 * Which token holds the keys, as a PKCS#11 URI (RFC 7512) such as {@code
 * pkcs11:token=gateway;object=vouchsafe?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/vouchsafe/pin}.
 */
public record Pkcs11Uri() {
  /**
   * Reads a URI.
   *
   * @throws IllegalArgumentException if it is none, lacks an attribute that we need, or has one
   *     that we don't take; the message names the attribute, and never shows a value that may be a
   *     secret
   */
  @SuppressWarnings("DoNotCallSuggester")
  public static Pkcs11Uri parse(String text) {
    throw new UnsupportedOperationException("PKCS#11");
  }
}
