package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import java.io.BufferedReader;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A service that is killed at any moment of a move: the old or the new is whole. */
class AuthorityKillTest {
  private static final Module MODULE = new Module("edgeHub", "1");

  @TempDir Path folder;

  private void kill(int rounds) throws Exception {
    byte[] signature;
    try (TestCa ca = TestCa.in(folder)) {
      signature = ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]);
    }
    Map<String, BigInteger> serials = new HashMap<>();
    for (int round = 0; round < rounds; round++) {
      String active = moveUntilKilled(round);
      try (TestCa ca = TestCa.reopened(TestCa.settings(folder))) {
        assertWhole(ca, signature);
        List<AuthorityInfo> devices =
            ca.ca().authorities().stream().filter(it -> it.role() == Role.DEVICE).toList();
        for (AuthorityInfo device : devices) {
          BigInteger serial = device.certificate().getSerialNumber();
          assertThat(serials.putIfAbsent(device.id(), serial))
              .as("no generation was given twice")
              .isIn(null, serial);
        }
        AuthorityInfo now =
            devices.stream().filter(it -> it.state() == State.ACTIVE).findAny().orElseThrow();
        assertThat(generation(now.id()))
            .as("what was said to be active is, or a later one")
            .isGreaterThanOrEqualTo(generation(active));
      }
    }
  }

  private static int generation(String id) {
    return Integer.parseInt(id.substring(id.indexOf('-') + 1));
  }

  private static void assertWhole(TestCa ca, byte[] signature) throws Exception {
    assertThat(ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1])).isEqualTo(signature);
    ca.token(TokensTest.grant("hub"), TokensTest.request("hub"));
    List<X509Certificate> chain =
        TestCa.chain(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)));
    chain.getFirst().verify(chain.getLast().getPublicKey());
    assertThat(ca.ca().prove())
        .extracting(AuthorityProof::outcome)
        .containsOnly(AuthorityProof.Outcome.WORKS);
  }

  /** The authority that it said last was active. */
  private String moveUntilKilled(int round) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                AuthorityMover.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String active = "device-1";
    try (BufferedReader out = process.inputReader()) {
      int seen = 0;
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        active = line.startsWith("activated ") ? line.substring(10) : active;
        seen++;
        if (seen == 1 + round % 4) {
          // A little into the step after it.
          process.waitFor(7L * round % 60, TimeUnit.MILLISECONDS);
          // By its handle, which leaves what it wrote to be read.
          process.toHandle().destroyForcibly();
        }
      }
      assertThat(seen).isPositive();
    } finally {
      process.destroyForcibly().waitFor();
    }
    return active;
  }

  @Test
  void threeKillsLoseNothing() throws Exception {
    kill(3);
  }

  @Tag("fault")
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  @Test
  void fortyKillsLoseNothing() throws Exception {
    kill(40);
  }
}
