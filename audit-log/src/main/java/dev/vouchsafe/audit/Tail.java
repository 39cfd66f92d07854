package dev.vouchsafe.audit;

import java.io.IOException;
import java.nio.file.Path;
import java.security.interfaces.ECPublicKey;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a log ended when it was opened.
 *
 * <p>What was written and never came whole to the disk is cut off: octets behind the last line
 * feed, which a crash leaves. Nothing else is: whoever changed a line must not have us remove the
 * ones behind it. Where lines don't follow one another, the log goes on in a new file, and {@link
 * AuditVerifier} finds the place.
 *
 * @param end where the chain goes on
 * @param segment the file to go on in; empty if a new one is to be begun
 * @param goodOctets how much of that file is whole lines
 * @param tornOctets how much behind them is to be cut off
 * @param checkpoint the newest one that the key signed
 * @param unsigned how many lines, checkpoints aside, no checkpoint covers
 * @param note what is wrong, empty if nothing is
 */
record Tail(
    ChainEnd end,
    Optional<Path> segment,
    long goodOctets,
    long tornOctets,
    Optional<CheckpointText> checkpoint,
    long unsigned,
    String note) {
  private static final Tail NEW =
      new Tail(ChainEnd.START, Optional.empty(), 0, 0, Optional.empty(), 0, "");

  /**
   * Reads the last file, and those before it as far back as the newest checkpoint lies.
   *
   * @param key the audit key, null if it isn't known: then no checkpoint is found
   */
  static Tail read(LogFolder folder, @Nullable ECPublicKey key) throws IOException {
    List<Path> segments = folder.segments();
    if (segments.isEmpty()) {
      return NEW;
    }
    Path last = segments.getLast();
    Reading reading = new Reading(key);
    reading.read(last);
    Reading older = reading;
    long unsigned = reading.unsigned;
    for (int i = segments.size() - 2; i >= 0 && older.checkpoint == null && key != null; i--) {
      older = new Reading(key);
      older.read(segments.get(i));
      unsigned += older.unsigned;
    }
    String note = reading.note;
    ChainEnd end = reading.end;
    if (end == null) {
      end = beforeEmpty(segments);
    }
    if (end == null) {
      end = new ChainEnd(LogFolder.firstOf(last), ChainEnd.START.hash());
      note = last.getFileName() + ": no line in it, and none before it";
    }
    boolean goesOn = note.isEmpty();
    return new Tail(
        goesOn || end.next() > LogFolder.firstOf(last) ? end : pastName(last, end),
        goesOn ? Optional.of(last) : Optional.empty(),
        reading.good,
        goesOn ? reading.torn : 0,
        Optional.ofNullable(older.checkpoint),
        unsigned,
        note);
  }

  /** A new file needs a name that isn't taken. */
  private static ChainEnd pastName(Path last, ChainEnd end) {
    return new ChainEnd(LogFolder.firstOf(last) + 1, end.hash());
  }

  /** Where the chain stood when an empty last file was begun. */
  private static @Nullable ChainEnd beforeEmpty(List<Path> segments) throws IOException {
    if (segments.size() == 1) {
      return LogFolder.firstOf(segments.getFirst()) == 0 ? ChainEnd.START : null;
    }
    Reading before = new Reading(null);
    before.read(segments.get(segments.size() - 2));
    return before.end;
  }

  /** One file, read from its beginning to its end. */
  private static final class Reading {
    private final @Nullable ECPublicKey key;
    private @Nullable ChainEnd end;
    private @Nullable CheckpointText checkpoint;
    private long unsigned;
    private long good;
    private long torn;
    private String note = "";

    Reading(@Nullable ECPublicKey key) {
      this.key = key;
    }

    void read(Path segment) throws IOException {
      try (Lines lines = Lines.of(segment)) {
        byte[] line;
        while ((line = lines.next()) != null) {
          if (line[line.length - 1] == '\n') {
            take(segment, line);
            good = lines.position();
          }
        }
        torn = lines.position() + lines.torn().length - good;
      }
    }

    private void take(Path segment, byte[] line) {
      try {
        AuditEntry entry = LineParser.parse(line);
        boolean expected =
            end == null ? entry.sequence() == LogFolder.firstOf(segment) : end.takes(entry);
        if (!expected) {
          tell(segment, "line " + entry.sequence() + " does not follow the one before it");
        }
        see(entry);
        end = ChainEnd.after(entry.sequence(), line);
      } catch (BadLineException e) {
        tell(segment, "something is no line: " + e.getMessage());
        unsigned++;
        if (end != null) {
          end = ChainEnd.after(end.next(), line);
        }
      }
    }

    private void see(AuditEntry entry) {
      if (!(entry.event() instanceof AuditEvent.Checkpoint found)) {
        unsigned++;
        return;
      }
      if (key == null) {
        return;
      }
      try {
        CheckpointText text = CheckpointText.verify(found.jws(), key);
        if (text.end().takes(entry)) {
          checkpoint = text;
          unsigned = 0;
        } else {
          unsigned++;
        }
      } catch (BadLineException e) {
        unsigned++;
      }
    }

    private void tell(Path segment, String what) {
      if (note.isEmpty()) {
        note = segment.getFileName() + ": " + what + "; see `vouchsafe audit verify`";
      }
    }
  }
}
