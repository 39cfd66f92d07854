package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.RotationStep;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The service as it ships, killed with SIGKILL in the middle of each step that an administrator
 * takes with device CA and root: it starts again, {@code ca status} tells in one screen what is
 * active, what is next and what became of that step, and the step can be taken again.
 */
class RotationKillTest {
  private static final int SCREEN = 24;

  /** The first two syncs are those of what is asked, in the audit log, and of the journal. */
  private static final String IN_THE_MIDDLE = "2 after";

  /** More than any step has. */
  private static final int SYNCS = 16;

  /**
   * A step, as a person types it.
   *
   * @param in the state that the authority is in which the command names; empty where it names none
   * @param leads the state in which the step leaves the authority that it is about
   */
  private record Taken(
      RotationStep step, Role role, String in, String leads, List<String> options) {
    @Override
    public String toString() {
      return step + " " + role + (in.isEmpty() ? "" : " " + in);
    }
  }

  private static Taken device(RotationStep step, String in, String leads, String... options) {
    return new Taken(step, Role.DEVICE, in, leads, List.of(options));
  }

  private static Taken root(RotationStep step, String in, String leads, String... options) {
    return new Taken(step, Role.ROOT, in, leads, List.of(options));
  }

  /** A way through all steps, one after the other. */
  private static final List<Taken> TOUR =
      List.of(
          device(RotationStep.PREPARE, "", "prepared"),
          device(RotationStep.ABORT, "prepared", "retired"),
          device(RotationStep.PREPARE, "", "prepared"),
          device(RotationStep.ACTIVATE, "prepared", "active"),
          device(RotationStep.ABORT, "active", "retiring"),
          device(RotationStep.RETIRE, "retiring", "retired", "--now"),
          root(RotationStep.PREPARE, "", "prepared"),
          root(RotationStep.ABORT, "prepared", "retired"),
          root(RotationStep.PREPARE, "", "prepared"),
          root(RotationStep.PUBLISH, "prepared", "published"),
          root(RotationStep.ABORT, "published", "retired"),
          root(RotationStep.PREPARE, "", "prepared"),
          root(RotationStep.PUBLISH, "prepared", "published"),
          root(RotationStep.ACTIVATE, "published", "active", "--now"),
          root(RotationStep.ABORT, "active", "retiring"),
          root(RotationStep.RETIRE, "retiring", "retired", "--now"));

  private final List<String> interrupted = new ArrayList<>();

  @Test
  void everyStepOfEachRoleIsOnTheTour() {
    Set<String> wanted = new HashSet<>();
    Set<String> toured = new HashSet<>();
    for (RotationStep step : RotationStep.values()) {
      wanted.add(step + " " + Role.DEVICE);
      wanted.add(step + " " + Role.ROOT);
    }
    wanted.remove(RotationStep.PUBLISH + " " + Role.DEVICE);
    TOUR.forEach(taken -> toured.add(taken.step() + " " + taken.role()));
    assertThat(toured).isEqualTo(wanted);
  }

  @Test
  @Timeout(600)
  void killedInTheMiddleOfAnyStepItSaysSoAndTheStepCanBeTakenAgain() throws Exception {
    assertThat(tour(IN_THE_MIDDLE)).as("steps that a kill ended").isEqualTo(TOUR.size());
    assertThat(interrupted).as("were cut off in their middle").hasSizeGreaterThan(10);
  }

  @Test
  @Tag("fault")
  @Timeout(3600)
  void killedAtEachSyncOfEachStep() throws Exception {
    for (int sync = 1; sync <= SYNCS; sync++) {
      int killed = tour(sync + " before") + tour(sync + " after");
      assertThat(sync < SYNCS || killed == 0).as("a step ends: " + killed).isTrue();
    }
  }

  /**
   * Takes every step on a home of its own, and has the service die of each.
   *
   * @param when at which of the syncs that follow
   * @return how often it died
   */
  private int tour(String when) throws Exception {
    int killed = 0;
    try (GatewayHome home = GatewayHome.initialised()) {
      Path trigger = home.beside("kill").resolve("at");
      Path library = Programs.compile("die_at_sync", "-O2", "-shared", "-fPIC");
      Optional<Taken> before = Optional.empty();
      Set<String> untaken = Set.of();
      List<String> command = List.of();
      for (Taken taken : TOUR) {
        Files.deleteIfExists(trigger);
        home.setEnvironment(
            Map.of("LD_PRELOAD", library.toString(), "DIE_AT_SYNC", trigger.toString()));
        try (RunningGateway gateway = home.serve()) {
          home.setEnvironment(Map.of());
          if (before.isPresent()) {
            assertSaidAndTaken(home, before.get(), command, untaken);
          }
          untaken = states(home);
          command = command(home, taken);
          before = Optional.of(taken);
          Path fresh = Files.writeString(trigger.resolveSibling("fresh"), when);
          Files.move(fresh, trigger);
          killed += take(home, taken, command, gateway) ? 0 : 1;
        }
      }
      Files.deleteIfExists(trigger);
      try (RunningGateway gateway = home.serve()) {
        assertSaidAndTaken(home, before.orElseThrow(), command, untaken);
        assertThat(gateway.stop()).isZero();
      }
    }
    return killed;
  }

