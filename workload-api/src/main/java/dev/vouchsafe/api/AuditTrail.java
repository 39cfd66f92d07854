package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.Caller;
import dev.vouchsafe.attestation.CallerDescription;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.SelectorResult;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.attestation.Written;
import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.audit.AuditEvent.Outcome;
import dev.vouchsafe.audit.AuditLog;
import dev.vouchsafe.audit.AuditUnavailableException;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedCertificate;
import dev.vouchsafe.ca.IssuedToken;
import dev.vouchsafe.ca.clock.ClockChange;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Puts on record how requests end, in the words of the audit log. What hands something out is
 * recorded before the answer, or not handed out; the rest never holds anybody up.
 */
final class AuditTrail {
  private static final QuietLog LOG = new QuietLog(AuditTrail.class);
  private static final String CHANNEL = "unix";

  /** In the place of a user id: nobody's, or not known. */
  static final long UNSEEN = -1;

  private final AuditLog log;
  private final Attestor attestor;
  private final Metrics metrics;

  AuditTrail(AuditLog log, Attestor attestor, Metrics metrics) {
    this.metrics = metrics;
    this.log = log;
    this.attestor = attestor;
  }

  /**
   * Whom a decision is about.
   *
   * @param module the registration's name, or what the caller gave as one
   * @param generation the registration's; empty if there is none
   */
  record Subject(String module, String generation) {
    /** No module was named, and none was found. */
    static final Subject NOBODY = new Subject("", "");

    static Subject of(Registration registration) {
      return new Subject(registration.name(), registration.generation());
    }

    /** Someone who gave a name that nobody has. */
    static Subject unknown(String name) {
      return new Subject(name, "");
    }
  }

  /**
   * What was made for a caller.
   *
   * @param certificates serials
   * @param tokens ids
   * @param expires when they do
   * @param again whether it is on record already, and is handed out once more
   */
  record Made(
      List<String> certificates, List<String> tokens, Optional<Instant> expires, boolean again) {
    static final Made NOTHING = new Made(List.of(), List.of(), Optional.empty());

    Made(List<String> certificates, List<String> tokens, Optional<Instant> expires) {
      this(certificates, tokens, expires, false);
    }

    static Made of(Svid svid) {
      return new Made(
          List.of(svid.serial()), List.of(), Optional.of(svid.notAfter()), svid.isOnRecord());
    }

    static Made of(IssuedCertificate issued) {
      return new Made(List.of(issued.serial()), List.of(), Optional.of(issued.notAfter()));
    }

    static Made of(IssuedToken issued) {
      return new Made(List.of(), List.of(issued.id()), Optional.of(issued.expiresAt()));
    }
  }

