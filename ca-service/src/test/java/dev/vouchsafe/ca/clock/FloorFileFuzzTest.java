package dev.vouchsafe.ca.clock;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.MethodSource;

/** Noise for the reader of the floor; {@link FloorFileTest} has the quick part. */
class FloorFileFuzzTest {
  static Stream<byte[]> floors() throws IOException {
    Path file = Files.createTempFile("floor", "");
    try {
      new FloorFile(file).write(Instant.parse("2026-12-01T10:00:00Z"), true);
      return Stream.of(Files.readAllBytes(file), new byte[0]);
    } finally {
      Files.delete(file);
    }
  }

  @MethodSource("floors")
  @FuzzTest(maxDuration = "1m")
  @Tag("fuzz")
  void whateverIsInTheFileItIsAFloorOrRefused(byte[] octets) throws IOException {
    Path file = Files.createTempFile("floor", "");
    try {
      Files.write(file, octets);
      assertThat(new FloorFile(file).read()).isPresent();
    } catch (IOException e) {
      assertThat(e).hasMessageContaining(file.toString());
    } finally {
      Files.delete(file);
    }
  }
}
