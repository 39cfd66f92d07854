package dev.vouchsafe.audit;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a log as it grows, without holding it against anything: see {@link AuditVerifier}. For one
 * thread.
 */
public final class AuditReader {
  private final LogFolder folder;
  private @Nullable Path segment;
  private long position;
  private long strange;

  /** Begins at the oldest entry of a log. */
  public AuditReader(Path folder) {
    this.folder = new LogFolder(folder);
  }

  /**
   * Gives out the entries that were written since the last call, the oldest first. One that is not
   * whole yet is left for the next call.
   *
   * @throws IOException if the folder can't be read
   */
  public void read(Consumer<AuditEntry> taker) throws IOException {
    // Named before they are read: whoever begins a new file writes no more to the one before it.
    List<Path> segments = folder.segments();
    Path known = segment;
    for (Path each : segments) {
      int compared = known == null ? 1 : each.compareTo(known);
      if (compared >= 0) {
        readFile(each, compared == 0 ? position : 0, taker);
      }
    }
  }

  private void readFile(Path file, long from, Consumer<AuditEntry> taker) throws IOException {
    segment = file;
    position = from;
    try (Lines lines = Lines.of(file)) {
      lines.skip(from);
      byte[] line;
      while ((line = lines.next()) != null) {
        take(line, taker);
        position = lines.position();
      }
    } catch (NoSuchFileException e) {
      // The service has removed it meanwhile, as its limits say.
      System.getLogger(AuditReader.class.getName())
          .log(System.Logger.Level.DEBUG, "removed while the log was read", e);
    }
  }

  private void take(byte[] line, Consumer<AuditEntry> taker) {
    AuditEntry entry;
    try {
      entry = LineParser.parse(line);
    } catch (BadLineException e) {
      strange++;
      return;
    }
    taker.accept(entry);
  }

  /** How many lines were no entries: somebody else wrote them. */
  public long strange() {
    return strange;
  }
}
