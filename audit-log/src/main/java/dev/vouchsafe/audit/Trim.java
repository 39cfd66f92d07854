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
      if (!tooMuch && !isOlder(segments, count + 1, oldest)) {
        break;
      }
      bySize |= tooMuch;
      removed += Files.size(segments.get(count));
      count++;
    }
    Optional<AuditEntry> first = count == 0 ? Optional.empty() : first(segments, count);
    if (first.isEmpty()) {
      return Optional.empty();
    }
    ChainEnd from = new ChainEnd(first.get().sequence(), first.get().before());
    return Optional.of(
        new Trim(
            List.copyOf(segments.subList(0, count)),
            from,
            new AuditEvent.Trimmed(from.next() - 1, count, removed, bySize ? "size" : "age")));
  }

  /** Whether a file began before then: what is in the one before it is older still. */
  private static boolean isOlder(List<Path> segments, int index, Instant oldest)
      throws IOException {
    return !oldest.equals(Instant.MIN)
        && first(segments, index).map(entry -> entry.time().isBefore(oldest)).orElse(false);
  }

  /**
   * The first entry from that file on. Lines that are none stay for {@link AuditVerifier} to find,
   * and don't keep the log from being bounded.
   */
  private static Optional<AuditEntry> first(List<Path> segments, int index) throws IOException {
    for (int i = index; i < segments.size(); i++) {
      long begin = LogFolder.firstOf(segments.get(i));
      // Whoever wrote a line decides no further than his file: by it, others are removed.
      long end = i + 1 < segments.size() ? LogFolder.firstOf(segments.get(i + 1)) : begin + 1;
      try (Lines lines = Lines.of(segments.get(i))) {
        for (byte[] line = lines.next(); line != null; line = lines.next()) {
          Optional<AuditEntry> entry =
              parsed(line).filter(each -> each.sequence() >= begin && each.sequence() < end);
          if (entry.isPresent()) {
            return entry;
          }
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<AuditEntry> parsed(byte[] line) {
    try {
      return Optional.of(LineParser.parse(line));
    } catch (BadLineException e) {
      return Optional.empty();
    }
  }
}
