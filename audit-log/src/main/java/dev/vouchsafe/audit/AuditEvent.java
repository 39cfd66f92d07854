package dev.vouchsafe.audit;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Something that is on record. Texts may come from strangers: they are escaped and cut to a bounded
 * length when they are written. None holds a secret.
 */
public sealed interface AuditEvent {
  /** How a request ended. */
  enum Outcome {
    /**
     * A certificate or a token was made, and goes to the caller unless a later entry, which names
     * it as well, says that it was withheld.
     */
    ISSUED,
    /** A definite no. */
    REFUSED,
    /** It couldn't be decided or done then. */
    UNAVAILABLE,
    /** It couldn't be decided as it was asked: nothing was refused. */
    INVALID;

    /** As it stands in the log. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * The process that asked.
   *
   * @param pid its process id
   * @param uid its user id at connect
   * @param gid its group id at connect
   * @param groups its supplementary groups at connect, if they were seen
   * @param executable the path of its executable, as the kernel named it, if it was seen
   * @param cgroup the path of its control group, if it was seen
   */
  record Who(
      int pid,
      long uid,
      long gid,
      List<Long> groups,
      Optional<String> executable,
      Optional<String> cgroup) {
    public Who {
      groups = List.copyOf(groups);
    }

    /** One whose groups were not seen. */
    public Who(int pid, long uid, long gid, Optional<String> executable, Optional<String> cgroup) {
      this(pid, uid, gid, List.of(), executable, cgroup);
    }
  }

  /**
   * How one selector fared.
   *
   * @param wanted the selector as written
   * @param measured what was found
   * @param match {@code yes}, {@code no} or {@code unavailable}
   * @param part where in the registration it stands: {@code selectors}, where it must hold, {@code
   *     any 1} and so on for the alternatives, {@code not}, where it may not hold
   */
  record Selector(String wanted, String measured, String match, String part) {
    /** One that must hold, as all do that say nothing else. */
    static final String REQUIRED = "selectors";

    /** One that must hold. */
    public Selector(String wanted, String measured, String match) {
      this(wanted, measured, match, REQUIRED);
    }
  }

  /**
   * What was asked for.
   *
   * @param module the registration, by the name that the caller gave or that was found; empty if
   *     neither
   * @param generation the registration's generation id; empty if there is no such registration
   * @param operation such as {@code certificate}, {@code token}, {@code sign}
   * @param channel such as {@code unix}
   */
  record Asked(String module, String generation, String operation, String channel) {
    /** Where no registration is known. */
    public Asked(String module, String operation, String channel) {
      this(module, "", operation, channel);
    }
  }

  /**
   * How a request ended.
   *
   * @param reason a stable code; {@code ok} if something was issued
   * @param detail one sentence, empty if there is nothing to add
   * @param certificates serials of the certificates that were made, lower-case hex
   * @param tokens ids ({@code jti}) of the tokens that were made
   * @param expires when they do
   */
  record Decision(
      Outcome outcome,
      String reason,
      String detail,
      Asked asked,
      Who process,
      List<Selector> selectors,
      List<String> certificates,
      List<String> tokens,
      Optional<Instant> expires)
      implements AuditEvent {
    public Decision {
      selectors = List.copyOf(selectors);
      certificates = List.copyOf(certificates);
      tokens = List.copyOf(tokens);
    }

    /** One of which nothing is said to expire. */
    public Decision(
        Outcome outcome,
        String reason,
        String detail,
        Asked asked,
        Who process,
        List<Selector> selectors,
        List<String> certificates,
        List<String> tokens) {
      this(
          outcome,
          reason,
          detail,
          asked,
          process,
          selectors,
          certificates,
          tokens,
          Optional.empty());
    }

    /** Whether something was made, whether it was handed over or not. */
    boolean made() {
      return !certificates.isEmpty() || !tokens.isEmpty();
    }
  }

  /**
   * What an administrator did, or tried.
   *
   * @param uid the administrator's user id
   * @param action such as {@code reveal-key}
   * @param object what it was done to
   * @param result {@code done}, or the code of what went wrong
   */
  record Act(long uid, String action, String object, String result) implements AuditEvent {}

  /**
   * The registrations became others.
   *
   * @param count how many there are
   * @param problems file and code of each file that was not taken as it is
   */
  record Registrations(
      int count,
      List<String> added,
      List<String> removed,
      List<String> changed,
      List<String> problems)
      implements AuditEvent {
    public Registrations {
      added = List.copyOf(added);
      removed = List.copyOf(removed);
      changed = List.copyOf(changed);
      problems = List.copyOf(problems);
    }
  }

  /**
   * The service started. Written by the log itself.
   *
   * @param version of the program
   * @param unsigned entries before this one that no checkpoint covered when it started: what was
   *     written in the last moments before a crash, or by somebody else
   * @param tornOctets octets of a group that a crash left half written, which were cut off
   * @param tornEntries of how many entries they were, as far as can be told
   * @param note what is wrong with what the log held; empty if nothing is
   */
  record Started(String version, long unsigned, long tornOctets, long tornEntries, String note)
      implements AuditEvent {}

  /** The service stopped as it was told to. Written by the log itself. */
  record Stopped() implements AuditEvent {}

  /**
   * How often an attested module did something that is not recorded one by one.
   *
   * @param since start of the time that was counted, which ends at the time of the entry
   */
  record Count(String module, String operation, Instant since, long count) implements AuditEvent {}

  /** Refusals alike. */
  record Alike(long uid, String outcome, String reason, long count) {}

  /**
   * Refusals that were too many to be written one by one.
   *
   * @param since start of the time that was counted, which ends at the time of the entry
   * @param alike the most frequent ones
   * @param others how many there were besides
   */
  record Refusals(Instant since, List<Alike> alike, long others) implements AuditEvent {
    public Refusals {
      alike = List.copyOf(alike);
    }
  }

  /**
   * The clock was set, or went wrong: it shows another time than by what passed.
   *
   * @param from what it would show
   * @param to what it shows
   */
  record ClockJumped(Instant from, Instant to) implements AuditEvent {}

  /** So many events are not in the log, since it couldn't be written then. */
  record Lost(long count) implements AuditEvent {}

  /**
   * The oldest files were removed, as the limits say; the checkpoint behind this entry says the
   * same signed.
   *
   * @param through sequence number of the last entry that was removed
   * @param files how many files
   * @param octets how large they were
   * @param reason {@code size} or {@code age}
   */
  record Trimmed(long through, int files, long octets, String reason) implements AuditEvent {}

  /**
   * A signature over all that is before it. Written by the log itself.
   *
   * @param jws a JSON Web Signature, compact serialization (RFC 7515 section 7.1)
   */
  record Checkpoint(String jws) implements AuditEvent {}

  /** An entry of a kind that a later version made. */
  record Unknown(String type) implements AuditEvent {}
}
