package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Caller;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.IssuanceException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Measures the caller of an IoT Edge path against the module that the path names. */
final class IotEdgeCallers {
  private final Attestation attestation;
  private final ModuleCalls calls;
  private final AuditTrail trail;

  IotEdgeCallers(Attestation attestation, ModuleCalls calls, AuditTrail trail) {
    this.calls = calls;
    this.attestation = attestation;
    this.trail = trail;
  }

  /** Where the path has no generation id. */
  Verdict.Attested byName(ModuleCall call, IotEdgePath path) throws Failure {
    return attestation.byName(call, path.name());
  }

  /** Where the path has one, it must be the registration's; only the module itself learns that. */
  Verdict.Attested byGeneration(ModuleCall call, IotEdgePath path) throws Failure {
    Verdict.Attested attested = byName(call, path);
    checkGeneration(call, attested, path);
    return attested;
  }

  /** The registrations as of now, for calls that have come. */
  RegistrationSet registrations() {
    return attestation.registrations();
  }

  /** What is computed for a module. */
  interface Work {
    /** Octets that nobody else has. */
    byte[] of(Registration registration) throws Failure, IssuanceException;
  }

  /**
   * A call with a result that nobody has seen yet.
   *
   * @param end what happens if the caller proves to be that module
   * @param forget what happens if not, instead
   */
  record Computed(
      ModuleCall call,
      IotEdgePath path,
      Registration registration,
      ModuleCalls.Step end,
      Runnable forget) {}

  /** What becomes of a result, once the caller has proved to be the module. */
  interface Answer {
    void send(ModuleCall call, byte[] result);
  }

  /**
   * Computes a result for the module that the caller names, before it is known whether it is that
   * module. Whatever the work throws is told only to that module.
   *
   * @param set the registrations as of some time after the call came
   * @param work short, without waiting and without an effect, since a stranger can have it done;
   *     how long it takes must tell nothing about the module
   */
  Computed compute(ModuleCall call, IotEdgePath path, RegistrationSet set, Work work, Answer answer)
      throws Failure {
    Registration registration = attestation.named(call, path.name(), set);
    byte[] result = {};
    ModuleCalls.Step end;
    try {
      byte[] made = work.of(registration);
      result = made;
      end = () -> answer.send(call, made);
    } catch (Failure | IssuanceException | RuntimeException e) {
      end =
          () -> {
            throw e;
          };
    }
    byte[] secret = result;
    return new Computed(call, path, registration, end, () -> Arrays.fill(secret, (byte) 0));
  }

  /**
   * Takes the one look that decides which results go out, after they were computed, and ends every
   * call.
   *
   * <p>As strict as a look before the work and one after it: the last look compares with what was
   * seen at accept, just as the one before the work does, and it asks all that both of them ask, so
   * the first would only spare work. Nothing lies between what this one judged and the answer.
   * Until it has held, the caller learns nothing: neither the result, nor what was wrong with its
   * parameters, nor the generation, which is looked at last so that the work takes the same time
   * with a wrong one.
   */
  void judge(List<Computed> results) {
    List<Computed> left = results;
    while (!left.isEmpty()) {
      Registration registration = left.getFirst().registration();
      List<Computed> others = new ArrayList<>();
      List<Computed> same = new ArrayList<>();
      for (Computed each : left) {
        (each.registration().equals(registration) ? same : others).add(each);
      }
      judge(same, registration);
      left = others;
    }
  }

  private void judge(List<Computed> results, Registration registration) {
    List<Caller> callers = results.stream().map(each -> each.call().caller()).toList();
    List<Verdict> verdicts = attestation.measured(callers, registration);
    for (int i = 0; i < verdicts.size(); i++) {
      Computed each = results.get(i);
      Verdict verdict = verdicts.get(i);
      calls.guarded(each.call(), () -> end(each, verdict));
    }
  }

  private void end(Computed each, Verdict verdict) throws Failure, IssuanceException {
    boolean held = false;
    try {
      Verdict.Attested attested = attestation.held(each.call(), each.registration(), verdict);
      checkGeneration(each.call(), attested, each.path());
      held = true;
    } finally {
      if (!held) {
        each.forget().run();
      }
    }
    each.end().run();
    trail.count(each.call(), each.registration());
  }

  /** At least one registration must hold for the caller. */
  Verdict.Attested anyModule(ModuleCall call) throws Failure {
    return attestation.any(call);
  }

  /** The last look, just before the answer to a request that is counted, not recorded alone. */
  void confirmAndCount(ModuleCall call, Verdict.Attested attested) throws Failure {
    attestation.confirm(call, attested);
    trail.count(call, attested.registration());
  }

  private void checkGeneration(ModuleCall call, Verdict.Attested attested, IotEdgePath path)
      throws Failure {
    if (!generationMatches(attested.registration(), path.generation())) {
      throw attestation.refusedAttested(
          call,
          attested,
          Problem.GENERATION_MISMATCH,
          "generation-mismatch: the module has another generation id");
    }
  }

  private static boolean generationMatches(Registration registration, String raw) throws Failure {
    String wanted = registration.generation();
    return Percent.decode(raw).equals(wanted)
        || Percent.decode(raw.replace('+', ' ')).equals(wanted);
  }
}
