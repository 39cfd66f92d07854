package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;

/** Has the key store seal and unseal, and gives its faults one form each. */
final class Sealer {
  private final NamedStore store;

  Sealer(NamedStore store) {
    this.store = store;
  }

  byte[] seal(KeyLabel purpose, byte[] secret) throws KeyFault {
    try {
      return store.open().seal(purpose, secret);
    } catch (RuntimeException e) {
      // Providers of security tokens throw unchecked what went wrong in the token.
      throw new KeyFault.Failed("the key store could not seal " + purpose, e);
    }
  }

  byte[] unseal(KeyLabel purpose, byte[] sealed) throws KeyFault {
    try {
      return store.open().unseal(purpose, sealed);
    } catch (RuntimeException e) {
      throw new KeyFault.Failed("the key store could not unseal " + purpose, e);
    }
  }

  /** What a caller is told about a fault. */
  static IssuanceException answer(KeyFault fault) {
    return fault instanceof KeyFault.Unavailable
        ? new IssuanceException(Reason.KEY_STORE_UNAVAILABLE, "the key store is away", fault)
        : new IssuanceException(
            Reason.SIGNATURE_FAILED, "the key store failed to seal or unseal a key", fault);
  }
}
