package dev.vouchsafe.audit;

import dev.vouchsafe.audit.AuditReport.Compared;
import dev.vouchsafe.audit.AuditReport.Finding;
import dev.vouchsafe.audit.AuditReport.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.security.interfaces.ECPublicKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A log, line after line, held against what it must be. */
final class Verification {
  /**
   * The service signs after 1,024 entries, and a group of entries may be on its way; more are there
   * if its key store is away. Time is no measure: the entries' own times are whatever a clock made
   * of them.
   */
  private static final long MANY_UNSIGNED = 4L * Due.ENTRIES;

  /**
   * That many whoever can write the folder may have made up as well: then the log is not sound
   * until a later checkpoint covers them.
   */
  static final long MOST_UNSIGNED = 10_000;

  private final ECPublicKey key;
  private final List<Finding> findings = new ArrayList<>();
  private @Nullable CheckpointText given;
  private Compared compared = Compared.NOT_GIVEN;
  private String file = "";

  /** The last file, while it is read; a crash may have left its end. */
  private @Nullable Path written;

  private long line;
  private long position;
  private @Nullable ChainEnd end;
  private @Nullable ChainEnd first;
  private @Nullable CheckpointText newest;
  private @Nullable String newestText;
  private long entries;
  private long checkpoints;
  private long unsigned;
  private long unsignedAtStart;
  private boolean unknownUnsigned;

  Verification(ECPublicKey key) {
    this.key = key;
  }

  /** Has the log held against a checkpoint from elsewhere. */
  void compareWith(String jws) {
    try {
      given = CheckpointText.verify(jws.strip(), key);
      compared = Compared.DIFFERS;
    } catch (BadLineException e) {
      compared = Compared.DIFFERS;
      find(Kind.CHECKPOINT_DIFFERS, 0, "the checkpoint that was given: " + e.getMessage());
    }
  }

  /**
   * The beginning of a file.
   *
   * @param last whether no other file follows
   */
  void begin(Path segment, boolean last) {
    file = String.valueOf(segment.getFileName());
    written = last ? segment : null;
    line = 0;
    position = 0;
    ChainEnd before = end;
    if (before != null && LogFolder.firstOf(segment) != before.next()) {
      find(
          Kind.CHAIN_BROKEN,
          before.next(),
          "entry " + before.next() + " is expected here, by its name the file begins with another");
    }
  }

  /**
   * The next line of the file.
   *
   * @return false if the rest of the file is what a crash leaves: then it is told, and over
   */
  boolean line(byte[] octets) throws IOException {
    line++;
    AuditEntry entry = null;
    String why = "";
    try {
      entry = LineParser.parse(octets);
    } catch (BadLineException e) {
      why = String.valueOf(e.getMessage());
    }
    if ((entry == null || (end != null && !end.takes(entry))) && isHalfWritten()) {
      return false;
    }
    if (entry == null) {
      find(Kind.NOT_A_LINE, next(), "where entry " + next() + " is expected: " + why);
      unsigned++;
      if (end != null) {
        end = ChainEnd.after(end.next(), octets);
      }
    } else {
      take(entry, octets);
    }
    position += octets.length;
    return true;
  }

  private long next() {
    ChainEnd before = end;
    return before == null ? 0 : before.next();
  }

  private boolean isHalfWritten() throws IOException {
    Path last = written;
    if (last == null) {
      return false;
    }
    long expected = end == null ? LogFolder.firstOf(last) : next();
    Optional<HalfWritten> left = HalfWritten.find(last, position, expected);
    left.ifPresent(found -> findTorn(found, expected));
    return left.isPresent();
  }

  private void findTorn(HalfWritten left, long at) {
    find(
        Kind.TORN_END,
        at,
        left.octets()
            + " octets of entries that never came whole to the disk: a crash, or the service is"
            + " writing them");
  }

  private void take(AuditEntry entry, byte[] octets) {
    ChainEnd before = end;
    if (before == null) {
      first = new ChainEnd(entry.sequence(), entry.before());
      compareBegin(first);
    } else if (!before.takes(entry)) {
      find(Kind.CHAIN_BROKEN, before.next(), broken(before, entry));
    }
    if (entry.event() instanceof AuditEvent.Checkpoint
        && !Arrays.equals(
            octets,
            LineFormat.line(entry.sequence(), entry.time(), entry.before(), entry.event()))) {
      // A later version's entry may say more; this has one form, which nothing covers else.
      find(Kind.CHECKPOINT_WRONG, entry.sequence(), "the checkpoint's line is not as we write it");
    }
    entries++;
    end = ChainEnd.after(entry.sequence(), octets);
    see(entry);
    compare(entry.sequence());
  }

  private static String broken(ChainEnd before, AuditEntry entry) {
    if (entry.sequence() > before.next()) {
      return "entries " + before.next() + " to " + (entry.sequence() - 1) + " are missing";
    }
    return entry.sequence() == before.next()
        ? "entry " + (before.next() - 1) + " is not the one that was written there"
        : "entry " + before.next() + " is expected, entry " + entry.sequence() + " stands there";
  }

