package dev.vouchsafe.ca;

import java.time.Duration;

/**
 * An answer to an OCSP request.
 *
 * @param der the OCSPResponse (RFC 6960 section 4.2.1); not to be changed
 * @param fresh for how long it may be kept; zero for errors and for answers to one caller alone
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared, and not copied on its way out.
public record OcspAnswer(byte[] der, Duration fresh) {}
