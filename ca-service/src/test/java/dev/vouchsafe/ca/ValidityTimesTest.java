package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Date;
import java.util.Random;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1UTCTime;
import org.bouncycastle.asn1.DERGeneralizedTime;
import org.bouncycastle.asn1.DERUTCTime;
import org.bouncycastle.asn1.x509.Time;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our encoding of times is Bouncy Castle's, octet for octet. */
class ValidityTimesTest {
  private static void assertSame(Instant instant) throws Exception {
    Time theirs = new Time(Date.from(instant));
    Time ours = ValidityTimes.encode(instant);
    assertThat(ours.getEncoded(ASN1Encoding.DER))
        .as("%s", instant)
        .isEqualTo(theirs.getEncoded(ASN1Encoding.DER));
    assertThat(ValidityTimes.decode(theirs)).isEqualTo(instant);
    assertThat(ValidityTimes.decode(ours)).isEqualTo(instant);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1970-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "2000-01-01T00:00:00Z",
        "2028-02-29T12:00:00Z",
        "2049-12-31T23:59:59Z",
        "2050-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z"
      })
  void theEdgesOfTheTwoKindsAreThoseOfBouncyCastle(String instant) throws Exception {
    assertSame(Instant.parse(instant));
  }

  @Test
  void thousandsOfTimesAreThoseOfBouncyCastle() throws Exception {
    Random random = new Random(5);
    for (int i = 0; i < 3000; i++) {
      assertSame(Instant.ofEpochSecond(random.nextLong(4_000_000_000L)));
    }
  }

  @Test
  void aFractionOfASecondIsCutOff() {
    assertThat(
            ValidityTimes.decode(ValidityTimes.encode(Instant.parse("2026-11-23T01:02:03.999Z"))))
        .isEqualTo("2026-11-23T01:02:03Z");
  }

  @Test
  void aTimeThatIsWrittenInAnotherWayIsNotRead() {
    for (ASN1UTCTime time :
        new ASN1UTCTime[] {
          new DERUTCTime("2611230102Z"),
          new DERUTCTime("261123010203+0100"),
          new DERUTCTime("2611230102+0100")
        }) {
      assertThatThrownBy(() -> ValidityTimes.decode(new Time(time)))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(
            () -> ValidityTimes.decode(new Time(new DERGeneralizedTime("20501123010203.5Z"))))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
