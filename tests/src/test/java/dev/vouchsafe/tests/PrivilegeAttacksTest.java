package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.OTHER;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.path;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attacks by user ids that change or differ, and by the module's own user from within. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PrivilegeAttacksTest {
  private static final int ISSUED = 201;
  private static final int REFUSED = 403;

  /** One that nobody has but who is given it. */
  private static final int GROUP = 61_100;

  private AttackGround ground;
  private Path trusted;
  private Path stranger;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    trusted = ground.trusted();
    stranger = ground.stranger();
    ground.register("loose", List.of(uid(MODULE)));
    ground.register("pinned", List.of(uid(MODULE), path(trusted)));
    ground.register("root", List.of(uid(0)));
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
  }

  @Test
  void theTrustedProgramRunByAnotherUserGetsNothing() throws Exception {
    assertThat(ground.ask(OTHER, trusted, "pinned")).isEqualTo(REFUSED);
    assertThat(ground.ask(65_534, trusted, "pinned")).isEqualTo(REFUSED);
    assertThat(ground.ask(0, trusted, "pinned")).as("root isn't that user").isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, trusted, "pinned")).isEqualTo(ISSUED);
  }

  @Test
  void anotherProgramOfTheModulesUserGetsNothing() throws Exception {
    assertThat(ground.ask(MODULE, stranger, "pinned")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, stranger, "loose")).as("no path is asked").isEqualTo(ISSUED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"real", "effective", "saved", "file-system", "all"})
  void aCallerWhoseUserIdsChangeAfterConnectGetsNothingMore(String which) throws Exception {
    Path changeUser = ground.program("change_user");
    Programs.Ended unchanged =
        Programs.run(
            changeUser.toString(), "none", ground.socket(), certificateOf("root"), "" + OTHER);
    assertThat(unchanged.done()).contains("first 201", "answer 201");
    Programs.Ended changed =
        Programs.run(
            changeUser.toString(), which, ground.socket(), certificateOf("root"), "" + OTHER);
    assertThat(changed.out()).contains("first 201");
    assertThat(AttackGround.reported(changed)).isEqualTo(REFUSED);
  }

  private Path setuid(String name, long owner) throws Exception {
    Path helper = AttackGround.copy(trusted, ground.openFolder("helpers").resolve(name));
    Programs.run("chown", owner + ":" + owner, helper.toString()).done();
    Programs.run("chmod", "4755", helper.toString()).done();
    return helper;
  }

  @Test
  void aProgramThatIsSetuidToTheModulesUserGetsNothingForTheUserWhoRunsIt() throws Exception {
    Path helper = setuid("to-module", MODULE);
    ground.register("helper", List.of(uid(MODULE), path(helper)));
    assertThat(ground.ask(OTHER, helper, "loose")).isEqualTo(REFUSED);
    assertThat(ground.ask(OTHER, helper, "helper")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, helper, "helper")).isEqualTo(ISSUED);
    assertThat(ground.ask(OTHER, trusted, "loose")).as("not setuid").isEqualTo(REFUSED);
  }

  @Test
  void aProgramThatIsSetuidToRootGetsNothingForTheUserWhoRunsIt() throws Exception {
    Path helper = setuid("to-root", 0);
    assertThat(ground.ask(OTHER, helper, "root")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, helper, "loose")).isEqualTo(REFUSED);
    assertThat(ground.ask(0, helper, "root")).isEqualTo(ISSUED);
  }

  @Test
  void aProgramThatIsSetgidGivesItsGroupButNoOwner() throws Exception {
    Path helper = AttackGround.copy(trusted, ground.openFolder("helpers").resolve("setgid"));
    Programs.run("chown", "0:" + GROUP, helper.toString()).done();
    Programs.run("chmod", "2755", helper.toString()).done();
    ground.register("grouped", List.of(uid(MODULE), "unix:gid:" + GROUP));
    assertThat(ground.ask(OTHER, helper, "grouped")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, trusted, "grouped")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, helper, "grouped")).as("a group only narrows").isEqualTo(ISSUED);
  }

  @Test
  void aGroupThatIsTakenOnAfterConnectDoesNotCount() throws Exception {
    ground.register("member", List.of(uid(0), "unix:supplementary-group:" + GROUP));
    List<String> asks =
        List.of(
            ground.program("change_user").toString(),
            "groups",
            ground.socket(),
            certificateOf("member"),
            Integer.toString(GROUP));
    Programs.Ended ended = Programs.run(with("--clear-groups", asks), "");
    assertThat(ended.done()).contains("first 403");
    assertThat(AttackGround.reported(ended)).isEqualTo(REFUSED);
    assertThat(Programs.run(with("--groups=" + GROUP, asks), "").done())
        .as("who had it at connect")
        .contains("first 201");
  }

  private static List<String> with(String groups, List<String> command) {
    List<String> all = new ArrayList<>(List.of("setpriv", groups, "--"));
    all.addAll(command);
    return all;
  }

  private List<String> traced(String how) throws Exception {
    return AttackGround.as(
        MODULE,
        ground.program("trace"),
        how,
        trusted.toString(),
        ground.socket(),
        certificateOf("pinned"));
  }

  @Test
  void theTrustedProgramWithATracerAttachedGetsNothing() throws Exception {
    assertThat(AttackGround.answer(traced("untraced"))).isEqualTo(ISSUED);
    assertThat(AttackGround.answer(traced("attached"))).isEqualTo(REFUSED);
  }

  @Test
  void aTracerOfTheSameUserThatChangedTheProgramAndLetGoIsTheLimit() throws Exception {
    assertThat(AttackGround.answer(traced("untraced"))).as("as it was").isEqualTo(ISSUED);
    assertThat(AttackGround.answer(traced("detached"))).isEqualTo(ISSUED);
  }

  /** Nobody is attached at any time, and what runs is the trusted program's own code. */
  @Test
  void memoryOfTheTrustedProgramThatTheSameUserWritesIsTheLimit() throws Exception {
    String wanted = certificateOf("pinned");
    String bundle =
        "GET /v1/trust-bundle HTTP/1.1\r\nHost: localhost\r\nX: "
            + "x".repeat(wanted.length())
            + "\r\n\r\n";
    List<String> command =
        AttackGround.as(
            MODULE,
            ground.program("write_memory"),
            trusted.toString(),
            ground.socket(),
            bundle,
            wanted);
    try (Attacker attacker = Attacker.start(command)) {
      assertThat(attacker.answer()).as("the trust bundle").isEqualTo(200);
      attacker.go();
      assertThat(attacker.answer()).isEqualTo(ISSUED);
    }
  }

  @Test
  void memoryOfTheTrustedProgramIsNotOpenToAnotherUser() throws Exception {
    try (Attacker module = kept("pinned")) {
      assertThat(module.answer()).isEqualTo(ISSUED);
      for (String file : List.of("mem", "environ", "exe", "maps")) {
        List<String> opens = List.of("sh", "-c", "exec 3< \"$0\"", module.proc(file).toString());
        assertThat(Programs.run(AttackGround.as(OTHER, opens), "").exit()).as(file).isNotZero();
        assertThat(Programs.run(AttackGround.as(MODULE, opens), "").exit()).as(file).isZero();
      }
    }
  }

  /** What the trusted program that should do nothing gets, with the attacker's code in it. */
  private int preloaded(long uid, String variable) throws Exception {
    Path preload = ground.program("preload", "-shared", "-fPIC");
    Programs.Ended ended =
        Programs.run(
            AttackGround.as(
                uid,
                List.of(
                    "env",
                    variable + "=" + preload,
                    "ATTACK_SOCKET=" + ground.socket(),
                    "ATTACK_REQUEST=" + certificateOf("pinned"),
                    trusted.toString(),
                    "stay")),
            "");
    assertThat(ended.out()).as("its own work is not done").doesNotContain("ready");
    return AttackGround.reported(ended);
  }

  @ParameterizedTest
  @ValueSource(strings = {"LD_PRELOAD", "LD_AUDIT"})
  void codeOfTheSameUserPreloadedIntoTheTrustedProgramIsTheLimit(String variable) throws Exception {
    assertThat(preloaded(MODULE, variable)).isEqualTo(ISSUED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"LD_PRELOAD", "LD_AUDIT"})
  void codeOfAnotherUserPreloadedIntoTheTrustedProgramGetsNothing(String variable)
      throws Exception {
    assertThat(preloaded(OTHER, variable)).isEqualTo(REFUSED);
  }

  private Attacker kept(String module) throws IOException {
    return Attacker.start(
        AttackGround.as(MODULE, trusted, "kept", ground.socket(), certificateOf(module)));
  }

  @Test
  void aConnectionKeptOverTheRemovalOfTheRegistrationGetsNothingMore() throws Exception {
    ground.register("removed", List.of(uid(MODULE)));
    try (Attacker module = kept("removed")) {
      assertThat(module.answer()).isEqualTo(ISSUED);
      module.go();
      assertThat(module.answer()).as("it is kept").isEqualTo(ISSUED);
      ground.unregister("removed");
      module.go();
      assertThat(module.answer()).isEqualTo(REFUSED);
    }
  }

  @Test
  void aConnectionKeptOverTheNarrowingOfTheRegistrationGetsNothingMore() throws Exception {
    ground.register("narrowed", List.of(uid(MODULE)));
    try (Attacker module = kept("narrowed")) {
      assertThat(module.answer()).isEqualTo(ISSUED);
      ground.register("narrowed", List.of(uid(MODULE), path(stranger)));
      module.go();
      assertThat(module.answer()).isEqualTo(REFUSED);
      ground.register("narrowed", List.of(uid(MODULE), path(trusted)));
      module.go();
      assertThat(module.answer()).as("it would hold again").isEqualTo(ISSUED);
    }
  }

  @Test
  void aLocalUserCanNotPutASocketOfHisOwnInThePlaceOfOurs() throws Exception {
    String there = ground.socket();
    List<List<String>> tries =
        List.of(
            List.of("rm", "-f", there),
            List.of("mv", there, there + ".old"),
            List.of("ln", "-sf", "/tmp", there),
            List.of("chmod", "0600", there));
    for (List<String> attempt : tries) {
      assertThat(Programs.run(AttackGround.as(OTHER, attempt), "").exit())
          .as("%s", attempt)
          .isNotZero();
    }
    assertThat(ground.ask(MODULE, trusted, "pinned")).isEqualTo(ISSUED);
  }
}