  /** Returns whether it could be taken, and was not killed. */
  private static boolean take(
      GatewayHome home, Taken taken, List<String> command, RunningGateway gateway)
      throws Exception {
    Programs.Ended ended = home.run(command.toArray(String[]::new));
    if (ended.exit() != 0) {
      assertThat(ended.exit()).as(taken + ": " + ended.err()).isEqualTo(4);
      gateway.awaitEnd();
      return false;
    }
    return true;
  }

  /** Nothing of it is left, or all of it; and then it is taken, whatever was before. */
  private void assertSaidAndTaken(
      GatewayHome home, Taken taken, List<String> command, Set<String> untaken) throws Exception {
    assertStatus(home, taken);
    if (states(home).equals(untaken)) {
      home.run(command.toArray(String[]::new)).done();
    }
    Set<String> now = states(home);
    assertThat(now).isNotEqualTo(untaken);
    if (taken.in().isEmpty()) {
      assertThat(now).anyMatch(it -> it.startsWith(word(taken.role())) && it.endsWith(" prepared"));
    } else if (taken.leads().equals("retired")) {
      assertThat(now).noneMatch(it -> it.startsWith(command.get(2) + " "));
    } else {
      assertThat(now).contains(command.get(2) + " " + taken.leads());
    }
  }

  /** What the administrator types, with the id where the step needs one. */
  private static List<String> command(GatewayHome home, Taken taken) throws Exception {
    List<String> command = new ArrayList<>(List.of("ca", word(taken.step())));
    if (taken.in().isEmpty()) {
      command.addAll(List.of("--authority", word(taken.role())));
    } else {
      command.add(
          states(home).stream()
              .filter(it -> it.startsWith(word(taken.role())) && it.endsWith(" " + taken.in()))
              .map(it -> it.substring(0, it.indexOf(' ')))
              .max(Comparator.comparingInt(RotationKillTest::generation))
              .orElseThrow());
    }
    command.addAll(taken.options());
    return command;
  }

  private static int generation(String id) {
    return Integer.parseInt(id.substring(id.indexOf('-') + 1));
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** Every authority that has not retired, and its state. */
  private static Set<String> states(GatewayHome home) throws Exception {
    Set<String> states = new TreeSet<>();
    try (UnixHttp admin = new UnixHttp(home.adminSocket())) {
      for (JsonNode item : admin.get("/authorities").json().path("items")) {
        if (!item.path("state").asText().equals("retired")) {
          states.add(item.path("id").asText() + " " + item.path("state").asText());
        }
      }
    }
    return states;
  }

  private void assertStatus(GatewayHome home, Taken taken) throws Exception {
    Programs.Ended text = home.run("ca", "status");
    assertThat(text.exit()).as(text.err()).isZero();
    assertThat(text.out().lines().count()).as(text.out()).isLessThanOrEqualTo(SCREEN);
    JsonNode rotation;
    try (UnixHttp admin = new UnixHttp(home.adminSocket())) {
      rotation = admin.get("/rotation").json();
    }
    for (Role role : new Role[] {Role.DEVICE, Role.ROOT}) {
      JsonNode plan = rotation.path(word(role));
      String active = plan.at("/active/id").asText();
      assertThat(states(home)).contains(active + " active");
      JsonNode next = plan.path("steps").path(0);
      assertThat(text.out())
          .containsPattern(word(role) + " +" + active + " +\\S+ +" + next.path("step").asText());
      for (JsonNode waits : next.path("waitsFor")) {
        assertThat(text.out()).contains("waits for: " + waits.asText());
      }
    }
    JsonNode event = rotation.path("journal").path(0);
    assertThat(event.path("outcome").asText()).isIn("", "done", "failed", "interrupted");
    if (event.path("outcome").asText().equals("interrupted")) {
      assertThat(event.path("step").asText()).isEqualTo(word(taken.step()));
      assertThat(event.path("role").asText()).isEqualTo(word(taken.role()));
      assertThat(text.out())
          .contains("last step: " + event.path("at").asText() + " " + word(taken.step()))
          .contains(
              "by uid " + GatewayHome.uid() + ": interrupted; the service ended in the middle")
          .contains("take it again");
      interrupted.add(taken.toString());
    }
  }
}
