package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.OTHER;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.path;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The race in which the module gets the process id of one who asked and ended. */
class PidReuseAttackTest {
  private static final int ROUNDS = 1000;
  private static final long LONGEST_SECONDS = 120;
  private static final Pattern COUNTS =
      Pattern.compile(
          "rounds \\d+ reused (?<reused>\\d+) granted (?<granted>\\d+) refused \\d+ silent \\d+"
              + " asked (?<asked>\\d+) served (?<served>\\d+)\n");

  @Test
  void theModuleGettingTheProcessIdOfOneWhoAskedAndEndedGetsThatOneNothingInAThousandRaces()
      throws Exception {
    try (AttackGround ground = AttackGround.open()) {
      Path trusted = ground.trusted();
      ground.register("pinned", List.of(uid(MODULE), path(trusted)));
      List<String> race =
          List.of(
              ground.program("pid_reuse").toString(),
              ground.socket(),
              certificateOf("pinned"),
              Integer.toString(ROUNDS),
              Long.toString(ground.gateway().pid()),
              Long.toString(MODULE),
              Long.toString(OTHER),
              trusted.toString());
      String said = Programs.run(Map.of(), race, "", LONGEST_SECONDS).done();
      Matcher counts = COUNTS.matcher(said);
      assertThat(counts.matches()).as(said).isTrue();
      assertThat(number(counts, "granted")).as(said).isZero();
      // Another process of the machine may have taken an id first, now and then.
      assertThat(number(counts, "reused")).as(said).isGreaterThan(ROUNDS * 9 / 10);
      assertThat(number(counts, "asked")).as(said).isEqualTo(ROUNDS / 10);
      assertThat(number(counts, "served")).as(said).isGreaterThan(ROUNDS / 10 * 9 / 10);
    }
  }

  private static int number(Matcher counts, String name) {
    return Integer.parseInt(counts.group(name));
  }
}
