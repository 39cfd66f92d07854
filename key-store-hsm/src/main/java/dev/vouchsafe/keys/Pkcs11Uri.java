package dev.vouchsafe.keys;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Which token holds the keys, as a PKCS#11 URI (RFC 7512) such as {@code
 * pkcs11:token=gateway;object=vouchsafe?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/vouchsafe/pin}.
 *
 * <p>What is given of {@code token}, {@code serial}, {@code manufacturer}, {@code model} and {@code
 * slot-id} must all fit, and fit one token only. A URI holds no secret: the PIN is in a file.
 *
 * @param token the token's label
 * @param serial the token's serial number; this or the label is given
 * @param manufacturer the token's maker
 * @param model the token's model
 * @param slotId the slot's number, which many libraries change at each start
 * @param object for people: what the labels (CKA_LABEL) of the keys begin with. Given as {@code
 *     object}, or as {@code id}, whose octets are written in hexadecimal digits then; {@code
 *     vouchsafe} otherwise
 * @param modulePath the library's file, absolute
 * @param pinSource the file with the user PIN, absolute: one line of UTF-8, of root or of us, that
 *     its group may read and nobody else
 */
public record Pkcs11Uri(
    Optional<String> token,
    Optional<String> serial,
    Optional<String> manufacturer,
    Optional<String> model,
    OptionalLong slotId,
    String object,
    Path modulePath,
    Path pinSource) {
  public Pkcs11Uri {
    if (token.isEmpty() && serial.isEmpty()) {
      throw new IllegalArgumentException("a PKCS#11 URI needs token=.. or serial=..");
    }
    if (!modulePath.isAbsolute() || !pinSource.isAbsolute()) {
      throw new IllegalArgumentException("module-path and pin-source are absolute paths");
    }
  }

  /**
   * Reads a URI.
   *
   * @throws IllegalArgumentException if it is none, lacks an attribute that we need, or has one
   *     that we don't take; the message names the attribute, and never shows a value that may be a
   *     secret
   */
  public static Pkcs11Uri parse(String text) {
    return Pkcs11UriParser.parse(text);
  }

  /** The token, for people, as the URI names it. */
  String tokenNamed() {
    return token.map(name -> "'" + name + "'").orElse("")
        + (token.isPresent() && serial.isPresent() ? " " : "")
        + serial.map(number -> "(serial " + number + ")").orElse("");
  }
}
