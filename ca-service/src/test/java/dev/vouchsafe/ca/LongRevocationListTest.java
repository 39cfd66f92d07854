package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.security.cert.X509CRL;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A hundred thousand revocations: how long a list takes, how large it is, and who waits for it. */
@Tag("fault")
class LongRevocationListTest {
  private static final int MANY = 100_000;
  private static final int ANSWERS = 2000;
  private static final int LARGEST = 5 * 1024 * 1024;

  @TempDir Path folder;

  private static void revokeMany(TestCa ca) throws Exception {
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
            + MANY
            + ") INSERT INTO revocation(serial, authority, not_after, revoked, reason,"
            + " administrator) SELECT CAST(printf('A%015d', i) AS BLOB), 2, 4000000000,"
            + " 1700000000, 1, 0"
            + " FROM n");
    ca.reopen();
  }

  private static String issued(TestCa ca) throws IssuanceException {
    return ca.issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY)).serial();
  }

  @Test
  void aHundredThousandEntriesAreMadeInSecondsAndIssuingGoesOnMeanwhile() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      revokeMany(ca);
      String serial = issued(ca);
      long begun = System.nanoTime();
      FutureTask<Void> list =
          new FutureTask<>(() -> ((RevocationService) ca.ca().revocations()).look(), null);
      Thread _ = Thread.ofPlatform().daemon().start(list);
      int meanwhile = 0;
      long longest = 0;
      while (!list.isDone()) {
        long asked = System.nanoTime();
        var _ = issued(ca);
        longest = Math.max(longest, System.nanoTime() - asked);
        meanwhile++;
      }
      list.get();
      Duration first = Duration.ofNanos(System.nanoTime() - begun);

      begun = System.nanoTime();
      RevocationResult result = ca.ca().revocations().revoke(Revoking.serials(serial));
      Duration next = Duration.ofNanos(System.nanoTime() - begun);

      RevocationList made = Revoking.list(ca, "device-1");
      System.out.printf(
          "%d entries: %d octets, made in %d ms, while %d certificates were issued in %d ms at"
              + " most; one more in %d ms%n",
          made.entries(),
          made.der().length,
          first.toMillis(),
          meanwhile,
          Duration.ofNanos(longest).toMillis(),
          next.toMillis());
      assertThat(made.entries()).isEqualTo(MANY + 1);
      assertThat(made.der().length).isLessThan(LARGEST);
      assertThat(meanwhile).as("issued while the list was made").isGreaterThan(5);
      assertThat(Duration.ofNanos(longest)).isLessThan(first.dividedBy(2));
      assertThat(result.certificates().getFirst().listed()).isTrue();
      assertThat(next).isLessThan(Duration.ofSeconds(10));
      X509CRL crl = Revoking.crl(ca, "device-1");
      assertThat(crl.getRevokedCertificates()).hasSize(MANY + 1);
      begun = System.nanoTime();
      ca.reopen();
      assertThat(ca.ca().revocations().list("device-1")).isPresent();
      System.out.printf(
          "opened again with its list in %d ms%n",
          Duration.ofNanos(System.nanoTime() - begun).toMillis());
    }
  }

  /** Two thousand answers that are not kept: none reads all that is revoked. */
  @Test
  void anOcspAnswerTakesNoLongerForThem() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      byte[] serial = Octets.unhex(issued(ca)).orElseThrow();
      Duration few = answers(ca, serial);
      revokeMany(ca);

      Duration many = answers(ca, serial);

      System.out.printf(
          "%d answers: %d ms, and %d ms with %d revocations%n",
          ANSWERS, few.toMillis(), many.toMillis(), MANY);
      assertThat(many).isLessThan(few.multipliedBy(3).plusSeconds(2));
    }
  }

  private static Duration answers(TestCa ca, byte[] serial) throws Exception {
    byte[] request = OcspQuestions.of(ca.device(), serial, OcspQuestions.nonce(32));
    long begun = System.nanoTime();
    for (int i = 0; i < ANSWERS; i++) {
      ca.clock.passUnseen(Duration.ofMillis(20));
      var _ = ca.ca().revocations().ocsp(request, "one");
    }
    return Duration.ofNanos(System.nanoTime() - begun);
  }
}
