package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;

/**
 * An authority that is to be, before the ledger has given it a number and a generation.
 *
 * @param role what it is for
 * @param keyStore name of the store that will hold its key
 * @param keyType type of that key
 * @param state where it will stand
 */
record NewAuthority(
    AuthorityInfo.Role role, String keyStore, KeyType keyType, AuthorityInfo.State state) {
  AuthorityRow row(long number, int generation) {
    return new AuthorityRow(number, role, generation, keyStore, keyType, state);
  }
}
