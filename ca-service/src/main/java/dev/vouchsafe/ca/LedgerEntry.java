package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What the ledger knows of one certificate.
 *
 * @param serial lower-case hex, two digits an octet
 * @param module the registration's name; empty where one root vouches for another ({@code cross})
 * @param generation its generation id
 * @param profile the profile's name
 * @param authority id of the authority that signs
 * @param subject the subject as RFC 4514 text
 * @param names the SANs as {@code dns:..}, {@code ip:..}, {@code uri:..}
 * @param notBefore start of the validity
 * @param notAfter end of the validity
 * @param state how far it came
 * @param tbsSha256 SHA-256 of the TBSCertificate that was to be signed, lower-case hex
 * @param spkiSha256 SHA-256 of the SubjectPublicKeyInfo, lower-case hex; the archive has it no
 *     more, and for an entry that came back from there it is empty text
 */
public record LedgerEntry(
    String serial,
    String module,
    String generation,
    String profile,
    String authority,
    String subject,
    List<String> names,
    Instant notBefore,
    Instant notAfter,
    State state,
    String tbsSha256,
    Optional<String> spkiSha256) {
  public LedgerEntry {
    names = List.copyOf(names);
  }

  /** Whether it stands in the archive, since it ended long ago by the clock of that moment. */
  public boolean archived() {
    return spkiSha256.isEmpty();
  }

  /** How far a certificate came. Whatever the state: once recorded, it may exist. */
  public enum State {
    /** Recorded before the signature; nothing more is known, so it stands as issued. */
    INTENDED,
    /** Signed and verified. */
    ISSUED,
    /** Signed and verified, but the caller no longer held at the last look: not delivered. */
    WITHHELD,
    /** The key store did not sign, or signed wrongly. */
    FAILED
  }
}
