package dev.vouchsafe.tests;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The build that the launcher runs on a clean clone: programs only, no tests. */
final class LauncherBuild {
  private LauncherBuild() {}

  /**
   * Builds a copy of the sources.
   *
   * @param copy an empty folder
   * @param more further arguments
   */
  static void run(Path copy, long longestSeconds, String... more) throws Exception {
    for (String name : List.of("pom.xml", ".mvn")) {
      copy(Places.root().resolve(name), copy.resolve(name));
    }
    try (var entries = Files.list(Places.root())) {
      for (Path module : entries.filter(it -> Files.exists(it.resolve("pom.xml"))).toList()) {
        Path own = Files.createDirectories(copy.resolve(module.getFileName()));
        copy(module.resolve("pom.xml"), own.resolve("pom.xml"));
        if (Files.exists(module.resolve("src/main"))) {
          Files.createDirectories(own.resolve("src"));
          copy(module.resolve("src/main"), own.resolve("src/main"));
        }
      }
    }
    List<String> command =
        new ArrayList<>(
            List.of(
                "mvn",
                "-B",
                "-q",
                "-Pdist",
                "-f",
                copy.resolve("pom.xml").toString(),
                "-pl",
                "cli",
                "-am",
                "package"));
    command.addAll(List.of(more));
    Programs.run(Map.of("JAVA_HOME", System.getProperty("java.home")), command, "", longestSeconds)
        .done();
  }

  private static void copy(Path from, Path to) throws Exception {
    Programs.run("cp", "-r", from.toString(), to.toString()).done();
  }
}
