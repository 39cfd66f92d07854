package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.path;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attacks that only a registration with {@code strict = true} holds off. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StrictAttacksTest {
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
    ground.register("pinned", List.of(uid(MODULE), path(trusted)));
    ground.register("strict", List.of(uid(MODULE), path(trusted)), "strict = true");
    ground.register("strict-loose", List.of(uid(MODULE)), "strict = true");
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
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

  @ParameterizedTest
  @ValueSource(strings = {"exec-child", "exec-alone"})
  void execOfTheTrustedProgramBeforeTheFirstLookGetsNothingUnderStrict(String trick)
      throws Exception {
    assertThat(beforeTheFirstLook(trick, "pinned")).as("not strict").isEqualTo(ISSUED);
    assertThat(beforeTheFirstLook(trick, "strict")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, trusted, "strict")).isEqualTo(ISSUED);
  }

  @Test
  void aChildThatHoldsTheSocketTooGetsNothingUnderStrict() throws Exception {
    assertThat(beforeTheFirstLook("fork", "strict-loose")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, trusted, "strict-loose")).isEqualTo(ISSUED);
  }

  @Test
  void aSocketParkedInFlightWhileTheTrustedProgramIsMeasuredGetsNothingUnderStrict()
      throws Exception {
    try (AttackGround.Stopped stopped = ground.stopped();
        Attacker attacker = Attacker.startFamily(handOver("exec-parked", "strict"))) {
      attacker.expect("ready");
      int refusals = refusalsOf("strict");
      stopped.goOn();
      // Only then does anybody hold the socket again.
      while (refusalsOf("strict") == refusals) {
        assertThat(ground.ask(MODULE, trusted, "pinned")).isEqualTo(ISSUED);
      }
      attacker.go();
      assertThat(attacker.answer()).isEqualTo(REFUSED);
    }
    assertThat(ground.ask(MODULE, trusted, "strict")).isEqualTo(ISSUED);
  }

  @Test
  void aChildThatReadsThroughAnIoUringThatHoldsTheSocketIsTheLimitOfAStrictRegistration()
      throws Exception {
    Programs.Ended read =
        Programs.run(
            AttackGround.as(
                MODULE,
                ground.program("ring_reader"),
                ground.socket(),
                certificateOf("strict-loose")),
            "");
    assumeTrue(read.exit() != 3, "this kernel lets nobody make an io_uring");
    assertThat(AttackGround.reported(read)).isEqualTo(ISSUED);
  }

  private int refusalsOf(String module) throws IOException {
    return ground.gateway().log().split("refused: .*module '" + module + "'", -1).length;
  }
}
