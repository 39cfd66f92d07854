package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.security.KeyPair;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/**
 * Makes the key pairs of leaves that come without one. An RSA key takes a core for a second: some
 * are made at a time, so that who asks for many stops nobody.
 */
final class LeafKeys {
  private final Function<KeyType, KeyPair> maker;
  private final Semaphore slow;

  /**
   * @param slowAtOnce how many RSA keys are made at a time
   */
  LeafKeys(Function<KeyType, KeyPair> maker, int slowAtOnce) {
    this.maker = maker;
    this.slow = new Semaphore(slowAtOnce);
  }

  /** For a machine of so many cores: half of them, one at least. */
  static LeafKeys onCores(Function<KeyType, KeyPair> maker, int cores) {
    return new LeafKeys(maker, Math.max(1, cores / 2));
  }

  /**
   * Makes one.
   *
   * @throws IssuanceException if it takes long, and enough of those are being made
   */
  KeyPair make(KeyType type) throws IssuanceException {
    if (type == KeyType.EC_P256 || type == KeyType.EC_P384) {
      return maker.apply(type);
    }
    if (!slow.tryAcquire()) {
      throw new IssuanceException(
          Reason.AUTHORITY_UNAVAILABLE,
          "keyType: other " + type.text() + " keys are being made; ask again, or bring a CSR");
    }
    try {
      return maker.apply(type);
    } finally {
      slow.release();
    }
  }
}
