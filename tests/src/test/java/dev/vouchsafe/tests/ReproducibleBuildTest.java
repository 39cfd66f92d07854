package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

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
  @TempDir Path folder;

  @Test
  @Timeout(1300)
  void twoBuildsInTwoFoldersMakeTheSameOctets() throws Exception {
    Map<String, String> first = build(Files.createDirectory(folder.resolve("a")));
    Map<String, String> second = build(Files.createDirectories(folder.resolve("another/place")));
    assertThat(first).hasSizeGreaterThan(10).isEqualTo(second);
  }

  private static Map<String, String> build(Path copy) throws Exception {
    LauncherBuild.run(copy, LONGEST_BUILD_SECONDS);
    return hashes(copy.resolve("cli/target/dist"));
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