  /**
   * Records what is to be handed out. A certificate waits for the disk, unless one that it was
   * handed out before stands there already; a token doesn't.
   *
   * @return ends when it is recorded; if it can't be, it must not be handed out
   */
  CompletableFuture<Void> issued(ModuleCall call, Verdict.Attested attested, Made made) {
    AuditEvent decision =
        decision(
            Outcome.ISSUED,
            "ok",
            "",
            call,
            Subject.of(attested.registration()),
            attested.results(),
            made);
    if (!made.certificates().isEmpty() && !made.again()) {
      return log.record(decision);
    }
    try {
      log.promise(decision);
      return CompletableFuture.completedFuture(null);
    } catch (AuditUnavailableException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** Takes back that something was issued: it is not handed out, since it can't be recorded. */
  Failure unrecorded(ModuleCall call, Verdict.Attested attested, Made made, Throwable why) {
    LOG.warning("not handed out, since it can't be recorded: " + why.getMessage());
    withheld(
        Problem.AUDIT_UNAVAILABLE.code(), String.valueOf(why.getMessage()), call, attested, made);
    return Failure.of(
        Problem.AUDIT_UNAVAILABLE, "what is issued can't be recorded now; ask again later");
  }

  /** It goes to the connection of its caller. */
  void handedOver(Made made) {
    metrics.decided(Outcome.ISSUED, "ok");
    if (!made.again()) {
      metrics.issued(made);
    }
  }

  /** Takes back that something was issued: its answer did not go out. */
  void undelivered(ModuleCall call, Verdict.Attested attested, Made made) {
    withheld("not-delivered", "the connection ended before the answer", call, attested, made);
  }

  private void withheld(
      String reason, String detail, ModuleCall call, Verdict.Attested attested, Made made) {
    ended(
        Outcome.UNAVAILABLE,
        reason,
        detail,
        call,
        Subject.of(attested.registration()),
        attested.results(),
        made);
  }

  /**
   * Records a request that ended without an answer of substance.
   *
   * @param outcome refused, unavailable or invalid
   * @param results what was measured
   * @param made what was made and is withheld
   */
  void ended(
      Outcome outcome,
      String reason,
      String detail,
      ModuleCall call,
      Subject subject,
      List<SelectorResult> results,
      Made made) {
    metrics.decided(outcome, reason);
    log.note(decision(outcome, reason, detail, call, subject, results, made));
  }

  /** Records that something couldn't be done for a caller. */
  void notDone(
      ModuleCall call, Subject subject, List<SelectorResult> results, IssuanceException e) {
    Optional<Outcome> outcome =
        switch (e.reason().kind()) {
          // Nothing was decided: the request was none.
          case INVALID -> Optional.empty();
          case REFUSED -> Optional.of(Outcome.REFUSED);
          case UNAVAILABLE, LIMITED, FAILED -> Optional.of(Outcome.UNAVAILABLE);
        };
    if (outcome.isPresent()) {
      ended(
          outcome.get(),
          e.reason().code(),
          String.valueOf(e.getMessage()),
          call,
          subject,
          results,
          Made.NOTHING);
    }
  }

  /** Records octets that another process wrote than the one that connected. */
  void foreignWriter(Written.By connected, String detail) {
    metrics.decided(Outcome.REFUSED, "foreign-writer");
    log.note(
        new AuditEvent.Decision(
            Outcome.REFUSED,
            "foreign-writer",
            detail,
            new AuditEvent.Asked("", Operation.OTHER.text(), CHANNEL),
            new AuditEvent.Who(
                connected.pid(), connected.uid(), UNSEEN, Optional.empty(), Optional.empty()),
            List.of(),
            List.of(),
            List.of()));
  }

  /** Records a connection whose process can't be named. */
  void nameless(Object owner) {
    metrics.decided(Outcome.UNAVAILABLE, Problem.CALLER_UNKNOWN.code());
    log.note(
        new AuditEvent.Decision(
            Outcome.UNAVAILABLE,
            Problem.CALLER_UNKNOWN.code(),
            "the kernel could not name the calling process",
            new AuditEvent.Asked("", Operation.OTHER.text(), CHANNEL),
            new AuditEvent.Who(
                0,
                owner instanceof Number uid ? uid.longValue() : UNSEEN,
                UNSEEN,
                Optional.empty(),
                Optional.empty()),
            List.of(),
            List.of(),
            List.of()));
  }

  /** Counts what is not recorded one by one. */
  void count(ModuleCall call, Registration registration) {
    log.count(registration.name(), Operation.of(call.request().path()).text());
  }

  /** Records how the registrations stand, or changed. */
  void registrations(AuditEvent.Registrations event) {
    log.note(event);
  }

  /**
   * Records that the clock was set, rather than went on.
   *
   * @param from what it would show by the time that passed
   * @param to what it shows
   */
  void clockJumped(Instant from, Instant to) {
    log.note(new AuditEvent.ClockJumped(from, to));
  }

  /** Records that time did not go on as it should. */
  void clock(ClockChange change) {
    if (change.kind() == ClockChange.Kind.JUMPED) {
      clockJumped(change.from(), change.to());
      return;
    }
    log.note(
        new AuditEvent.Act(
            UNSEEN,
            "clock-" + change.kind().text(),
            "from " + Times.text(change.from()) + " to " + Times.text(change.to()),
            change.verdict().text()));
  }

  /** Records what an administrator did, or tried. */
  void act(long uid, String action, String object, String result) {
    log.note(new AuditEvent.Act(uid, action, object, result));
  }

  /**
   * Records what an administrator is about to be shown.
   *
   * @throws Failure if it can't be recorded
   */
  void requireAct(long uid, String action, String object) throws Failure {
    require(uid, action, object, "done");
  }

  /**
   * Records what an administrator asks for, before anything of it is done. What becomes of it is
   * another entry.
   *
   * @throws Failure if it can't be recorded
   */
  void requireAsked(long uid, String action, String object) throws Failure {
    require(uid, action, object, "asked");
  }

  private void require(long uid, String action, String object, String result) throws Failure {
    try {
      log.require(new AuditEvent.Act(uid, action, object, result));
    } catch (AuditUnavailableException e) {
      throw Failure.of(Problem.AUDIT_UNAVAILABLE, "it can't be recorded: " + e.getMessage());
    }
  }

  private AuditEvent.Decision decision(
      Outcome outcome,
      String reason,
      String detail,
      ModuleCall call,
      Subject subject,
      List<SelectorResult> results,
      Made made) {
    return new AuditEvent.Decision(
        outcome,
        reason,
        detail,
        new AuditEvent.Asked(
            subject.module(),
            subject.generation(),
            Operation.of(call.request().path()).text(),
            CHANNEL),
        process(call.caller()),
        results.stream().map(AuditTrail::selector).toList(),
        made.certificates(),
        made.tokens(),
        made.expires());
  }

  private AuditEvent.Who process(Caller caller) {
    CallerDescription seen = attestor.describe(caller);
    return new AuditEvent.Who(
        caller.pid(), caller.uid(), caller.gid(), seen.groups(), seen.executable(), seen.cgroup());
  }

  private static AuditEvent.Selector selector(SelectorResult result) {
    String match =
        switch (result.outcome()) {
          case HOLDS -> "yes";
          case DOES_NOT_HOLD -> "no";
          case UNAVAILABLE -> "unavailable";
        };
    return new AuditEvent.Selector(result.wanted(), result.measured(), match, result.part());
  }
}
