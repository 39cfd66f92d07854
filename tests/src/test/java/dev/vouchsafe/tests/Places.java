package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Objects;

/** Where things are in the repository and on the machine. */
final class Places {
  private Places() {}

  /** The root of the repository. */
  static Path root() {
    return Path.of(
        Objects.requireNonNull(
            System.getProperty("vouchsafe.root"), "the build sets vouchsafe.root"));
  }

  /** The folder for what a test builds: gone with {@code mvn clean}. */
  static Path target() {
    return root().resolve("tests/target");
  }

  /** The program as the build made it, or as the environment names it, like the launcher. */
  static Path dist() {
    String named = System.getenv("VOUCHSAFE_DIST");
    Path dist = named == null ? root().resolve("cli/target/dist") : Path.of(named);
    assertThat(dist.resolve("lib")).as("the program, which `mvn package` makes").isDirectory();
    return dist;
  }

  /** The launcher. */
  static Path launcher() {
    return root().resolve("vouchsafe");
  }
}
