package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.tests.RevocationLoad.Act;
import dev.vouchsafe.tests.RevocationLoad.Kind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * While modules get certificates, an administrator takes back certificates, tokens, a module and
 * device CAs, until the service is killed, or the power is cut, at a random moment: what was
 * acknowledged holds in the ledger, on the lists, by OCSP and at the door, and what was not is done
 * or not, and never in part.
 */
class KillDuringRevocationTest {
  private static final int CLIENTS = 3;
  private static final int MOST_BEFORE_THE_KILL = 25;

  /** Each start reads all authorities that there ever were. */
  private static final int ROUNDS_OF_ONE_HOME = 25;

  private final List<Act> done = new ArrayList<>();

  @Test
  @Timeout(300)
  void aFewKillsAndPowerCutsLoseNothingThatWasTakenBack() throws Exception {
    end(4, 1);
  }

  @Test
  @Tag("fault")
  @Timeout(value = 2, unit = TimeUnit.HOURS)
  void manyKillsAndPowerCutsLoseNothingThatWasTakenBack() throws Exception {
    end(Integer.getInteger("vouchsafe.kills", 200), 2);
  }

  private void end(int rounds, long seed) throws Exception {
    Random random = new Random(seed);
    Map<Kind, Integer> counts = new HashMap<>();
    for (int left = rounds; left > 0; left -= ROUNDS_OF_ONE_HOME) {
      done.clear();
      endOften(Math.min(left, ROUNDS_OF_ONE_HOME), random);
      done.forEach(act -> counts.merge(act.kind(), 1, Integer::sum));
    }
    assertThat(counts.keySet())
        .as("what was acknowledged")
        .containsExactlyInAnyOrder(Kind.values());
  }

  private void endOften(int rounds, Random random) throws Exception {
    try (GatewayHome home = GatewayHome.empty("[rotation]\nautomatic = false\n")) {
      home.init();
      home.addModule(
          "load", "--profile", "server", "--dns", "load.example", "--audience", "hub.example");
      home.addModule(
          RevocationLoad.MODULE,
          "--selector",
          "unix:path:" + Path.of("/usr/bin/curl").toRealPath(),
          "--profile",
          "server",
          "--dns",
          "victim.example");
      PowerCut powerCut = new PowerCut(home.folder(), home.beside("shadow"));
      List<Act> last = List.of();
      Optional<Act> open = Optional.empty();
      for (int round = 0; round < rounds; round++) {
        boolean isCut = random.nextBoolean();
        home.setEnvironment(isCut ? powerCut.environment() : Map.of());
        try (RunningGateway gateway = home.serve()) {
          home.setEnvironment(Map.of());
          assertHolds(home, gateway, last, open);
          IssuanceLoad load = IssuanceLoad.start(home.workloadSocket(), CLIENTS);
          RevocationLoad administrator = RevocationLoad.start(home, random.nextLong());
          administrator.awaitAnswers(1 + random.nextInt(MOST_BEFORE_THE_KILL));
          gateway.kill();
          last = administrator.acknowledged();
          open = administrator.open();
          assertThat(administrator.surprises()).isEmpty();
          // Of a device CA that was revoked just then.
          var _ = load.serials();
          assertThat(load.surprises()).allMatch(it -> it.startsWith("503 "));
          done.addAll(last);
        }
        if (isCut) {
          assertThat(powerCut.sawWrites()).as("the library watches the service").isTrue();
          powerCut.cut();
        }
      }
      try (RunningGateway gateway = home.serve()) {
        assertHolds(home, gateway, done, open);
        assertThat(gateway.stop()).isZero();
      }
      AuditRecord.of(home).assertClean();
    }
  }

  private void assertHolds(
      GatewayHome home, RunningGateway gateway, List<Act> last, Optional<Act> open)
      throws Exception {
    try (UnixHttp admin = new UnixHttp(home.adminSocket())) {
      new RevocationWitness(home, gateway, admin, done).assertHolds(last, open);
    }
  }
}
