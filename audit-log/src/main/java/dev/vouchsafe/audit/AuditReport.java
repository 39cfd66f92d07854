package dev.vouchsafe.audit;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What was found out about a log.
 *
 * @param entries how many entries there are
 * @param checkpoints how many checkpoints the key signed
 * @param first number of the first entry that is kept
 * @param last number of the last entry; one less than {@code first} if there is none
 * @param trimmed whether the log itself removed older entries
 * @param signedThrough number of the last entry that a checkpoint covers, itself aside
 * @param signedAt when that checkpoint was signed
 * @param checkpoint that checkpoint's text, for a place that whoever can write the log's folder
 *     can't write
 * @param unsigned how many entries are behind it
 * @param unsignedAtStart entries that no checkpoint covered when the service started again, all
 *     starts together: somebody else may have written these
 * @param compared how the checkpoint that was given compares
 * @param findings what is wrong, in the order of the log; no more than {@link
 *     AuditVerifier#MOST_FINDINGS}
 */
public record AuditReport(
    long entries,
    long checkpoints,
    long first,
    long last,
    boolean trimmed,
    long signedThrough,
    Optional<Instant> signedAt,
    Optional<String> checkpoint,
    long unsigned,
    long unsignedAtStart,
    Compared compared,
    List<Finding> findings) {
  public AuditReport {
    findings = List.copyOf(findings);
  }

  /** How the log compares with a checkpoint from elsewhere. */
  public enum Compared {
    /** None was given. */
    NOT_GIVEN,
    /** The log is the one that was signed then, and nothing of it was cut off since. */
    HOLDS,
    /** The log has removed, by its limits, what that checkpoint is about. */
    TRIMMED,
    /** The log is not the one that was signed then, or its end was cut off. */
    DIFFERS
  }

  /** Kinds of what can be wrong. */
  public enum Kind {
    /** Something stands where a line should. */
    NOT_A_LINE,
    /**
     * A line isn't the one that was behind the line before it: edited, moved, inserted, removed.
     */
    CHAIN_BROKEN,
    /** Lines are missing at the beginning of what is kept. */
    BEGINNING_MISSING,
    /** A checkpoint is another key's, or of another log, or changed. */
    CHECKPOINT_WRONG,
    /** The log ends before a checkpoint that was given, or has other lines there. */
    CHECKPOINT_DIFFERS,
    /** Nothing in it is signed. */
    UNSIGNED,
    /**
     * Many entries behind the last checkpoint: the service's key store was away, or somebody wrote
     * them.
     */
    NOT_YET_SIGNED,
    /** More than that, so that the chain alone is not to be taken for a sound log. */
    FAR_TOO_MANY_UNSIGNED,
    /** The last entries are not whole: a crash leaves that, or the service is writing them. */
    TORN_END;

    /** Whether that is no change, but something to know. */
    public boolean isWarning() {
      return this == NOT_YET_SIGNED || this == TORN_END;
    }
  }

  /**
   * Something that is wrong.
   *
   * @param file the file, by name; empty if it is about none
   * @param line in that file, the first is 1; 0 if it is about none
   * @param entry number of the entry, or of the one that is expected there
   * @param detail one sentence
   */
  public record Finding(Kind kind, String file, long line, long entry, String detail) {}

  /** Whether nothing is wrong. */
  public boolean good() {
    return findings.isEmpty();
  }

  /** Whether nobody changed it, as far as can be seen. */
  public boolean sound() {
    return findings.stream().allMatch(finding -> finding.kind().isWarning());
  }

  /** Whether something shows that it was changed; else it may lack no more than a signature. */
  public boolean changed() {
    return findings.stream()
        .map(Finding::kind)
        .anyMatch(kind -> !kind.isWarning() && kind != Kind.FAR_TOO_MANY_UNSIGNED);
  }
}
