package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import java.util.Arrays;

/** Has one key store, the one that seals just now, seal and unseal. */
final class Sealer {
  private volatile NamedStore store;

  Sealer(NamedStore store) {
    this.store = store;
  }

  /** Whether that is the store. */
  boolean isBy(NamedStore other) {
    return store.name().equals(other.name());
  }

  /** From now on, that store seals; what the other sealed can't be unsealed here any more. */
  void use(NamedStore other) {
    store = other;
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

  /**
   * Seals a secret and opens it again, for one that is to replace what another store sealed.
   *
   * @throws KeyFault.Failed also if it doesn't come out the same
   */
  Blob sealAndTry(KeyLabel purpose, byte[] secret) throws KeyFault {
    byte[] sealed = seal(purpose, secret);
    byte[] opened = unseal(purpose, sealed);
    try {
      if (!Arrays.equals(opened, secret)) {
        throw new KeyFault.Failed(
            "the key store " + store.name() + " did not unseal " + purpose + " as it was");
      }
      return new Blob(sealed);
    } finally {
      Arrays.fill(opened, (byte) 0);
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
