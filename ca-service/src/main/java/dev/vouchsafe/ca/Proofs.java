package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.util.List;

/** Tries authorities' keys and says in words how each stands. */
final class Proofs {
  private Proofs() {}

  /** Whether the authority may still sign, with a key in a store. */
  private static boolean maySign(AuthorityRow row) {
    if (row.role() == AuthorityInfo.Role.ISSUING || row.isOutside()) {
      // Its key is in no store.
      return false;
    }
    return switch (row.state()) {
      case PREPARED, PUBLISHED, ACTIVE -> true;
      case RETIRING, RETIRED -> false;
    };
  }

  /** Those that may still sign. */
  static List<AuthorityProof> of(
      List<LedgerReader.StoredAuthority> authorities, NamedStores stores, SoftwareCrypto crypto) {
    return authorities.stream()
        .filter(authority -> maySign(authority.row()))
        .map(authority -> of(authority, AuthorityKey.of(authority, stores, crypto)))
        .toList();
  }

  static AuthorityProof of(LedgerReader.StoredAuthority authority, SigningKey key) {
    try {
      String location = key.prove(authority.certificate().getSubjectX500Principal());
      return proof(
          authority,
          AuthorityProof.Outcome.WORKS,
          "the key is there (" + location + "), is that of the certificate, and signs");
    } catch (KeyFault.Unavailable e) {
      return proof(authority, AuthorityProof.Outcome.UNAVAILABLE, String.valueOf(e.getMessage()));
    } catch (KeyFault e) {
      return proof(authority, AuthorityProof.Outcome.FAILED, String.valueOf(e.getMessage()));
    }
  }

  private static AuthorityProof proof(
      LedgerReader.StoredAuthority authority, AuthorityProof.Outcome outcome, String detail) {
    return new AuthorityProof(authority.row().id(), authority.row().keyStore(), outcome, detail);
  }
}
