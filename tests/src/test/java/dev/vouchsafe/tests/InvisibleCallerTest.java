package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Callers that the service can't see: it runs in a pid namespace, and they are outside of it. */
class InvisibleCallerTest {
  @Test
  void aCallerWithoutAProcessIdHereGetsNothing() throws Exception {
    try (AttackGround ground = AttackGround.openUnseeing()) {
      Path trusted = ground.trusted();
      ground.register("loose", List.of(uid(MODULE)));
      ground.register("root", List.of(uid(0)));
      assertThat(ground.ask(MODULE, trusted, "loose")).isEqualTo(503);
      try (UnixHttp connection = ground.gateway().connect()) {
        UnixHttp.Answer answer = connection.exchange(certificateOf("root"));
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.text("code")).isEqualTo("caller-unknown");
      }
      assertThat(AttackGround.answer(inside(ground, trusted)))
          .as("one that it sees")
          .isEqualTo(201);
    }
  }

  private static List<String> inside(AttackGround ground, Path trusted) {
    long first =
        ProcessHandle.of(ground.gateway().pid())
            .flatMap(keeper -> keeper.children().findFirst())
            .orElseThrow()
            .pid();
    List<String> command =
        new ArrayList<>(List.of("nsenter", "--target=" + first, "--pid", "--mount", "--"));
    command.addAll(
        AttackGround.as(MODULE, trusted, "ask", ground.socket(), certificateOf("loose")));
    return command;
  }
}
