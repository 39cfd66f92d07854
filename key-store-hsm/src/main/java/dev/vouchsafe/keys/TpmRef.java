package dev.vouchsafe.keys;

/** What names an object to tpm2-tools. */
sealed interface TpmRef {
  /** An object at a persistent handle. */
  record Persistent(int handle) implements TpmRef {}

  /** An object that was loaded and saved again, encrypted by the TPM; good until its next reset. */
  final class Context implements TpmRef {
    private final byte[] octets;

    Context(byte[] octets) {
      this.octets = octets.clone();
    }

    byte[] octets() {
      return octets.clone();
    }
  }

  /** How many objects a program loads that is given this. */
  default int loads() {
    return switch (this) {
      case Persistent _ -> 0;
      case Context _ -> 1;
    };
  }
}
