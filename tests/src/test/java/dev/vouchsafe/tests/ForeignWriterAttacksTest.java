package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.OTHER;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attacks in which one process connects and another writes the request. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ForeignWriterAttacksTest {
  private static final int ISSUED = 201;

  private AttackGround ground;
  private Path trusted;
  private Path foreignWriter;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    trusted = ground.trusted();
    foreignWriter = ground.program("foreign_writer");
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

  private List<String> command(String part, long owner, long writer, String module) {
    return List.of(
        foreignWriter.toString(),
        part,
        ground.socket(),
        certificateOf(module),
        Long.toString(owner),
        Long.toString(writer));
  }

  private int written(String part, long owner, long writer, String module) throws Exception {
    Programs.Ended ended = Programs.run(command(part, owner, writer, module), "");
    if (!part.equals("none")) {
      assertThat(ended.out()).as("the other's octets were sent").contains("written 1");
    }
    return AttackGround.reported(ended);
  }

  @ParameterizedTest
  @ValueSource(strings = {"all", "start", "end", "body", "octet", "urgent", "second"})
  void aRequestThatAnotherUserWroteOnAPassedSocketGetsNothing(String part) throws Exception {
    assertThat(written("none", MODULE, OTHER, "loose")).as("no trick").isEqualTo(ISSUED);
    assertThat(written(part, MODULE, OTHER, "loose"))
        .matches(ForeignWriterAttacksTest::isNothing, "nothing issued");
  }

  @ParameterizedTest
  @ValueSource(strings = {"all", "start", "end", "body", "octet", "urgent", "second"})
  void aRequestThatAnotherProcessOfTheSameUserWroteGetsNothing(String part) throws Exception {
    assertThat(written(part, MODULE, MODULE, "loose"))
        .matches(ForeignWriterAttacksTest::isNothing, "nothing issued");
  }

  @ParameterizedTest
  @ValueSource(strings = {"all", "start", "end", "body", "octet", "urgent"})
  void aRequestOfTwoWritersThatIsWholeBeforeItIsReadGetsNothing(String part) throws Exception {
    try (AttackGround.Stopped stopped = ground.stopped();
        Attacker attacker = Attacker.start(command(part, MODULE, OTHER, "loose"))) {
      assertThat(attacker.number("written")).isEqualTo(1);
      stopped.goOn();
      assertThat(attacker.answer()).matches(ForeignWriterAttacksTest::isNothing, "nothing issued");
    }
    assertThat(written("none", MODULE, OTHER, "loose")).as("no trick").isEqualTo(ISSUED);
  }

  @Test
  void aModuleThatWritesOnAnotherUsersConnectionGetsThatUserNothing() throws Exception {
    assertThat(written("all", OTHER, MODULE, "loose"))
        .matches(ForeignWriterAttacksTest::isNothing, "nothing issued");
    assertThat(written("body", OTHER, MODULE, "loose"))
        .matches(ForeignWriterAttacksTest::isNothing, "nothing issued");
  }

  @Test
  void aWriterThatClaimsTheModulesProcessIdIsStoppedByTheKernel() throws Exception {
    Path claimPid = ground.program("claim_pid");
    try (Attacker module =
        Attacker.start(
            AttackGround.as(MODULE, trusted, "kept", ground.socket(), certificateOf("pinned")))) {
      assertThat(module.answer()).isEqualTo(ISSUED);
      for (long uid : new long[] {MODULE, OTHER}) {
        List<String> claim =
            AttackGround.as(
                uid,
                claimPid,
                ground.socket(),
                certificateOf("loose"),
                Long.toString(module.pid()),
                Long.toString(MODULE));
        assertThat(Programs.run(claim, "").done()).isEqualTo("denied\n");
      }
      module.go();
      assertThat(module.answer()).isEqualTo(ISSUED);
    }
  }
}
