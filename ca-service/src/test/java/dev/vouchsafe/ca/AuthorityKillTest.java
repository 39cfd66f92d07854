package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.BufferedReader;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A service that is killed at any moment of any step with device CA or root, in a process of its
 * own: what it said it had done is done, what it was at is whole or undone, and it goes on.
 */
class AuthorityKillTest {
  private static final Module MODULE = new Module("edgeHub", "1");

  /** Each start reads all that there ever were. */
  private static final int ROUNDS_OF_ONE_HOME = 40;

  @TempDir Path folder;

  private final Map<String, BigInteger> generations = new HashMap<>();
  private final Map<String, Integer> interrupted = new HashMap<>();

  private void kill(int rounds, long seed) throws Exception {
    Random random = new Random(seed);
    for (int left = rounds; left > 0; left -= ROUNDS_OF_ONE_HOME) {
      Path home = Files.createDirectory(folder.resolve("home-" + left));
      killOften(home, Math.min(left, ROUNDS_OF_ONE_HOME), random);
    }
  }

  private void killOften(Path home, int rounds, Random random) throws Exception {
    generations.clear();
    byte[] signature;
    try (TestCa ca = TestCa.in(home)) {
      signature = ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]);
      var _ =
          TrustBundleStore.create(
              home.resolve("bundle.json"), Duration.ofHours(1), List.of(ca.root()));
    }
    for (int round = 0; round < rounds; round++) {
      List<String> said = moveUntilKilled(home, random);
      try (TestCa ca = TestCa.reopened(TestCa.settings(home))) {
        ca.reopen(AuthorityMover.bundle(home, ca.clock));
        assertWhole(ca, home, signature);
        assertKept(ca, said);
      }
    }
  }

  /** What it said on its way to its end. */
  private static List<String> moveUntilKilled(Path home, Random random) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                AuthorityMover.class.getName(),
                home.toString(),
                String.valueOf(random.nextLong()))
            .redirectError(home.resolve("mover.log").toFile())
            .start();
    int lines = 1 + random.nextInt(8);
    List<String> said = new ArrayList<>();
    try (BufferedReader out = process.inputReader()) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        said.add(line);
        if (said.size() == lines) {
          // A little into what comes after it.
          process.waitFor(random.nextInt(40_000), TimeUnit.MICROSECONDS);
          // By its handle, which leaves what it wrote to be read.
          process.toHandle().destroyForcibly();
        }
      }
      assertThat(process.waitFor())
          .as("it was killed, and ended by nothing else: " + mover(home))
          .isEqualTo(137);
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertThat(said).as(mover(home)).hasSizeGreaterThanOrEqualTo(lines);
    return said;
  }

  private static String mover(Path home) throws java.io.IOException {
    return Files.readString(home.resolve("mover.log"));
  }

  private static void assertWhole(TestCa ca, Path home, byte[] signature) throws Exception {
    assertThat(ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1])).isEqualTo(signature);
    ca.token(TokensTest.grant("hub"), TokensTest.request("hub"));
    List<X509Certificate> chain =
        TestCa.chain(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)));
    chain.get(0).verify(chain.get(1).getPublicKey());
    chain.get(1).verify(ca.root().getPublicKey());
    assertThat(ca.ca().prove())
        .extracting(AuthorityProof::outcome)
        .containsOnly(AuthorityProof.Outcome.WORKS);
    List<X509Certificate> published =
        ca.ca().authorities().stream()
            .filter(it -> it.role() == Role.ROOT)
            .filter(it -> it.state() != State.RETIRED && it.state() != State.PREPARED)
            .map(AuthorityInfo::certificate)
            .toList();
    assertThat(
            TrustBundleStore.open(home.resolve("bundle.json"), Duration.ofHours(1))
                .current()
                .roots())
        .containsExactlyInAnyOrderElementsOf(published);
    assertThat(RotationModel.of(ca.ca()).moves()).as("not stuck").isNotEmpty();
  }

  private void assertKept(TestCa ca, List<String> said) throws Exception {
    for (AuthorityInfo authority : ca.ca().authorities()) {
      BigInteger serial = authority.certificate().getSerialNumber();
      assertThat(generations.putIfAbsent(authority.id(), serial))
          .as("no generation was given twice")
          .isIn(null, serial);
    }
    List<RotationEvent> journal = ca.ca().changes().standing().journal();
    assertThat(journal)
        .extracting(RotationEvent::outcome)
        .doesNotContain(RotationEvent.Outcome.BEGUN);
    long taken = said.stream().filter(line -> line.startsWith("taken ")).count();
    assertThat(journal.stream().filter(it -> it.outcome() == RotationEvent.Outcome.DONE).count())
        .as("what was said to be done is, in " + journal)
        .isGreaterThanOrEqualTo(Math.min(taken, journal.size() - 1));
    for (String line : said) {
      if (line.startsWith("issued ")) {
        assertThat(ca.ca().certificate(line.substring(7)))
            .hasValueSatisfying(
                entry -> assertThat(entry.state()).isNotEqualTo(LedgerEntry.State.FAILED));
      }
    }
    if (journal.getFirst().outcome() == RotationEvent.Outcome.INTERRUPTED) {
      RotationEvent cut = journal.getFirst();
      interrupted.merge(cut.step() + " " + cut.role(), 1, Integer::sum);
    }
  }

  @Test
  void aFewKillsLoseNothing() throws Exception {
    kill(4, 1);
  }

  /** And enough of them for one in the middle of each kind of step that takes a while. */
  @Tag("fault")
  @Timeout(value = 60, unit = TimeUnit.MINUTES)
  @Test
  void aThousandKillsLoseNothing() throws Exception {
    kill(1000, 2);
    assertThat(interrupted.keySet())
        .contains("PREPARE DEVICE", "PREPARE ROOT", "ACTIVATE DEVICE", "ACTIVATE ROOT");
  }
}
