package dev.vouchsafe.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The oldest files of a log, which are to be removed.
 *
 * @param files the oldest first
 * @param from where the chain begins that is left
 * @param event what the log says of it
 */
record Trim(List<Path> files, ChainEnd from, AuditEvent.Trimmed event) {
  /**
   * What the limits have removed now, if anything: never the file that is being written.
   *
   * @param now the time, by which a file may be too old; {@link Instant#MIN} if none is
   */
  static Optional<Trim> find(LogFolder folder, AuditSettings settings, Instant now)
      throws IOException {
    List<Path> segments = folder.segments();
    long total = 0;
    for (Path segment : segments) {
      total += Files.size(segment);
    }
    Instant oldest = now.equals(Instant.MIN) ? now : now.minus(settings.longest());
    int count = 0;
    long removed = 0;
    boolean bySize = false;
    while (count + 1 < segments.size()) {
      boolean tooMuch = total - removed > settings.mostOctets();
      if (!tooMuch && !isOlder(segments.get(count + 1), oldest)) {
        break;
      }
      bySize |= tooMuch;
      removed += Files.size(segments.get(count));
      count++;
    }
    return count == 0
        ? Optional.empty()
        : Optional.of(of(segments, count, removed, bySize ? "size" : "age"));
  }

  private static Trim of(List<Path> segments, int count, long octets, String reason)
      throws IOException {
    AuditEntry first = first(segments.get(count));
    ChainEnd from = new ChainEnd(first.sequence(), first.before());
    return new Trim(
        List.copyOf(segments.subList(0, count)),
        from,
        new AuditEvent.Trimmed(from.next() - 1, count, octets, reason));
  }

  /** Whether a file began before then: what is in the one before it is older still. */
  private static boolean isOlder(Path segment, Instant oldest) throws IOException {
    return !oldest.equals(Instant.MIN) && first(segment).time().isBefore(oldest);
  }

  private static AuditEntry first(Path segment) throws IOException {
    try (Lines lines = Lines.of(segment)) {
      byte[] line = lines.next();
      if (line == null) {
        throw new IOException(segment + " has no line");
      }
      AuditEntry entry = LineParser.parse(line);
      if (entry.sequence() != LogFolder.firstOf(segment)) {
        throw new IOException(segment + " begins with another line than its name says");
      }
      return entry;
    } catch (BadLineException e) {
      throw new IOException(segment + " begins with something that is no line", e);
    }
  }
}
