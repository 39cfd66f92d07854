package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.IssuanceException;
import java.util.Arrays;

/** Measures the caller of an IoT Edge path against the module that the path names. */
final class IotEdgeCallers {
  private final Attestation attestation;

  IotEdgeCallers(Attestation attestation) {
    this.attestation = attestation;
  }

  /** Where the path has no generation id. */
  Verdict.Attested byName(ModuleCall call, IotEdgePath path) throws Failure {
    return attestation.byName(call.caller(), path.name());
  }

  /** Where the path has one, it must be the registration's; only the module itself learns that. */
  Verdict.Attested byGeneration(ModuleCall call, IotEdgePath path) throws Failure {
    Verdict.Attested attested = byName(call, path);
    checkGeneration(attested.registration(), path);
    return attested;
  }

  /** What is computed for a module, before it is known whether the caller is that module. */
  interface Work {
    /** Octets that nobody else has. */
    byte[] of(Registration registration) throws Failure, IssuanceException;
  }

  /**
   * Computes an answer first, and then takes the one look that decides whether it goes out.
   *
   * <p>As strict as a look before the work and one after it: the last look compares with what was
   * seen at accept, just as the one before the work does, and it asks all that both of them ask, so
   * the first would only spare work. Nothing lies between what this one judged and the answer.
   * Until it has held, the caller learns nothing: neither the result, nor what was wrong with its
   * parameters, nor the generation, which is looked at last so that the work takes the same time
   * with a wrong one.
   *
   * @param work short, without waiting and without an effect, since a stranger can have it done;
   *     how long it takes must tell nothing about the module
   */
  byte[] thenMeasured(ModuleCall call, IotEdgePath path, Work work)
      throws Failure, IssuanceException {
    Registration registration = attestation.named(call.caller(), path.name());
    byte[] result = {};
    try {
      result = work.of(registration);
    } finally {
      // Whatever the work threw gives way to a refusal.
      judge(call, path, registration, result);
    }
    return result;
  }

  private void judge(ModuleCall call, IotEdgePath path, Registration registration, byte[] result)
      throws Failure {
    boolean held = false;
    try {
      attestation.measured(call.caller(), path.name(), registration);
      checkGeneration(registration, path);
      held = true;
    } finally {
      if (!held) {
        Arrays.fill(result, (byte) 0);
      }
    }
  }

  /** At least one registration must hold for the caller. */
  Verdict.Attested anyModule(ModuleCall call) throws Failure {
    return attestation.any(call.caller());
  }

  /** The last look, just before the answer. */
  void confirm(ModuleCall call, Verdict.Attested attested) throws Failure {
    attestation.confirm(call.caller(), attested);
  }

  private static void checkGeneration(Registration registration, IotEdgePath path) throws Failure {
    if (!generationMatches(registration, path.generation())) {
      throw Failure.of(
          Problem.GENERATION_MISMATCH, "generation-mismatch: the module has another generation id");
    }
  }

  private static boolean generationMatches(Registration registration, String raw) throws Failure {
    String wanted = registration.generation();
    return Percent.decode(raw).equals(wanted)
        || Percent.decode(raw.replace('+', ' ')).equals(wanted);
  }
}
