package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Puts a copy of a ledger in the place of the present one. */
final class Restoring {
  private Restoring() {}

  static RestoreFacts facts(Instant known, Instant now, OptionalLong accepted) {
    return new RestoreFacts("ab12", known, now, Duration.ofDays(30), accepted);
  }

  /** A copy of the ledger as it is now. */
  static Path copy(TestCa ca, Path folder) throws IOException {
    Path copy = Files.createDirectory(folder);
    BackupSealer _ = ca.ca().recovery().copy(copy);
    return copy;
  }

  /** Prepares the copy by that home, puts it in the place of the present ledger, and opens that. */
  static List<String> restore(TestCa ca, Path copy, Optional<Path> present, OptionalLong accepted)
      throws IOException {
    ca.ca().close();
    Instant now = ca.clock.instant();
    List<String> told =
        Restoration.prepare(copy, present, facts(now, now, accepted), TestCa.CRYPTO);
    for (String rest : List.of("ca.db-wal", "ca.db-shm")) {
      Files.deleteIfExists(ca.settings.directory().resolve(rest));
    }
    Files.move(
        copy.resolve("ca.db"),
        ca.settings.directory().resolve("ca.db"),
        StandardCopyOption.REPLACE_EXISTING);
    ca.reopen();
    return told;
  }
}
