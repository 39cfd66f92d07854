package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * No certificate in a client's hands is missing from the ledger or from the audit log, however the
 * service ends: killed at a random moment of a load, or with the power cut at that moment. Each
 * time it starts again and issues, and the log verifies.
 */
class KillDuringIssuanceTest {
  private static final int CLIENTS = 12;
  private static final int MOST_BEFORE_THE_KILL = 400;

  @Test
  void aKillForgetsNoCertificate() throws Exception {
    killed(3, 1);
  }

  @Test
  void aPowerCutForgetsNoCertificate() throws Exception {
    cut(3, 2);
  }

  @Test
  @Tag("fault")
  @Timeout(1800)
  void fiftyKillsForgetNoCertificate() throws Exception {
    killed(50, 3);
  }

  @Test
  @Tag("fault")
  @Timeout(1800)
  void fiftyPowerCutsForgetNoCertificate() throws Exception {
    cut(50, 4);
  }

  private static void killed(int rounds, long seed) throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      home.addModule("load", "--profile", "server", "--dns", "load.example");
      Set<String> held = new HashSet<>();
      Random random = new Random(seed);
      for (int round = 0; round < rounds; round++) {
        try (RunningGateway gateway = home.serve()) {
          compare(home, held);
          held.addAll(loadAndKill(gateway, random));
        }
      }
      try (RunningGateway gateway = home.serve()) {
        compare(gateway.home(), held);
        assertThat(gateway.stop()).isZero();
      }
      AuditRecord.of(home).assertClean();
    }
  }

  /** From the first moment on, {@code init} included, only what was synced is left. */
  private static void cut(int rounds, long seed) throws Exception {
    try (GatewayHome home = GatewayHome.empty()) {
      PowerCut powerCut = new PowerCut(home.folder(), home.beside("shadow"));
      underPowerCut(home, powerCut, home::init);
      underPowerCut(
          home,
          powerCut,
          () -> home.addModule("load", "--profile", "server", "--dns", "load.example"));
      Set<String> held = new HashSet<>();
      Random random = new Random(seed);
      for (int round = 0; round <= rounds; round++) {
        home.setEnvironment(powerCut.environment());
        try (RunningGateway gateway = home.serve()) {
          home.setEnvironment(Map.of());
          compare(home, held);
          held.addAll(loadAndKill(gateway, random));
          assertThat(powerCut.sawWrites()).as("the library watches the service").isTrue();
        }
        powerCut.cut();
      }
      try (RunningGateway gateway = home.serve()) {
        compare(gateway.home(), held);
        assertThat(gateway.stop()).isZero();
      }
      AuditRecord.of(home).assertClean();
    }
  }

  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  private static void underPowerCut(GatewayHome home, PowerCut powerCut, Work work)
      throws IOException, InterruptedException {
    home.setEnvironment(powerCut.environment());
    work.run();
    home.setEnvironment(Map.of());
    assertThat(powerCut.sawWrites()).isTrue();
    powerCut.cut();
  }

  private static List<String> loadAndKill(RunningGateway gateway, Random random)
      throws IOException, InterruptedException {
    IssuanceLoad load = IssuanceLoad.start(gateway.home().workloadSocket(), CLIENTS);
    load.awaitAnswers(1 + random.nextInt(MOST_BEFORE_THE_KILL));
    gateway.kill();
    List<String> serials = load.serials();
    assertThat(load.surprises()).isEmpty();
    assertThat(serials).doesNotHaveDuplicates();
    return serials;
  }

  /** Every serial that a client holds is in the ledger, and stands as issued. */
  private static void compare(GatewayHome home, Set<String> held)
      throws IOException, InterruptedException {
    Map<String, String> states = new HashMap<>();
    for (JsonNode item : home.json("cert", "list").path("items")) {
      states.put(item.path("serial").asText(), item.path("state").asText());
    }
    assertThat(states.keySet()).containsAll(held);
    assertThat(held.stream().map(states::get).distinct().toList()).isSubsetOf("issued", "intended");
    assertThat(AuditRecord.of(home).issued()).containsAll(held);
  }
}
