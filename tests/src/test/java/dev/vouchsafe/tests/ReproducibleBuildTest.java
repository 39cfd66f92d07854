package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same sources make the same program, wherever and whenever they are built. */
@Tag("fault")
class ReproducibleBuildTest {
  private static final long LONGEST_BUILD_SECONDS = 600;
  private static final List<String> MODULES =
      List.of(
          "key-store-hsm",
          "attestation",
          "trust-bundle",
          "ca-service",
          "workload-api",
          "cli",
          "tests");

  @TempDir Path folder;

  @Test
  @Timeout(1300)
  void twoBuildsInTwoFoldersMakeTheSameOctets() throws Exception {
    Map<String, String> first = build(Files.createDirectory(folder.resolve("a")));
    Map<String, String> second = build(Files.createDirectories(folder.resolve("another/place")));
    assertThat(first).hasSizeGreaterThan(10).isEqualTo(second);
  }

  private static Map<String, String> build(Path copy) throws Exception {
    copy(Places.root().resolve("pom.xml"), copy.resolve("pom.xml"));
    copy(Places.root().resolve(".mvn"), copy.resolve(".mvn"));
    for (String module : MODULES) {
      Files.createDirectories(copy.resolve(module).resolve("src"));
      copy(
          Places.root().resolve(module).resolve("pom.xml"),
          copy.resolve(module).resolve("pom.xml"));
      Path sources = Places.root().resolve(module).resolve("src/main");
      if (Files.exists(sources)) {
        copy(sources, copy.resolve(module).resolve("src/main"));
      }
    }
    Programs.run(
            Map.of("JAVA_HOME", System.getProperty("java.home")),
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
                "package"),
            "",
            LONGEST_BUILD_SECONDS)
        .done();
    return hashes(copy.resolve("cli/target/dist"));
  }

  private static void copy(Path from, Path to) throws IOException, InterruptedException {
    Programs.run("cp", "-r", from.toString(), to.toString()).done();
  }

  private static Map<String, String> hashes(Path dist) throws Exception {
    Map<String, String> hashes = new TreeMap<>();
    List<Path> files;
    try (Stream<Path> all = Files.walk(dist)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    for (Path file : files) {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
      hashes.put(dist.relativize(file).toString(), HexFormat.of().formatHex(hash));
    }
    return hashes;
  }
}
