package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How long a leaf lives, and what a clock can do about it. */
class LifetimeTest {
  private static final Instant SECOND = Instant.parse("2026-11-05T10:20:30Z");

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private static CertificateRequest asking(Duration ttl) {
    return new CertificateRequest(
        Profile.SERVER,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(),
        Optional.of(ttl),
        Optional.empty());
  }

  @Test
  void aLeafLivesAnHourUnlessSomethingElseIsSaid() throws Exception {
    IssuedCertificate issued = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER));
    X509Certificate leaf = TestCa.chain(issued).getFirst();

    assertThat(issued.notBefore()).isEqualTo(SECOND.minusSeconds(60));
    assertThat(issued.notAfter()).isEqualTo(SECOND.plusSeconds(3600));
    assertThat(leaf.getNotBefore().toInstant()).isEqualTo(issued.notBefore());
    assertThat(leaf.getNotAfter().toInstant()).isEqualTo(issued.notAfter());
  }

  @ParameterizedTest
  @CsvSource({
    "PT1S, PT1S",
    "PT1.9S, PT1S",
    "PT10M, PT10M",
    "PT720H, PT720H",
    "PT721H, PT720H",
    "PT999999999H, PT720H"
  })
  void aLifetimeOverTheCapIsShortenedAndOthersAreKept(Duration asked, Duration gets)
      throws Exception {
    IssuedCertificate issued = ca.issue(TestCa.grant(), asking(asked));
    assertThat(Duration.between(SECOND, issued.notAfter())).isEqualTo(gets);
  }

  @Test
  void theLongestDurationThereIsDoesNotOverflow() throws Exception {
    IssuedCertificate issued =
        ca.issue(TestCa.grant(), asking(Duration.ofSeconds(Long.MAX_VALUE, 999_999_999)));
    assertThat(Duration.between(SECOND, issued.notAfter())).isEqualTo(Duration.ofDays(30));
  }

  @Test
  void theRegistrationsLifetimeIsDefaultAndLimit() throws Exception {
    Grant tenMinutes = TestCa.grantFor(Duration.ofMinutes(10));
    assertThat(ca.issue(tenMinutes, CertificateRequest.of(Profile.SERVER)).notAfter())
        .isEqualTo(SECOND.plusSeconds(600));
    assertThat(ca.issue(tenMinutes, asking(Duration.ofHours(1))).notAfter())
        .isEqualTo(SECOND.plusSeconds(600));
    assertThat(ca.issue(tenMinutes, asking(Duration.ofMinutes(1))).notAfter())
        .isEqualTo(SECOND.plusSeconds(60));
    assertThat(
            ca.issue(TestCa.grantFor(Duration.ofDays(400)), CertificateRequest.of(Profile.SERVER))
                .notAfter())
        .isEqualTo(SECOND.plus(Duration.ofDays(30)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT0S", "PT-1S", "PT0.999S", "PT-999999999H"})
  void aLifetimeUnderOneSecondIsInvalid(Duration asked) throws Exception {
    Refusals.assertNothingIssued(ca, Reason.REQUEST_INVALID, TestCa.grant(), asking(asked));
  }

  @Test
  void aLeafNeverOutlivesItsIssuer() throws Exception {
    Instant end = ca.device().getNotAfter().toInstant();
    for (Duration left :
        List.of(Duration.ofDays(1), Duration.ofMinutes(1), Duration.ofSeconds(1), Duration.ZERO)) {
      ca.clock.set(end.minus(left));
      IssuedCertificate issued = ca.issue(TestCa.grant(), asking(Duration.ofDays(30)));
      assertThat(issued.notAfter()).isEqualTo(end);
      assertThat(issued.renewAfter()).isBetween(end.minus(left), end);
    }
  }

  @Test
  void afterTheIssuersEndOrBeforeItsBeginNothingIsIssued() throws Exception {
    CertificateRequest request = CertificateRequest.of(Profile.SERVER);
    for (Instant outside :
        List.of(
            ca.device().getNotAfter().toInstant().plusMillis(1),
            ca.device().getNotBefore().toInstant().minusMillis(1),
            Instant.EPOCH,
            Instant.parse("1969-07-20T20:17:40Z"),
            Instant.parse("2200-01-01T00:00:00Z"),
            Instant.MAX,
            Instant.MIN)) {
      ca.clock.set(outside);
      Refusals.assertNothingIssued(ca, Reason.AUTHORITY_UNAVAILABLE, TestCa.grant(), request);
    }
    ca.clock.set(TestCa.NOW);
    assertThat(ca.issue(TestCa.grant(), request).serial()).hasSize(32);
  }

  @Test
  void inTheIssuersFirstSecondsALeafIsNotBackDatedBeforeIt() throws Exception {
    Instant begin = ca.device().getNotBefore().toInstant();
    ca.clock.set(begin);
    assertThat(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).notBefore())
        .isEqualTo(begin);
    ca.clock.set(begin.plusSeconds(59));
    assertThat(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).notBefore())
        .isEqualTo(begin);
    ca.clock.set(begin.plusSeconds(61));
    assertThat(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).notBefore())
        .isEqualTo(begin.plusSeconds(1));
  }

  @Test
  void aDeviceCaNeverOutlivesItsRoot() throws Exception {
    Lifetimes odd =
        new Lifetimes(
            Duration.ofDays(10), Duration.ofDays(730), Duration.ofHours(1), Duration.ofDays(30));
    Path other = folder.resolve("short");
    Files.createDirectory(other);
    try (TestCa shortLived = TestCa.with(TestCa.settings(other, odd, KeyType.EC_P256, 1))) {
      assertThat(shortLived.device().getNotAfter()).isEqualTo(shortLived.root().getNotAfter());
      assertThat(shortLived.issue(TestCa.grant(), asking(Duration.ofDays(30))).notAfter())
          .isEqualTo(shortLived.root().getNotAfter().toInstant());
    }
  }

  @Test
  void aValidityOver2050IsWrittenAsGeneralizedTimeAndReadByOthers() throws Exception {
    Path other = folder.resolve("late");
    Files.createDirectory(other);
    Instant late = Instant.parse("2049-12-31T23:59:00Z");
    try (TestCa inLateYears = TestCa.with(TestCa.settings(other), late)) {
      X509Certificate leaf = inLateYears.leaf(TestCa.grant(), asking(Duration.ofHours(1)));
      assertThat(leaf.getNotAfter().toInstant()).isEqualTo(late.plusSeconds(3600));
      assertThat(inLateYears.root().getNotAfter().toInstant())
          .isAfter(late.plusSeconds(600_000_000));
    }
  }

  @Test
  void renewalIsAboutHalfwayAndNotForAllAtOnce() throws Exception {
    Set<Instant> times = new HashSet<>();
    for (int i = 0; i < 50; i++) {
      IssuedCertificate issued = ca.issue(TestCa.grant(), asking(Duration.ofDays(30)));
      long share = Duration.between(SECOND, issued.renewAfter()).toSeconds();
      assertThat((double) share / Duration.ofDays(30).toSeconds()).isBetween(0.449, 0.551);
      assertThat(issued.renewAfter())
          .isEqualTo(issued.renewAfter().truncatedTo(ChronoUnit.SECONDS));
      times.add(issued.renewAfter());
    }
    assertThat(times).hasSizeGreaterThan(40);
  }

  @Test
  void serialNumbersAreOrderedByTimeAndAlwaysSixteenPositiveOctets() {
    Serials serials = new Serials();
    byte[] last = new byte[16];
    for (Instant time :
        List.of(
            Instant.parse("1900-01-01T00:00:00Z"),
            Instant.EPOCH.plusMillis(1),
            Instant.parse("1999-01-01T00:00:00Z"),
            TestCa.NOW,
            TestCa.NOW.plusMillis(1),
            Instant.parse("4000-01-01T00:00:00Z"))) {
      byte[] serial = serials.next(time);
      assertThat(Serials.isOurs(serial)).isTrue();
      assertThat(new BigInteger(serial).toByteArray()).isEqualTo(serial);
      assertThat(Arrays.compareUnsigned(serial, last)).isPositive();
      last = serial;
    }
    assertThat(Serials.timeOf(serials.next(TestCa.NOW))).isEqualTo(TestCa.NOW);
  }
}
