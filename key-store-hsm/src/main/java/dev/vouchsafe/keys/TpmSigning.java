package dev.vouchsafe.keys;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Signs, and says which PCRs have changed where a key's policy isn't satisfied any more. */
final class TpmSigning {
  private final TpmObjects objects;

  TpmSigning(TpmObjects objects) {
    this.objects = objects;
  }

  byte[] sign(
      TpmTurn turn,
      TpmRef ref,
      KeyType type,
      Optional<TpmPcrs> pcrs,
      TpmConnection open,
      byte[] message)
      throws KeyFault, TpmException, IOException {
    try {
      return objects.sign(turn, ref, type, pcrs, open.sealingKey(), TpmStore.digest(message));
    } catch (TpmException e) {
      if (e.is(TpmRc.Kind.POLICY) && pcrs.isPresent()) {
        throw new TpmException(TpmRc.Kind.POLICY, changed(turn, pcrs.get()));
      }
      throw e;
    }
  }

  /** The PCRs that have other values than when the key was made, for people. */
  private String changed(TpmTurn turn, TpmPcrs pcrs) throws KeyFault, TpmException, IOException {
    return seen(turn, pcrs)
        .orElse("PCRs " + pcrs.selection() + " changed while they were looked at");
  }

  /** The same, or nothing if all have the values of that time. */
  Optional<String> seen(TpmTurn turn, TpmPcrs pcrs) throws KeyFault, TpmException, IOException {
    List<String> changed = pcrs.changed(objects.pcrs(turn, pcrs.selection()));
    return changed.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "PCR "
                + String.join(", ", changed)
                + " changed since the key was made, which is bound to "
                + pcrs.selection()
                + ": start the machine as it was then, or make a new authority");
  }
}
