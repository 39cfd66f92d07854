package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Modules get certificates and an administrator rotates device CA and root at random, until the
 * service is killed, or the power is cut, at a random moment: no certificate in a client's hands is
 * unknown, no step that was acknowledged is forgotten, and nothing is stuck.
 */
class KillDuringRotationTest {
  private static final int CLIENTS = 4;
  private static final int MOST_BEFORE_THE_KILL = 120;

  /** Each start reads all authorities that there ever were. */
  private static final int ROUNDS_OF_ONE_HOME = 50;

  @Test
  @Timeout(600)
  void aFewKillsAndPowerCutsForgetNothing() throws Exception {
    end(4, 1);
  }

  @Test
  @Tag("fault")
  @Timeout(value = 2, unit = TimeUnit.HOURS)
  void aThousandKillsAndPowerCutsForgetNothing() throws Exception {
    end(Integer.getInteger("vouchsafe.kills", 1000), Long.getLong("vouchsafe.seed", 2));
  }

  private static void end(int rounds, long seed) throws Exception {
    Random random = new Random(seed);
    int steps = 0;
    for (int left = rounds; left > 0; left -= ROUNDS_OF_ONE_HOME) {
      steps += endOften(Math.min(left, ROUNDS_OF_ONE_HOME), random);
    }
    assertThat(steps).as("steps that were acknowledged").isGreaterThan(rounds / 2);
  }

  /** Returns how many steps were acknowledged. */
  private static int endOften(int rounds, Random random) throws Exception {
    int steps = 0;
    try (GatewayHome home =
        GatewayHome.empty("[bundle]\nrefresh = \"1s\"\n[rotation]\nautomatic = false\n")) {
      home.init();
      home.addModule("load", "--profile", "server", "--dns", "load.example");
      PowerCut powerCut = new PowerCut(home.folder(), home.beside("shadow"));
      Set<String> held = new HashSet<>();
      List<String> last = List.of();
      List<StepLoad.Step> taken = List.of();
      for (int round = 0; round < rounds; round++) {
        boolean isCut = random.nextBoolean();
        home.setEnvironment(isCut ? powerCut.environment() : Map.of());
        try (RunningGateway gateway = home.serve()) {
          home.setEnvironment(Map.of());
          assertKept(home, last, taken);
          IssuanceLoad load = IssuanceLoad.start(home.workloadSocket(), CLIENTS);
          StepLoad administrator = StepLoad.start(home.adminSocket(), random.nextLong());
          load.awaitAnswers(1 + random.nextInt(MOST_BEFORE_THE_KILL));
          gateway.kill();
          last = load.serials();
          taken = administrator.acknowledged();
          assertThat(load.surprises()).isEmpty();
          assertThat(administrator.surprises()).isEmpty();
          held.addAll(last);
          steps += taken.size();
        }
        if (isCut) {
          assertThat(powerCut.sawWrites()).as("the library watches the service").isTrue();
          powerCut.cut();
        }
      }
      try (RunningGateway gateway = home.serve()) {
        assertKept(home, last, taken);
        assertAllKnown(home, held);
        rotate(home, "device");
        rotate(home, "root");
        assertThat(gateway.stop()).isZero();
      }
      AuditRecord.of(home).assertClean();
    }
    return steps;
  }

  private static void assertKept(GatewayHome home, List<String> serials, List<StepLoad.Step> taken)
      throws Exception {
    try (UnixHttp admin = new UnixHttp(home.adminSocket())) {
      for (String serial : serials) {
        UnixHttp.Answer found = admin.get("/certificates/" + serial);
        assertThat(found.status()).as(found.body()).isEqualTo(200);
        assertThat(found.text("state")).isIn("issued", "intended");
      }
      List<StepLoad.Step> done = new ArrayList<>();
      JsonNode rotation = admin.get("/rotation").json();
      for (JsonNode event : rotation.path("journal")) {
        assertThat(event.path("outcome").asText()).isIn("done", "failed", "interrupted");
        if (event.path("outcome").asText().equals("done")) {
          done.add(
              new StepLoad.Step(event.path("step").asText(), event.path("authority").asText()));
        }
      }
      if (!taken.isEmpty()) {
        assertThat(done).as("the last that was acknowledged").contains(taken.getLast());
      }
      assertWhole(admin);
    }
  }

  private static void assertWhole(UnixHttp admin) throws IOException {
    Set<String> states = new TreeSet<>();
    List<String> active = new ArrayList<>();
    List<String> published = new ArrayList<>();
    for (JsonNode authority : admin.get("/authorities").json().path("items")) {
      String state = authority.path("state").asText();
      String role = authority.path("role").asText();
      states.add(state);
      if (state.equals("active")) {
        active.add(role);
      }
      if (role.equals("root") && !state.equals("prepared") && !state.equals("retired")) {
        published.add(authority.path("subject").asText());
      }
    }
    assertThat(active).as("of " + states).containsExactlyInAnyOrder("root", "device");
    List<String> bundled = new ArrayList<>();
    for (JsonNode root : admin.get("/bundle").json().path("roots")) {
      bundled.add(root.path("subject").asText());
    }
    assertThat(bundled).containsExactlyInAnyOrderElementsOf(published);
  }

  private static void assertAllKnown(GatewayHome home, Set<String> held) throws Exception {
    Map<String, String> states = new HashMap<>();
    for (JsonNode item : home.json("cert", "list").path("items")) {
      states.put(item.path("serial").asText(), item.path("state").asText());
    }
    assertThat(states.keySet()).containsAll(held);
    assertThat(held.stream().map(states::get).distinct().toList()).isSubsetOf("issued", "intended");
    assertThat(AuditRecord.of(home).issued()).containsAll(held);
  }

  /** Whatever the last kill left, a whole rotation can be brought to its end. */
  private static void rotate(GatewayHome home, String role) throws Exception {
    try (UnixHttp admin = new UnixHttp(home.adminSocket())) {
      for (int step = 0; step < 3; step++) {
        for (JsonNode authority : admin.get("/authorities").json().path("items")) {
          String id = authority.path("id").asText();
          if (authority.path("state").asText().equals("retiring")) {
            post(admin, id + "/retire", "{\"now\":true}");
          }
        }
      }
      String before = active(admin, role);
      for (JsonNode authority : admin.get("/authorities").json().path("items")) {
        String state = authority.path("state").asText();
        if (authority.path("role").asText().equals(role)
            && (state.equals("prepared") || state.equals("published"))) {
          post(admin, authority.path("id").asText() + "/abort", "{\"from\":\"" + state + "\"}");
        }
      }
      String id = post(admin, "prepare", "{\"authority\":\"" + role + "\"}").text("id");
      if (role.equals("root")) {
        assertThat(post(admin, id + "/publish", "{}").status()).isEqualTo(200);
      }
      UnixHttp.Answer activated = post(admin, id + "/activate", "{\"now\":true}");
      assertThat(activated.status()).as(activated.body()).isEqualTo(200);
      assertThat(active(admin, role)).isEqualTo(id).isNotEqualTo(before);
    }
  }

  private static UnixHttp.Answer post(UnixHttp admin, String step, String body) throws IOException {
    return admin.post("/authorities/" + step, body);
  }

  private static String active(UnixHttp admin, String role) throws IOException {
    for (JsonNode authority : admin.get("/authorities").json().path("items")) {
      if (authority.path("role").asText().equals(role)
          && authority.path("state").asText().equals("active")) {
        return authority.path("id").asText();
      }
    }
    return "";
  }
}
