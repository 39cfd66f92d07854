package dev.vouchsafe.keys;

import dev.vouchsafe.keys.KeyStoreHealth.State;

/** Says of a call that failed what it means for the store, and what a person should do. */
final class TpmFaults {
  private TpmFaults() {}

  /** For the caller: what may pass, and what will not. */
  static KeyFault fault(String what, TpmTools tools, TpmException e) {
    String message = text(what, tools, e);
    return switch (e.kind()) {
      case AUTH, DENIED, FULL, TAKEN, STALE, OTHER -> new KeyFault.Failed(message, e);
      case LOCKOUT, POLICY, MEMORY, BUSY, GONE, HUNG, BROKEN, RESET, FOREIGN ->
          new KeyFault.Unavailable(message, e);
    };
  }

  /** The same while a store is made or opened: what is another TPM now will be so tomorrow. */
  static KeyFault atStart(String what, TpmTools tools, TpmException e) {
    return e.is(TpmRc.Kind.FOREIGN)
        ? new KeyFault.Failed(text(what, tools, e), e)
        : fault(what, tools, e);
  }

  private static String text(String what, TpmTools tools, TpmException e) {
    return what.isEmpty() ? said(tools, e) : what + ": " + said(tools, e);
  }

  private static String said(TpmTools tools, TpmException e) {
    String reason = String.valueOf(e.getMessage());
    return switch (e.kind()) {
      case AUTH -> refused(e) + " (" + reason + ")";
      case LOCKOUT ->
          "the TPM is locked out, since wrong auth values were tried: wait until its time is over,"
              + " or have its owner run tpm2_dictionarylockout --clear-lockout ("
              + reason
              + ")";
      case MEMORY ->
          "all slots of the TPM are taken by other programs: reach it by a resource manager,"
              + " tpm-tcti device:/dev/tpmrm0 or tabrmd: ("
              + reason
              + ")";
      case BUSY -> "the TPM is busy (" + reason + ")";
      case GONE -> "the TPM at " + tools.way() + " (tpm-tcti) can't be reached (" + reason + ")";
      case RESET -> "the TPM at " + tools.way() + " was reset while it was used (" + reason + ")";
      case HUNG -> "the TPM at " + tools.way() + " (tpm-tcti) hangs: " + reason;
      case DENIED ->
          "no permission for the TPM at "
              + tools.way()
              + " (tpm-tcti): add the service's user to its group, which is tss on Debian ("
              + reason
              + ")";
      case FULL ->
          "the TPM has no room for another persistent object: set tpm-objects to blobs ("
              + reason
              + ")";
      case TAKEN -> "the TPM has another object at that persistent handle (" + reason + ")";
      case STALE ->
          "the TPM doesn't load it: it was changed, or is of another TPM (" + reason + ")";
      case BROKEN, POLICY, FOREIGN, OTHER -> reason;
    };
  }

  private static String refused(TpmException e) {
    return e.auth()
        .map(auth ->
            auth.isSet()
                ? "the TPM refused the auth value of " + auth.setting()
                : "the TPM asks for an auth value, and " + auth.setting() + " is not set")
        .orElse("the TPM refused an auth value");
  }

  /** For {@link KeyStoreHealth}. */
  static State state(TpmException e) {
    return switch (e.kind()) {
      case AUTH, LOCKOUT, POLICY -> State.LOCKED;
      case GONE, HUNG, RESET, FOREIGN, DENIED -> State.GONE;
      case BROKEN, MEMORY, BUSY, STALE, FULL, TAKEN, OTHER -> State.SUSPECT;
    };
  }

  /** Whether all other calls would fail as well just now. */
  static boolean concernsAll(TpmException e) {
    return switch (e.kind()) {
      case GONE, HUNG, FOREIGN, DENIED, LOCKOUT -> true;
      case BROKEN, RESET, AUTH, POLICY, MEMORY, BUSY, STALE, FULL, TAKEN, OTHER -> false;
    };
  }
}
