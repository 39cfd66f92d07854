package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.Caller;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.SelectorResult;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.attestation.Written;
import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.trust.BundleReaders;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds out as which registration a caller stands, and turns a verdict into what the caller learns:
 * that it was refused, never why. A module that is not registered, one on another channel, and one
 * that doesn't match all get the same answer.
 */
final class Attestation {
  private static final QuietLog LOG = new QuietLog(Attestation.class);

  /** A look by a debugger, and a child that was forked and is about to run something else. */
  private static final Set<String> PASSING = Set.of("traced", "socket-shared");

  /** Selectors of that many registrations are recorded for a caller who named none. */
  private static final int MOST_CANDIDATES = 4;

  private final RegistrationChanges registrations;
  private final Attestor attestor;
  private final AuditTrail trail;
  private final BundleReaders readers;

  Attestation(
      RegistrationChanges registrations,
      Attestor attestor,
      AuditTrail trail,
      BundleReaders readers) {
    this.registrations = registrations;
    this.attestor = attestor;
    this.trail = trail;
    this.readers = readers;
  }

  /** Who wrote what is read next from a connection ({@link Attestor#next}); never waits. */
  Written next(int socket, Written.By connected) {
    return attestor.next(socket, connected);
  }

  /** A connection ends since its process can't be named; those that had no chance are not told. */
  void nameless(Peer peer) {
    if (peer.nameless() == null) {
      trail.nameless(peer.owner());
    }
  }

  /**
   * Octets came that another process wrote than the one that connected; what it says is refused.
   *
   * @param connected the process that connected
   */
  void foreignWriter(Written.By connected, Written writer) {
    String detail =
        "octets came on its connection "
            + switch (writer) {
              case Written.By by -> "written by pid " + by.pid() + ", uid " + by.uid();
              case Written.Nothing _ -> "written by nobody";
              case Written.Unsaid unsaid -> "of an unknown writer: " + unsaid.why();
            };
    LOG.info(
        "refused: pid "
            + connected.pid()
            + ", uid "
            + connected.uid()
            + ": foreign-writer: "
            + detail);
    trail.foreignWriter(connected, detail);
  }

  /**
   * Measures the caller against the registration that it names.
   *
   * @param rawName the name as it stood in the path or the query, percent-encoded
   */
  Verdict.Attested byName(ModuleCall call, String rawName) throws Failure {
    Registration registration = named(call, rawName, registrations());
    return held(call, registration, attestor.measure(call.caller(), registration));
  }

  /**
   * The registration that the caller names, before anything was measured: whoever gets an answer
   * because of it has still to be {@link #measured}.
   *
   * @param rawName the name as it stood in the path or the query, percent-encoded
   * @param set the {@link #registrations} as of some time after the call came
   */
  Registration named(ModuleCall call, String rawName, RegistrationSet set) throws Failure {
    Optional<Registration> found = find(set, rawName);
    if (found.isEmpty()) {
      throw refused(
          call,
          AuditTrail.Subject.unknown(rawName),
          refusal("not-registered", "there is no such registration"),
          AuditTrail.Made.NOTHING);
    }
    Registration registration = found.get();
    if (!registration.channels().contains(Registration.Channel.UNIX)) {
      throw refused(
          call,
          AuditTrail.Subject.of(registration),
          refusal("wrong-channel", "the registration leaves out the unix channel"),
          AuditTrail.Made.NOTHING);
    }
    return registration;
  }

  /** The registrations as of now, for calls that have come. */
  RegistrationSet registrations() {
    return registrations.current();
  }

  /** Measures callers against the registration that they {@link #named}, those of one together. */
  List<Verdict> measured(List<Caller> callers, Registration registration) {
    return attestor.measure(callers, registration);
  }

  /** Measures the caller against every registration that it could be; exactly one must hold. */
  Verdict.Attested byCaller(ModuleCall call) throws Failure {
    Candidates candidates = new Candidates();
    for (Registration registration : registrations.current().candidates(call.caller())) {
      measure(call.caller(), registration, candidates);
    }
    if (candidates.open != null) {
      // One that can't be measured now may hold as well: which one the caller is, is not known.
      throw unavailable(call, AuditTrail.Subject.NOBODY, candidates.open, AuditTrail.Made.NOTHING);
    }
    if (candidates.holding.isEmpty()) {
      throw noneHolds(call, candidates);
    }
    if (candidates.holding.size() > 1) {
      List<String> names =
          candidates.holding.stream().map(each -> each.registration().name()).sorted().toList();
      trail.ended(
          AuditEvent.Outcome.INVALID,
          Problem.SEVERAL_REGISTRATIONS.code(),
          String.join(", ", names),
          call,
          AuditTrail.Subject.NOBODY,
          List.of(),
          AuditTrail.Made.NOTHING);
      throw Failure.several(names);
    }
    return candidates.holding.getFirst();
  }

