package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyType;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;

/**
 * One generation of an authority as the ledger keeps it.
 *
 * @param row its number in the ledger
 * @param role what it does
 * @param generation 1 for the first of its role
 * @param keyStore name of the store that holds its key
 * @param keyType type of that key
 * @param state where it stands
 */
record AuthorityRow(
    long row,
    AuthorityInfo.Role role,
    int generation,
    String keyStore,
    KeyType keyType,
    AuthorityInfo.State state) {
  /** The stable name, such as {@code device-1}. */
  String id() {
    return role.name().toLowerCase(Locale.ROOT) + "-" + generation;
  }

  /** The same in another state. */
  AuthorityRow in(AuthorityInfo.State other) {
    return new AuthorityRow(row, role, generation, keyStore, keyType, other);
  }

  /** The state as the ledger has it. */
  String stateText() {
    return text(state);
  }

  static String text(AuthorityInfo.State state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  /** It with its certificate and those over it, for an administrator. */
  AuthorityInfo info(X509Certificate certificate, List<X509Certificate> above) {
    return new AuthorityInfo(id(), role, state, keyStore, certificate, above);
  }

  /** Whether its key is with others, so that it signs nothing here. */
  boolean isOutside() {
    return keyStore.equals(AuthorityInfo.OUTSIDE);
  }

  /** The name of its key in the store. */
  KeyLabel keyLabel() {
    return KeyLabel.of(
        switch (role) {
          case ROOT -> "root-ca";
          case DEVICE -> "device-ca";
          case ISSUING -> throw new IllegalStateException("its key is in no store");
        },
        Integer.toString(generation));
  }
}
