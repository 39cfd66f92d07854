package dev.vouchsafe.audit;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Reads a log without holding it against anything. */
public final class AuditReader {
  private AuditReader() {}

  /**
   * Gives out every entry, the oldest first. What is no line is left out; see {@link
   * AuditVerifier}.
   *
   * @throws IOException if the folder can't be read
   */
  public static void read(Path folder, Consumer<AuditEntry> taker) throws IOException {
    for (Path segment : new LogFolder(folder).segments()) {
      readFile(segment, taker);
    }
  }

  private static void readFile(Path segment, Consumer<AuditEntry> taker) throws IOException {
    try (Lines lines = Lines.of(segment)) {
      byte[] line;
      while ((line = lines.next()) != null) {
        Optional<AuditEntry> entry = parse(line);
        entry.ifPresent(taker);
      }
    } catch (NoSuchFileException e) {
      // The service has removed it meanwhile, as its limits say.
      System.getLogger(AuditReader.class.getName())
          .log(System.Logger.Level.DEBUG, "removed while the log was read", e);
    }
  }

  private static Optional<AuditEntry> parse(byte[] line) {
    try {
      return Optional.of(LineParser.parse(line));
    } catch (BadLineException e) {
      return Optional.empty();
    }
  }

  /**
   * The newest checkpoint that stands in the log, whoever signed it.
   *
   * @throws IOException if the folder can't be read
   */
  public static Optional<AuditEntry> newestCheckpoint(Path folder) throws IOException {
    List<Path> segments = new LogFolder(folder).segments();
    for (Path segment : segments.reversed()) {
      AuditEntry[] found = new AuditEntry[1];
      readFile(
          segment,
          entry -> {
            if (entry.event() instanceof AuditEvent.Checkpoint) {
              found[0] = entry;
            }
          });
      if (found[0] != null) {
        return Optional.of(found[0]);
      }
    }
    return Optional.empty();
  }
}