  /**
   * As what a caller stands.
   *
   * @param holding the registrations that hold, by name
   * @param failed what was measured of those that don't
   * @param mayPass whether one is refused for what its process may end by itself in a moment
   */
  record Standing(List<Verdict.Attested> holding, List<SelectorResult> failed, boolean mayPass) {}

  /**
   * Measures the caller against every registration that it could be. Records nothing, unless one
   * can't be measured now: then nothing is known, since that one may hold as well.
   */
  Standing all(ModuleCall call) throws Failure {
    Candidates candidates = new Candidates();
    for (Registration registration : registrations.current().candidates(call.caller())) {
      measure(call.caller(), registration, candidates);
    }
    if (candidates.open != null) {
      throw unavailable(call, AuditTrail.Subject.NOBODY, candidates.open, AuditTrail.Made.NOTHING);
    }
    candidates.holding.sort(Comparator.comparing(attested -> attested.registration().name()));
    candidates.holding.forEach(attested -> readers.heard(attested.registration().name()));
    return new Standing(
        List.copyOf(candidates.holding), List.copyOf(candidates.results), candidates.mayPass);
  }

  /** The end of a caller for whom no registration holds, on record. */
  Failure noneHolds(ModuleCall call, Standing standing) {
    return refused(
        call,
        AuditTrail.Subject.NOBODY,
        new Verdict.Refused(
            "not-registered", "no registration holds for the caller", standing.failed()),
        AuditTrail.Made.NOTHING);
  }

  /** Measures the caller until one registration holds, whichever it is. */
  Verdict.Attested any(ModuleCall call) throws Failure {
    Candidates candidates = new Candidates();
    for (Registration registration : registrations.current().candidates(call.caller())) {
      measure(call.caller(), registration, candidates);
      if (!candidates.holding.isEmpty()) {
        return candidates.holding.getFirst();
      }
    }
    throw candidates.open != null
        ? unavailable(call, AuditTrail.Subject.NOBODY, candidates.open, AuditTrail.Made.NOTHING)
        : noneHolds(call, candidates);
  }

  /** How the registrations that a caller could be fared. */
  private static final class Candidates {
    private final List<Verdict.Attested> holding = new ArrayList<>();
    private final List<SelectorResult> results = new ArrayList<>();
    private Verdict.@Nullable Unavailable open;
    private int refused;
    private boolean mayPass;
  }

  private void measure(Caller caller, Registration registration, Candidates candidates) {
    if (!registration.channels().contains(Registration.Channel.UNIX)) {
      return;
    }
    switch (attestor.measure(caller, registration)) {
      case Verdict.Attested attested -> candidates.holding.add(attested);
      case Verdict.Unavailable unavailable -> candidates.open = unavailable;
      case Verdict.Refused refused -> {
        // One of the others may hold.
        candidates.mayPass |= PASSING.contains(refused.reason());
        if (candidates.refused++ < MOST_CANDIDATES) {
          refused
              .results()
              .forEach(result ->
                  candidates.results.add(
                      new SelectorResult(
                          registration.name() + ": " + result.wanted(),
                          result.measured(),
                          result.outcome(),
                          result.part())));
        }
      }
    }
  }

  private Failure noneHolds(ModuleCall call, Candidates candidates) {
    return refused(
        call,
        AuditTrail.Subject.NOBODY,
        new Verdict.Refused(
            "not-registered", "no registration holds for the caller", candidates.results),
        AuditTrail.Made.NOTHING);
  }

  /** What would become of a caller that asked now. */
  enum Chance {
    /** Something holds for it. */
    GOOD,
    /** It would be refused. */
    NONE,
    /** It can't be told now. */
    UNTOLD
  }

  /**
   * Looks whether it is worth while for a caller to ask, and decides nothing.
   *
   * @param rawName the name that it asks for, percent-encoded, if it named one
   */
  Chance chance(Caller caller, Optional<String> rawName) {
    RegistrationSet set = registrations.current();
    List<Registration> asked;
    try {
      asked =
          rawName.isPresent() ? find(set, rawName.get()).stream().toList() : set.candidates(caller);
    } catch (Failure malformed) {
      return Chance.GOOD;
    }
    Chance chance = Chance.NONE;
    for (Registration registration : asked) {
      if (!registration.channels().contains(Registration.Channel.UNIX)) {
        continue;
      }
      switch (attestor.measure(caller, registration)) {
        case Verdict.Attested _ -> {
          return Chance.GOOD;
        }
        case Verdict.Unavailable _ -> chance = Chance.UNTOLD;
        case Verdict.Refused _ -> {
          // One of the others may hold.
        }
      }
    }
    return chance;
  }

