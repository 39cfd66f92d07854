package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.security.cert.X509CRL;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A hundred thousand revocations: how long a list takes, how large it is, and who waits for it. */
@Tag("fault")
class LongRevocationListTest {
  private static final int MANY = 100_000;
  private static final int LARGEST = 5 * 1024 * 1024;

  @TempDir Path folder;

  @Test
  void aHundredThousandEntriesAreMadeInSecondsAndIssuingGoesOnMeanwhile() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      ca.ca().close();
      LedgerPeek.execute(
          ca.settings.directory(),
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
              + MANY
              + ") INSERT INTO revocation(serial, authority, not_after, revoked, reason,"
              + " administrator) SELECT CAST(printf('A%015d', i) AS BLOB), 2, 4000000000,"
              + " 1700000000, 1, 0"
              + " FROM n");
      long begun = System.nanoTime();
      ca.reopen();
      ((RevocationService) ca.ca().revocations()).look();
      Duration first = Duration.ofNanos(System.nanoTime() - begun);
      String serial = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY)).serial();

      begun = System.nanoTime();
      RevocationResult result = ca.ca().revocations().revoke(Revoking.serials(serial));
      Duration next = Duration.ofNanos(System.nanoTime() - begun);

      RevocationList list = Revoking.list(ca, "device-1");
      System.out.printf(
          "%d entries: %d octets, opened and made in %d ms, one more in %d ms%n",
          list.entries(), list.der().length, first.toMillis(), next.toMillis());
      assertThat(list.entries()).isEqualTo(MANY + 1);
      assertThat(list.der().length).isLessThan(LARGEST);
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
}