  private void see(AuditEntry entry) {
    switch (entry.event()) {
      case AuditEvent.Checkpoint checkpoint -> checkpoint(entry, checkpoint);
      case AuditEvent.Started started -> {
        unsigned++;
        unsignedAtStart += started.unsigned();
      }
      case AuditEvent.Unknown unknown -> {
        unsigned++;
        unknownUnsigned = true;
      }
      default -> unsigned++;
    }
  }

  private void checkpoint(AuditEntry entry, AuditEvent.Checkpoint checkpoint) {
    try {
      CheckpointText text = CheckpointText.verify(checkpoint.jws(), key);
      if (!text.end().takes(entry)) {
        find(
            Kind.CHECKPOINT_WRONG,
            entry.sequence(),
            "the checkpoint is about other entries than those before it");
      } else if (!text.time().equals(entry.time())) {
        find(Kind.CHECKPOINT_WRONG, entry.sequence(), "the checkpoint is of another time");
      } else {
        newest = text;
        newestText = checkpoint.jws();
        checkpoints++;
        unsigned = 0;
        unknownUnsigned = false;
        return;
      }
    } catch (BadLineException e) {
      find(Kind.CHECKPOINT_WRONG, entry.sequence(), String.valueOf(e.getMessage()));
    }
    unsigned++;
  }

  private void compareBegin(ChainEnd begin) {
    CheckpointText wanted = given;
    if (wanted == null) {
      return;
    }
    if (wanted.end().next() < begin.next()) {
      compared = Compared.TRIMMED;
    } else if (wanted.end().equals(begin)) {
      compared = Compared.HOLDS;
    }
  }

  private void compare(long sequence) {
    CheckpointText wanted = given;
    ChainEnd now = end;
    if (wanted != null && now != null && wanted.end().next() == sequence + 1) {
      compared = wanted.end().equals(now) ? Compared.HOLDS : Compared.DIFFERS;
    }
  }

  /**
   * The end of a file.
   *
   * @param torn what stands behind its last line
   */
  void end(byte[] torn) {
    if (torn.length == 0) {
      return;
    }
    line++;
    long at = next();
    Optional<HalfWritten> left =
        written == null
            ? Optional.empty()
            : HalfWritten.find(
                torn, position, end == null ? LogFolder.firstOf(written) : end.next());
    if (left.isPresent()) {
      findTorn(left.get(), at);
    } else {
      find(
          Kind.NOT_A_LINE,
          at,
          torn.length + " octets stand here that are no entry, and not the beginning of the next");
    }
  }

  AuditReport report() {
    requireBeginning();
    if (entries == 0) {
      find(Kind.UNSIGNED, 0, "there is no entry");
    } else if (checkpoints == 0) {
      find(Kind.UNSIGNED, last(), "this key has signed no checkpoint in this log");
    } else if (unsigned > MANY_UNSIGNED) {
      find(
          unsigned > MOST_UNSIGNED ? Kind.FAR_TOO_MANY_UNSIGNED : Kind.NOT_YET_SIGNED,
          last(),
          unsigned
              + " entries at the end are not yet signed: nothing but the chain vouches for them");
    }
    if (unknownUnsigned) {
      // A checkpoint that was changed at the end would look like that.
      find(
          Kind.NOT_A_LINE,
          last(),
          "an entry at the end, without a checkpoint, is of no known kind");
    }
    CheckpointText wanted = given;
    if (wanted != null && compared == Compared.DIFFERS) {
      find(
          Kind.CHECKPOINT_DIFFERS,
          wanted.end().next() - 1,
          last() < wanted.end().next() - 1
              ? "the log ends with entry "
                  + last()
                  + ", but entry "
                  + (wanted.end().next() - 1)
                  + " was there when the checkpoint was signed: its end was cut off"
              : "entry "
                  + (wanted.end().next() - 1)
                  + " is not the one that the checkpoint was signed over");
    }
    long begin = first == null ? 0 : first.next();
    return new AuditReport(
        entries,
        checkpoints,
        begin,
        last(),
        begin > 0,
        newest == null ? begin - 1 : newest.end().next() - 1,
        Optional.ofNullable(newest).map(CheckpointText::time),
        Optional.ofNullable(newestText),
        unsigned,
        unsignedAtStart,
        compared,
        findings);
  }

  private long last() {
    return end == null ? -1 : end.next() - 1;
  }

  /** What the log removed itself, it signed: no more may be missing. */
  private void requireBeginning() {
    ChainEnd begin = first;
    ChainEnd promised = newest == null ? ChainEnd.START : newest.from();
    if (begin == null || begin.next() < promised.next() || begin.equals(promised)) {
      return;
    }
    findings.addFirst(
        new Finding(
            Kind.BEGINNING_MISSING,
            "",
            0,
            begin.next(),
            begin.next() == promised.next()
                ? "the first entry does not follow the last one that was removed"
                : "the log begins with entry "
                    + begin.next()
                    + ", but it has removed only those before entry "
                    + promised.next()));
  }

  private void find(Kind kind, long entry, String detail) {
    if (findings.size() < AuditVerifier.MOST_FINDINGS) {
      findings.add(new Finding(kind, file, line, entry, detail));
    }
  }
}