  /**
   * As whom a caller stands, if that can be told and is one only. Decides nothing and records
   * nothing.
   *
   * @param rawName the name that it asks for, percent-encoded, if it named one
   */
  Optional<Registration> standing(Caller caller, Optional<String> rawName) {
    RegistrationSet set = registrations.current();
    List<Registration> asked;
    try {
      asked =
          rawName.isPresent() ? find(set, rawName.get()).stream().toList() : set.candidates(caller);
    } catch (Failure malformed) {
      return Optional.empty();
    }
    List<Registration> holding = new ArrayList<>();
    for (Registration registration : asked) {
      if (!registration.channels().contains(Registration.Channel.UNIX)) {
        continue;
      }
      switch (attestor.measure(caller, registration)) {
        case Verdict.Attested _ -> holding.add(registration);
        case Verdict.Unavailable _ -> {
          return Optional.empty();
        }
        case Verdict.Refused _ -> {
          // One of the others may hold.
        }
      }
    }
    return holding.size() == 1 ? Optional.of(holding.getFirst()) : Optional.empty();
  }

  /** The last look, just before the answer. */
  void confirm(ModuleCall call, Verdict.Attested attested) throws Failure {
    confirm(call, attested, AuditTrail.Made.NOTHING);
  }

  /**
   * The same, when something was made.
   *
   * @param made what is withheld if the caller is not what it was
   */
  void confirm(ModuleCall call, Verdict.Attested attested, AuditTrail.Made made) throws Failure {
    held(call, attested.registration(), attestor.confirm(call.caller(), attested), made);
  }

  /**
   * The registration of that name. A {@code +} is a plus sign, except that some SDKs write a space
   * as one; and {@code $edgeHub} is the system module {@code edgeHub}.
   */
  static Optional<Registration> find(RegistrationSet set, String rawName) throws Failure {
    String name = Percent.decode(rawName);
    Optional<Registration> found = set.byName(name);
    if (found.isEmpty() && rawName.indexOf('+') >= 0) {
      name = Percent.decode(rawName.replace('+', ' '));
      found = set.byName(name);
    }
    if (found.isEmpty() && name.startsWith("$")) {
      found = set.byName(name.substring(1));
    }
    return found;
  }

  /** What an attested caller may go on with; a failure for any other. */
  Verdict.Attested held(ModuleCall call, Registration registration, Verdict verdict)
      throws Failure {
    return held(call, registration, verdict, AuditTrail.Made.NOTHING);
  }

  private Verdict.Attested held(
      ModuleCall call, Registration registration, Verdict verdict, AuditTrail.Made made)
      throws Failure {
    return switch (verdict) {
      case Verdict.Attested attested -> {
        readers.heard(registration.name());
        yield attested;
      }
      case Verdict.Refused refused ->
          throw refused(call, AuditTrail.Subject.of(registration), refused, made);
      case Verdict.Unavailable unavailable ->
          throw unavailable(call, AuditTrail.Subject.of(registration), unavailable, made);
    };
  }

  /** An attested caller's request that is refused all the same. */
  Failure refusedAttested(
      ModuleCall call, Verdict.Attested attested, Problem problem, String detail) {
    trail.ended(
        AuditEvent.Outcome.REFUSED,
        problem.code(),
        detail,
        call,
        AuditTrail.Subject.of(attested.registration()),
        attested.results(),
        AuditTrail.Made.NOTHING);
    return Failure.of(problem, detail);
  }

  private static Verdict.Refused refusal(String reason, String detail) {
    return new Verdict.Refused(reason, detail, List.of());
  }

  private Failure refused(
      ModuleCall call, AuditTrail.Subject subject, Verdict.Refused verdict, AuditTrail.Made made) {
    LOG.info("refused: " + who(call, subject) + ": " + verdict.reason() + ": " + verdict.detail());
    trail.ended(
        AuditEvent.Outcome.REFUSED,
        verdict.reason(),
        verdict.detail(),
        call,
        subject,
        verdict.results(),
        made);
    return Failure.of(Problem.CALLER_REFUSED, "forbidden");
  }

  private Failure unavailable(
      ModuleCall call,
      AuditTrail.Subject subject,
      Verdict.Unavailable verdict,
      AuditTrail.Made made) {
    LOG.warning(
        "can't attest: " + who(call, subject) + ": " + verdict.reason() + ": " + verdict.detail());
    trail.ended(
        AuditEvent.Outcome.UNAVAILABLE,
        verdict.reason(),
        verdict.detail(),
        call,
        subject,
        verdict.results(),
        made);
    return Failure.of(
        Problem.ATTESTATION_UNAVAILABLE, "the caller can't be measured now; ask again later");
  }

  private static String who(ModuleCall call, AuditTrail.Subject subject) {
    Caller caller = call.caller();
    return "pid " + caller.pid() + ", uid " + caller.uid() + ", module '" + subject.module() + "'";
  }
}
