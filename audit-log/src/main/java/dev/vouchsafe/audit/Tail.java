package dev.vouchsafe.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.interfaces.ECPublicKey;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a log ended when it was opened.
 *
 * <p>What was written and never came whole to the disk is cut off: what a crash leaves of a group
 * that was not synced ({@link HalfWritten}), and octets behind the last line feed. Nothing else is:
 * whoever changed a line must not have us remove the ones behind it. Where lines don't follow one
 * another, the log goes on in a new file, and {@link AuditVerifier} finds the place.
 *
 * @param end where the chain goes on
 * @param segment the file to go on in; empty if a new one is to be begun
 * @param goodOctets how much of that file is good
 * @param rest what stands behind that, and is to be cut off
 * @param checkpoint the newest one that the key signed
 * @param unsigned how many lines, checkpoints aside, no checkpoint covers; behind the last one that
 *     looks like one, if the key isn't known
 * @param note what is wrong, empty if nothing is
 */
record Tail(
    ChainEnd end,
    Optional<Path> segment,
    long goodOctets,
    Rest rest,
    Optional<CheckpointText> checkpoint,
    long unsigned,
    String note) {
  private static final Tail NEW =
      new Tail(ChainEnd.START, Optional.empty(), 0, Rest.NONE, Optional.empty(), 0, "");

  /**
   * What is to be cut off.
   *
   * @param octets how many
   * @param entries of how many entries, as far as can be told
   * @param isKept whether somebody may want to look at it: then it is copied first
   */
  record Rest(long octets, long entries, boolean isKept) {
    static final Rest NONE = new Rest(0, 0, false);
  }

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
    reading.readLast(last);
    Reading older = reading;
    long unsigned = reading.unsigned;
    for (int i = segments.size() - 2; i >= 0 && !older.signed; i--) {
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
        goesOn ? rest(folder, last, reading, end) : Rest.NONE,
        Optional.ofNullable(older.checkpoint),
        unsigned,
        note);
  }

  /**
   * The newest checkpoint that a key signed.
   *
   * @throws IOException if the log can't be read
   */
  static Optional<CheckpointText> checkpoint(LogFolder folder, ECPublicKey key) throws IOException {
    for (Path segment : folder.segments().reversed()) {
      Reading reading = new Reading(key);
      reading.read(segment);
      if (reading.checkpoint != null) {
        return Optional.of(reading.checkpoint);
      }
    }
    return Optional.empty();
  }

  /**
   * What is to be cut off; or was, by a start that ended before it could say so: then a copy of it
   * bears the name of this place.
   */
  private static Rest rest(LogFolder folder, Path last, Reading reading, ChainEnd end)
      throws IOException {
    long octets = reading.size - reading.good;
    Path aside = folder.aside(last, reading.good);
    if (octets > 0) {
      Optional<HalfWritten> left =
          octets == reading.torn.length
              ? HalfWritten.find(reading.torn, reading.good, end.next())
              : reading.left;
      return new Rest(
          octets,
          left.map(HalfWritten::entries).orElse(0L),
          left.map(HalfWritten::wholeLines).orElse(true));
    }
    if (Files.isRegularFile(aside, LinkOption.NOFOLLOW_LINKS)) {
      return new Rest(
          Files.size(aside),
          HalfWritten.findInCopy(aside, reading.good, end.next())
              .map(HalfWritten::entries)
              .orElse(0L),
          false);
    }
    return Rest.NONE;
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

    /** Whether there is a checkpoint, or what looks like one if the key isn't known. */
    private boolean signed;

    private long unsigned;
    private long good;
    private long size;
    private byte[] torn = {};
    private Optional<HalfWritten> left = Optional.empty();
    private String why = "";
    private String note = "";

    Reading(@Nullable ECPublicKey key) {
      this.key = key;
    }

    void read(Path segment) throws IOException {
      read(segment, false);
    }

    /** The same for the file that was being written. */
    void readLast(Path segment) throws IOException {
      read(segment, true);
    }

    private void read(Path segment, boolean last) throws IOException {
      try (Lines lines = Lines.of(segment)) {
        byte[] line;
        while ((line = lines.next()) != null) {
          AuditEntry entry = parsed(line);
          if (last && note.isEmpty() && (entry == null || !follows(segment, entry))) {
            left = HalfWritten.find(segment, good, next(segment));
            if (left.isPresent()) {
              size = good + left.get().octets();
              return;
            }
          }
          if (line[line.length - 1] == '\n') {
            take(segment, line, entry);
            good = lines.position();
          }
        }
        torn = lines.torn();
        size = lines.position() + torn.length;
      }
    }

    private long next(Path segment) {
      ChainEnd before = end;
      return before == null ? LogFolder.firstOf(segment) : before.next();
    }

    private @Nullable AuditEntry parsed(byte[] line) {
      try {
        return LineParser.parse(line);
      } catch (BadLineException e) {
        why = String.valueOf(e.getMessage());
        return null;
      }
    }

    private boolean follows(Path segment, AuditEntry entry) {
      ChainEnd before = end;
      return before == null ? entry.sequence() == LogFolder.firstOf(segment) : before.takes(entry);
    }

    private void take(Path segment, byte[] line, @Nullable AuditEntry entry) {
      if (entry == null) {
        tell(segment, "something is no line: " + why);
        unsigned++;
        if (end != null) {
          end = ChainEnd.after(end.next(), line);
        }
        return;
      }
      if (!follows(segment, entry)) {
        tell(segment, "line " + entry.sequence() + " does not follow the one before it");
      }
      see(entry);
      end = ChainEnd.after(entry.sequence(), line);
    }

    private void see(AuditEntry entry) {
      if (!(entry.event() instanceof AuditEvent.Checkpoint found)) {
        unsigned++;
        return;
      }
      if (key == null) {
        signed = true;
        unsigned = 0;
        return;
      }
      try {
        CheckpointText text = CheckpointText.verify(found.jws(), key);
        if (text.end().takes(entry)) {
          checkpoint = text;
          signed = true;
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
