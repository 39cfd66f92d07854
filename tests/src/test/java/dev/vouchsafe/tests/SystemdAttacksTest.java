package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.OTHER;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Attacks by processes in cgroups that bear the name of a unit of systemd. The machine of the tests
 * may have no system manager; what one says is tried with a real one in the attestation module
 * ({@code SystemdTest}).
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SystemdAttacksTest {
  private static final int ISSUED = 201;
  private static final int REFUSED = 403;
  private static final int UNAVAILABLE = 503;

  private AttackGround ground;
  private Path trusted;
  private OwnCgroup cgroups;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    trusted = ground.trusted();
    ground.register("unit", List.of("systemd:unit:vouchsafe-victim.service"));
    ground.register("scope", List.of("systemd:unit:vouchsafe-victim.scope"));
    ground.register("run", List.of("systemd:invocation-id:" + "a".repeat(32)));
    ground.register("slice", List.of(uid(OTHER), "systemd:slice:vouchsafe-victim.slice"));
    ground.register("host", List.of(uid(OTHER)));
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
  }

  @BeforeEach
  void cgroups() throws Exception {
    cgroups = OwnCgroup.open();
  }

  @AfterEach
  void takeAway() throws IOException {
    cgroups.close();
  }

  private List<String> asks(String module) {
    return List.of(trusted.toString(), "ask", ground.socket(), certificateOf(module));
  }

  /** What a user gets in a cgroup of that path below the one that he was given. */
  private int askInOneOfHisOwn(Path given, String path, String module) throws Exception {
    return AttackGround.answer(
        OwnCgroup.in(
            given,
            AttackGround.as(OTHER, OwnCgroup.inOneOfItsOwn(given.resolve(path), asks(module)))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vouchsafe-victim.service",
        "system.slice/vouchsafe-victim.service",
        "vouchsafe-victim.slice/vouchsafe-victim.service",
        "app.slice/vouchsafe-victim.service",
        "vouchsafe-victim.scope",
        "init.scope"
      })
  void aCgroupNamedAsAUnitBelowAUsersOwnManagerGetsNothing(String path) throws Exception {
    String own = "user.slice/user-%d.slice/user@%d.service".formatted(OTHER, OTHER);
    Path given = cgroups.delegate(own, OTHER);
    for (String module : List.of("unit", "scope", "run", "slice")) {
      assertThat(askInOneOfHisOwn(given, path, module)).as(module).isEqualTo(REFUSED);
    }
    assertThat(askInOneOfHisOwn(given, path, "host")).as("it runs").isEqualTo(ISSUED);
  }

  @Test
  void aCgroupNamedAsAUnitInASessionOfAUserGetsNothing() throws Exception {
    Path given = cgroups.delegate("user.slice/user-%d.slice".formatted(OTHER), OTHER);
    for (String module : List.of("unit", "scope", "run")) {
      for (String path : List.of("vouchsafe-victim.service", "vouchsafe-victim.scope")) {
        assertThat(askInOneOfHisOwn(given, path, module)).as(module).isEqualTo(REFUSED);
      }
    }
  }

  /** The manager has no such unit there; where there is none to ask, nobody knows. */
  @Test
  void aCgroupNamedAsAUnitBelowAServiceThatMayMakeCgroupsGetsNothing() throws Exception {
    Path given = cgroups.delegate("system.slice/vouchsafe-own.service", OTHER);
    for (String path : List.of("vouchsafe-victim.service", "x/vouchsafe-victim.service")) {
      assertThat(askInOneOfHisOwn(given, path, "unit")).isIn(REFUSED, UNAVAILABLE);
    }
    assertThat(askInOneOfHisOwn(given, "vouchsafe-victim.slice", "slice"))
        .as("below a service nothing is a slice")
        .isEqualTo(REFUSED);
    assertThat(askInOneOfHisOwn(given, "x", "unit")).isEqualTo(REFUSED);
  }

  /** A cgroup in the unit's own place is only a place: what is there, the manager says. */
  @Test
  void aCgroupInAUnitsOwnPlaceIsNothingWithoutTheManagersWord() throws Exception {
    Path place = cgroups.make("system.slice/vouchsafe-victim.service");
    List<String> command = OwnCgroup.in(place, AttackGround.as(MODULE, asks("unit")));
    assertThat(AttackGround.answer(command)).isIn(REFUSED, UNAVAILABLE);
  }

  @Test
  void aProcessInNoUnitGetsNothing() throws Exception {
    for (String module : List.of("unit", "scope", "run", "slice")) {
      assertThat(AttackGround.answer(AttackGround.as(OTHER, asks(module))))
          .as(module)
          .isEqualTo(REFUSED);
    }
  }
}
