package dev.vouchsafe.ca;

import java.time.Instant;

/**
 * A certificate revocation list (RFC 5280 section 5) as it is served.
 *
 * @param authority id of the authority that signed it
 * @param number its CRL number
 * @param thisUpdate when it was made
 * @param nextUpdate when there will be another one at the latest
 * @param entries how many certificates it names
 * @param der its DER; not to be changed
 */
@SuppressWarnings(
    "ArrayRecordComponent") // Never compared, and megabytes are not copied per reader.
public record RevocationList(
    String authority,
    long number,
    Instant thisUpdate,
    Instant nextUpdate,
    int entries,
    byte[] der) {}
