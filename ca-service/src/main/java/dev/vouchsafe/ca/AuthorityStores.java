package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStore;

/**
 * The key stores that authorities are in, side by side, by name. Each authority's name of its store
 * is in the ledger and never changes; where a store of that name is, the configuration says.
 *
 * <p>A store is opened at its first use, once, and closed by whoever made this.
 */
public interface AuthorityStores {
  /** All authorities in that one store, which goes by the name of its kind. */
  static AuthorityStores single(PrivateKeyStore store) {
    return new SingleStore(store);
  }

  /**
   * The name of the store where a new authority of that role goes: {@code software}, {@code
   * pkcs11}, {@code tpm}, or {@code root-pkcs11} for a token of the root's own.
   */
  String chosen(AuthorityInfo.Role role);

  /**
   * The store of that name, which exists.
   *
   * @throws KeyFault.Failed if the configuration doesn't say where it is, or it can't be opened;
   *     the message names the setting
   */
  PrivateKeyStore open(String name) throws KeyFault;

  /** The store of that name, made now if there was none yet. */
  PrivateKeyStore openOrMake(String name) throws KeyFault;
}
