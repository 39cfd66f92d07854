package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoField;
import java.util.Locale;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1GeneralizedTime;
import org.bouncycastle.asn1.ASN1UTCTime;
import org.bouncycastle.asn1.BERTags;
import org.bouncycastle.asn1.x509.Time;

/**
 * The two times of a validity (RFC 5280 section 4.1.2.5): UTCTime up to 2049, GeneralizedTime from
 * 2050, in whole seconds. Bouncy Castle goes by way of {@code SimpleDateFormat}, which took a tenth
 * of the processor time of an issuance.
 */
final class ValidityTimes {
  private static final int FIRST_GENERALIZED_YEAR = 2050;
  private static final DateTimeFormatter UTC_TIME =
      DateTimeFormatter.ofPattern("uuMMddHHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter GENERALIZED_TIME =
      DateTimeFormatter.ofPattern("uuuuMMddHHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  private ValidityTimes() {}

  /** A fraction of a second is cut off. */
  static Time encode(Instant instant) {
    boolean generalized =
        instant.atOffset(ZoneOffset.UTC).get(ChronoField.YEAR) >= FIRST_GENERALIZED_YEAR;
    byte[] text =
        (generalized ? GENERALIZED_TIME : UTC_TIME)
            .format(instant)
            .getBytes(StandardCharsets.US_ASCII);
    byte[] der = new byte[2 + text.length];
    der[0] = (byte) (generalized ? BERTags.GENERALIZED_TIME : BERTags.UTC_TIME);
    der[1] = (byte) text.length;
    System.arraycopy(text, 0, der, 2, text.length);
    return new Time(
        generalized ? ASN1GeneralizedTime.getInstance(der) : ASN1UTCTime.getInstance(der));
  }

  /**
   * Reads the octets themselves, since Bouncy Castle's text of a time mends what is missing.
   *
   * @throws IllegalArgumentException if it isn't written in whole seconds and with a {@code Z}
   */
  static Instant decode(Time time) {
    try {
      byte[] der = time.getEncoded(ASN1Encoding.DER);
      String text = new String(der, 2, der.length - 2, StandardCharsets.US_ASCII);
      if (der[0] == BERTags.UTC_TIME) {
        text = (text.charAt(0) < '5' ? "20" : "19") + text;
      }
      return LocalDateTime.parse(text, GENERALIZED_TIME).toInstant(ZoneOffset.UTC);
    } catch (DateTimeParseException | IOException e) {
      throw new IllegalArgumentException("a time is not written as RFC 5280 wants it", e);
    }
  }
}
