package dev.vouchsafe.cli.backup;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;

/** Throws anything at the readers of a backup; {@link BackupReaderTest} has the quick rounds. */
@Tag("fuzz")
class BackupFuzzTest {
  @FuzzTest(maxDuration = "60s")
  void octetsAreAManifestOrAMistake(byte[] octets) {
    try {
      BackupManifest read = BackupManifest.parse(octets);
      assertThat(read.files()).allMatch(file -> BackupNames.isAllowed(file.name()));
    } catch (BackupException e) {
      assertThat(e.getMessage()).contains("backup");
    }
  }

  @FuzzTest(maxDuration = "60s")
  void aFileIsABackupOrAMistake(byte[] octets) throws IOException {
    Path file = Files.createTempFile("backup", ".zip");
    Path out = file.resolveSibling(file.getFileName() + ".out");
    try {
      Files.write(file, octets);
      BackupReaderTest.read(file, out);
    } finally {
      Files.deleteIfExists(out);
      Files.deleteIfExists(file);
    }
  }
}
