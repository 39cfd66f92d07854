package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.Optional;

/**
 * A certificate that was revoked.
 *
 * @param serial lower-case hex, two digits an octet
 * @param module whose it is; empty for an authority's
 * @param authority id of the authority that signed it
 * @param notAfter when it ends anyway
 * @param revoked when it was revoked
 * @param reason why
 * @param invalidSince when the key is known or suspected to have been lost, if that is known
 * @param listed whether the list of its authority that is served says so, or said so until the
 *     certificate had ended
 */
public record RevokedCertificate(
    String serial,
    String module,
    String authority,
    Instant notAfter,
    Instant revoked,
    RevocationReason reason,
    Optional<Instant> invalidSince,
    boolean listed) {}
