package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import java.util.Optional;

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
   *
   * @throws KeyFault.Failed if the configuration can't be read; the message names the setting
   */
  String chosen(AuthorityInfo.Role role) throws KeyFault.Failed;

  /**
   * The type of the key of a new authority of that role, where it may have been chosen anew since
   * the start; empty for the one that {@link CaSettings} says.
   *
   * @throws KeyFault.Failed if the configuration can't be read; the message names the setting
   */
  default Optional<KeyType> keyType(AuthorityInfo.Role role) throws KeyFault.Failed {
    return Optional.empty();
  }

  /**
   * The store of that name, which exists.
   *
   * @throws KeyFault.Failed if the configuration doesn't say where it is, or it can't be opened;
   *     the message names the setting
   */
  PrivateKeyStore open(String name) throws KeyFault;

  /**
   * The store of that name for a new authority, made now if there was none yet.
   *
   * @throws KeyFault.Failed also if it is open, and the configuration leads elsewhere by now
   */
  PrivateKeyStore openOrMake(String name) throws KeyFault;
}
