package dev.vouchsafe.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is to be removed of a log.
 *
 * @param files copies of torn ends, then the oldest files; each the oldest first
 * @param from where the chain begins that is left
 * @param event what the log says of it
 */
record Trim(List<Path> files, ChainEnd from, AuditEvent.Trimmed event) {
  /**
   * What the limits have removed now, if anything: never the file that is being written. Copies of
   * torn ends go before any entry, and with the file that they are of.
   *
   * @param now the time, by which a file may be too old; {@link Instant#MIN} if none is
   * @param begin where the chain begins
   */
  static Optional<Trim> find(LogFolder folder, AuditSettings settings, Instant now, ChainEnd begin)
      throws IOException {
    List<Path> copies = folder.copies();
    List<Path> segments = folder.segments();
    long excess = size(copies) + size(segments) - settings.mostOctets();
    int few = 0;
    while (few < copies.size() && size(copies.subList(0, few)) < excess) {
      few++;
    }
    long left = excess - size(copies.subList(0, few));
    Instant oldest = now.equals(Instant.MIN) ? now : now.minus(settings.longest());
    int count = 0;
    while (count + 1 < segments.size()
        && (size(segments.subList(0, count)) < left || isOlder(segments, count + 1, oldest))) {
      count++;
    }
    Optional<AuditEntry> first = count == 0 ? Optional.empty() : first(segments, count);
    if (first.isEmpty()) {
      count = 0;
    }
    while (few < copies.size() && isGone(copies.get(few), segments, count)) {
      few++;
    }
    if (few + count == 0) {
      return Optional.empty();
    }
    List<Path> files = new ArrayList<>(copies.subList(0, few));
    files.addAll(segments.subList(0, count));
    ChainEnd from =
        first.map(entry -> new ChainEnd(entry.sequence(), entry.before())).orElse(begin);
    String why = excess > 0 ? "size" : "age";
    return Optional.of(
        new Trim(
            List.copyOf(files),
            from,
            new AuditEvent.Trimmed(from.next() - 1, files.size(), size(files), why)));
  }

  private static long size(List<Path> files) throws IOException {
    long size = 0;
    for (Path file : files) {
      size += Files.size(file);
    }
    return size;
  }

  /** Whether the file that a copy is of is among the first ones, or was before them. */
  private static boolean isGone(Path copy, List<Path> segments, int count) {
    return !segments.isEmpty() && LogFolder.firstOf(copy) < LogFolder.firstOf(segments.get(count));
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
