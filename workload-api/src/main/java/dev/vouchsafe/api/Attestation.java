package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.Caller;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.Registrations;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.attestation.Written;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds out as which registration a caller stands, and turns a verdict into what the caller learns:
 * that it was refused, never why. A module that is not registered, one on another channel, and one
 * that doesn't match all get the same answer.
 */
final class Attestation {
  private static final QuietLog LOG = new QuietLog(Attestation.class);

  private final Registrations registrations;
  private final Attestor attestor;

  Attestation(Registrations registrations, Attestor attestor) {
    this.registrations = registrations;
    this.attestor = attestor;
  }

  /** Who wrote what is read next from a connection ({@link Attestor#next}); never waits. */
  Written next(int socket, Written.By connected) {
    return attestor.next(socket, connected);
  }

  /**
   * Octets came that another process wrote than the one that connected; what it says is refused.
   *
   * @param connected the process that connected
   */
  void foreignWriter(Written.By connected, Written writer) {
    String wrote =
        switch (writer) {
          case Written.By by -> "written by pid " + by.pid() + ", uid " + by.uid();
          case Written.Nothing _ -> "written by nobody";
          case Written.Unsaid unsaid -> "of an unknown writer: " + unsaid.why();
        };
    LOG.info(
        "refused: pid "
            + connected.pid()
            + ", uid "
            + connected.uid()
            + ": foreign-writer: octets came on its connection "
            + wrote);
  }

  /**
   * Measures the caller against the registration that it names.
   *
   * @param rawName the name as it stood in the path or the query, percent-encoded
   */
  Verdict.Attested byName(Caller caller, String rawName) throws Failure {
    return held(caller, rawName, attestor.measure(caller, named(caller, rawName)));
  }

  /**
   * The registration that the caller names, before anything was measured: whoever gets an answer
   * because of it has still to be {@link #measured}.
   *
   * @param rawName the name as it stood in the path or the query, percent-encoded
   */
  Registration named(Caller caller, String rawName) throws Failure {
    Optional<Registration> found = find(registrations.current(), rawName);
    if (found.isEmpty()) {
      throw refused(caller, rawName, "not-registered", "there is no such registration");
    }
    Registration registration = found.get();
    if (!registration.channels().contains(Registration.Channel.UNIX)) {
      throw refused(
          caller, rawName, "wrong-channel", "the registration leaves out the unix channel");
    }
    return registration;
  }

  /** Measures callers against the registration that they {@link #named}, those of one together. */
  List<Verdict> measured(List<Caller> callers, Registration registration) {
    return attestor.measure(callers, registration);
  }

  /** Measures the caller against every registration that it could be; exactly one must hold. */
  Verdict.Attested byCaller(Caller caller) throws Failure {
    List<Verdict.Attested> holding = new ArrayList<>();
    Optional<Verdict.Unavailable> open = Optional.empty();
    for (Registration registration : registrations.current().candidates(caller)) {
      if (!registration.channels().contains(Registration.Channel.UNIX)) {
        continue;
      }
      switch (attestor.measure(caller, registration)) {
        case Verdict.Attested attested -> holding.add(attested);
        case Verdict.Unavailable unavailable -> open = Optional.of(unavailable);
        case Verdict.Refused refused -> {
          // One of the others may hold.
        }
      }
    }
    if (open.isPresent()) {
      // One that can't be measured now may hold as well: which one the caller is, is not known.
      throw unavailable(caller, "", open.get());
    }
    if (holding.isEmpty()) {
      throw refused(caller, "", "not-registered", "no registration holds for the caller");
    }
    if (holding.size() > 1) {
      throw Failure.several(
          holding.stream().map(each -> each.registration().name()).sorted().toList());
    }
    return holding.get(0);
  }

  /** Measures the caller until one registration holds, whichever it is. */
  Verdict.Attested any(Caller caller) throws Failure {
    Optional<Verdict.Unavailable> open = Optional.empty();
    for (Registration registration : registrations.current().candidates(caller)) {
      if (!registration.channels().contains(Registration.Channel.UNIX)) {
        continue;
      }
      switch (attestor.measure(caller, registration)) {
        case Verdict.Attested attested -> {
          return attested;
        }
        case Verdict.Unavailable unavailable -> open = Optional.of(unavailable);
        case Verdict.Refused refused -> {
          // One of the others may hold.
        }
      }
    }
    throw open.isPresent()
        ? unavailable(caller, "", open.get())
        : refused(caller, "", "not-registered", "no registration holds for the caller");
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

  /** The last look, just before the answer. */
  void confirm(Caller caller, Verdict.Attested attested) throws Failure {
    held(caller, attested.registration().name(), attestor.confirm(caller, attested));
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

  /**
   * What an attested caller may go on with; a failure for any other.
   *
   * @param name the name as the caller gave it, for the log
   */
  static Verdict.Attested held(Caller caller, String name, Verdict verdict) throws Failure {
    return switch (verdict) {
      case Verdict.Attested attested -> attested;
      case Verdict.Refused refused ->
          throw refused(caller, name, refused.reason(), refused.detail());
      case Verdict.Unavailable unavailable -> throw unavailable(caller, name, unavailable);
    };
  }

  private static Failure refused(Caller caller, String name, String reason, String detail) {
    LOG.info("refused: " + who(caller, name) + ": " + reason + ": " + detail);
    return Failure.of(Problem.CALLER_REFUSED, "forbidden");
  }

  private static Failure unavailable(Caller caller, String name, Verdict.Unavailable verdict) {
    LOG.warning(
        "can't attest: " + who(caller, name) + ": " + verdict.reason() + ": " + verdict.detail());
    return Failure.of(
        Problem.ATTESTATION_UNAVAILABLE, "the caller can't be measured now; ask again later");
  }

  private static String who(Caller caller, String name) {
    return "pid " + caller.pid() + ", uid " + caller.uid() + ", module '" + name + "'";
  }
}
