package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The demonstration that the README promises, told whole, by whoever runs the tests and by nobody.
 */
class DemoTest {
  private static final int STEPS = 13;

  @Test
  void theDemonstrationTellsEveryStepAndLeavesNothing() throws Exception {
    try (GatewayHome home = GatewayHome.empty()) {
      List<Path> before = leftovers();
      assertTold(home.run("demo"));
      assertThat(leftovers()).isEqualTo(before);
    }
  }

  @Test
  void theDemonstrationNeedsNoRoot() throws Exception {
    assumeTrue(GatewayHome.uid() == 0, "only root can become somebody else");
    try (GatewayHome home = GatewayHome.empty()) {
      home.becomeNobody();
      assertTold(home.run("demo"));
    }
  }

  @Test
  void theDemonstrationFailsWhenAStepIsNotTrue() throws Exception {
    try (GatewayHome home = GatewayHome.empty()) {
      Path bin = home.beside("bin");
      Path idle = bin.resolve("openssl");
      Files.writeString(
          idle,
          """
          #!/bin/sh
          [ "$1" = s_client ] && exit 0
          exec /usr/bin/openssl "$@"
          """);
      Programs.run("chmod", "a+rx", idle.toString()).done();
      home.setEnvironment(Map.of("PATH", bin + ":" + System.getenv("PATH")));
      List<Path> before = leftovers();
      Programs.Ended ended = home.run("demo");
      assertThat(ended.exit()).isEqualTo(1);
      assertThat(ended.err()).contains("openssl s_client did not verify");
      assertThat(ended.out()).contains("[ 7/13]").doesNotContain("[ 8/13]", "All of it is true");
      assertThat(leftovers()).isEqualTo(before);
    }
  }

  private static void assertTold(Programs.Ended ended) {
    String told = ended.done();
    for (int step = 1; step <= STEPS; step++) {
      assertThat(told).contains(String.format(Locale.ROOT, "[%2d/%d] ", step, STEPS));
    }
    assertThat(told).endsWith("All of it is true on this machine.\n");
  }

  private static List<Path> leftovers() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/tmp"))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("vouchsafe-demo-"))
          .sorted()
          .toList();
    }
  }
}
