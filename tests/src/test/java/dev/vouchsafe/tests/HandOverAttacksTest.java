package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.path;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Attacks in which the process that connects, the one that is measured, the one that writes and the
 * one that reads are not the same program or process.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HandOverAttacksTest {
  private static final int ISSUED = 201;
  private static final int REFUSED = 403;

  private AttackGround ground;
  private Path trusted;
  private Path handOver;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    trusted = ground.trusted();
    handOver = ground.program("hand_over");
    ground.register("loose", List.of(uid(MODULE)));
    ground.register("pinned", List.of(uid(MODULE), path(trusted)));
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
  }

  /** Refused, unavailable, or the connection closed without a word. */
  private static boolean isNothing(int status) {
    return status == 0 || status >= 400;
  }

  private List<String> handOver(String trick, String module) {
    return AttackGround.as(
        MODULE, handOver, trick, ground.socket(), certificateOf(module), trusted.toString());
  }

  /** What the trick gets when all of it happens before the service has seen the connection. */
  private int beforeTheFirstLook(String trick, String module) throws Exception {
    try (AttackGround.Stopped stopped = ground.stopped();
        Attacker attacker = Attacker.startFamily(handOver(trick, module))) {
      attacker.expect("ready");
      stopped.goOn();
      return attacker.answer();
    }
  }

  /** What it gets when it happens between the first look and the second. */
  private int afterTheFirstLook(String trick, String module) throws Exception {
    try (Attacker attacker = Attacker.startFamily(handOver("late-" + trick, module))) {
      assertThat(attacker.number("first")).as("the trust bundle").isEqualTo(200);
      try (AttackGround.Stopped stopped = ground.stopped()) {
        attacker.go();
        attacker.expect("ready");
        stopped.goOn();
        return attacker.answer();
      }
    }
  }

  @Test
  void execOfTheTrustedProgramAfterTheFirstLookGetsNothing() throws Exception {
    assertThat(afterTheFirstLook("exec-child", "pinned")).isEqualTo(REFUSED);
    assertThat(afterTheFirstLook("exec-child", "loose")).isEqualTo(REFUSED);
    assertThat(afterTheFirstLook("exec-alone", "pinned")).isEqualTo(REFUSED);
    assertThat(afterTheFirstLook("plain", "loose")).as("the same, no trick").isEqualTo(ISSUED);
    assertThat(ground.ask(MODULE, trusted, "pinned")).isEqualTo(ISSUED);
  }

  @Test
  void execOfTheTrustedProgramBeforeTheFirstLookIsTheLimitOfARegistrationThatIsNotStrict()
      throws Exception {
    assertThat(beforeTheFirstLook("exec-child", "pinned")).isEqualTo(ISSUED);
    assertThat(beforeTheFirstLook("plain", "pinned")).as("without the trick").isEqualTo(REFUSED);
  }

  @Test
  void aChildThatReadsWhileItsParentLivesIsTheLimitOfARegistrationThatIsNotStrict()
      throws Exception {
    assertThat(beforeTheFirstLook("fork", "loose")).isEqualTo(ISSUED);
    assertThat(afterTheFirstLook("fork", "loose")).isEqualTo(ISSUED);
  }

  @Test
  void aChildThatReadsWhenItsParentHasEndedGetsNothing() throws Exception {
    assertThat(beforeTheFirstLook("orphan", "loose"))
        .matches(HandOverAttacksTest::isNothing, "nothing issued");
    assertThat(afterTheFirstLook("orphan", "loose"))
        .matches(HandOverAttacksTest::isNothing, "nothing issued");
    assertThat(beforeTheFirstLook("plain", "loose")).isEqualTo(ISSUED);
  }
}
