package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.io.BufferedReader;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.cert.X509CRL;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that revokes, killed between the ledger, the key and the file: certificates, modules,
 * tokens and device CAs that were said to be revoked are, and modules that were allowed again are
 * not. That a power cut changes nothing of it is tested with the whole service.
 */
class RevocationKillTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.IDENTITY);

  @TempDir Path folder;

  /** All that was acknowledged. */
  private final Map<String, Set<String>> said = new HashMap<>();

  private final Map<String, BigInteger> numbers = new HashMap<>();

  private Set<String> said(String what) {
    return said.computeIfAbsent(what, word -> new HashSet<>());
  }

  private void kill(int rounds) throws Exception {
    TestCa.in(folder).close();
    for (int round = 0; round < rounds; round++) {
      for (String line : revokeUntilKilled(round)) {
        String[] words = line.split(" ", 2);
        said(words[0]).add(words[1]);
      }
      try (TestCa ca = TestCa.reopened(TestCa.settings(folder))) {
        ((RevocationService) ca.ca().revocations()).look();
        assertRevoked(ca);
        assertDenied(ca);
      }
    }
    assertThat(said("serial")).isNotEmpty();
    assertThat(said("module")).isNotEmpty();
    assertThat(said("token")).isNotEmpty();
    assertThat(said("authority")).isNotEmpty();
    assertThat(said("allowed")).isNotEmpty();
  }

  private void assertRevoked(TestCa ca) throws Exception {
    Set<String> listed = new HashSet<>();
    for (AuthorityInfo authority : ca.ca().authorities()) {
      if (ca.ca().revocations().list(authority.id()).isPresent()) {
        X509CRL crl = Revoking.crl(ca, authority.id());
        listed.addAll(Revoking.serials(crl));
        BigInteger number = Revoking.number(crl);
        BigInteger before = numbers.put(authority.id(), number);
        assertThat(before == null || number.compareTo(before) >= 0).isTrue();
      }
    }
    assertThat(listed).containsAll(said("serial"));
    for (String serial : said("serial")) {
      assertThat(ca.ca().revocations().find(serial).orElseThrow().listed()).isTrue();
    }
    assertThat(ca.ca().revocations().distrusted()).containsAll(said("authority"));
    for (AuthorityInfo authority : ca.ca().authorities()) {
      if (said("authority").contains(authority.id())) {
        assertThat(listed)
            .contains(Octets.hex(authority.certificate().getSerialNumber().toByteArray()));
      }
    }
    String tokens = ca.ca().revocations().revokedTokens();
    said("token").forEach(id -> assertThat(tokens).contains(id));
  }

  private void assertDenied(TestCa ca) throws Exception {
    for (String module : said("module")) {
      if (said("allowed").contains(module)) {
        assertThat(ca.issue(RevokerProcess.grant(module), REQUEST).serial()).isNotEmpty();
      } else if (!said("allowing").contains(module)) {
        assertThatThrownBy(() -> ca.issue(RevokerProcess.grant(module), REQUEST))
            .isInstanceOfSatisfying(
                IssuanceException.class,
                e -> assertThat(e.reason()).isEqualTo(Reason.MODULE_REVOKED));
      }
    }
  }

  private List<String> revokeUntilKilled(int round) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                RevokerProcess.class.getName(),
                folder.toString(),
                "k" + round)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> lines = new ArrayList<>();
    try (BufferedReader out = process.inputReader()) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        lines.add(line);
        // So many that each kind of thing is what comes next in some round.
        if (lines.size() == 12 + 3 * round % 14) {
          process.waitFor(3L * round % 40, TimeUnit.MILLISECONDS);
          process.toHandle().destroyForcibly();
        }
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    return lines;
  }

  @Test
  void threeKillsLoseNothingThatWasRevokedOrAllowed() throws Exception {
    kill(3);
  }

  @Tag("fault")
  @Timeout(value = 20, unit = TimeUnit.MINUTES)
  @Test
  void sixtyKillsLoseNothingThatWasRevokedOrAllowed() throws Exception {
    kill(60);
  }
}
