package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.cert.X509CRL;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that revokes, killed between the ledger, the key and the file. */
class RevocationKillTest {
  @TempDir Path folder;

  private void kill(int rounds) throws Exception {
    TestCa.in(folder).close();
    List<String> acknowledged = new ArrayList<>();
    BigInteger number = BigInteger.ZERO;
    for (int round = 0; round < rounds; round++) {
      acknowledged.addAll(revokeUntilKilled(round));
      try (TestCa ca = TestCa.reopened(TestCa.settings(folder))) {
        ((RevocationService) ca.ca().revocations()).look();
        X509CRL crl = Revoking.crl(ca, "device-1");
        assertThat(Revoking.serials(crl)).containsAll(acknowledged);
        for (String serial : acknowledged) {
          assertThat(ca.ca().revocations().find(serial).orElseThrow().listed()).isTrue();
        }
        assertThat(Revoking.number(crl)).as("no number was used twice").isGreaterThan(number);
        number = Revoking.number(crl);
      }
    }
    assertThat(acknowledged).isNotEmpty();
  }

  private List<String> revokeUntilKilled(int round) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                RevokerProcess.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> revoked = new ArrayList<>();
    try (BufferedReader out = process.inputReader()) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        revoked.add(line);
        if (revoked.size() == 2 + round % 5) {
          process.waitFor(3L * round % 40, TimeUnit.MILLISECONDS);
          process.toHandle().destroyForcibly();
        }
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    return revoked;
  }

  @Test
  void threeKillsLoseNoRevocation() throws Exception {
    kill(3);
  }

  @Tag("fault")
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  @Test
  void fortyKillsLoseNoRevocation() throws Exception {
    kill(40);
  }
}
