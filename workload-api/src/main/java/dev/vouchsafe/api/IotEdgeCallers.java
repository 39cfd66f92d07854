package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.Verdict;

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
    if (!generationMatches(attested.registration(), path.generation())) {
      throw Failure.of(
          Problem.GENERATION_MISMATCH, "generation-mismatch: the module has another generation id");
    }
    return attested;
  }

  /** At least one registration must hold for the caller. */
  Verdict.Attested anyModule(ModuleCall call) throws Failure {
    return attestation.any(call.caller());
  }

  /** The last look, just before the answer. */
  void confirm(ModuleCall call, Verdict.Attested attested) throws Failure {
    attestation.confirm(call.caller(), attested);
  }

  private static boolean generationMatches(Registration registration, String raw) throws Failure {
    String wanted = registration.generation();
    return Percent.decode(raw).equals(wanted)
        || Percent.decode(raw.replace('+', ' ')).equals(wanted);
  }
}
