package dev.vouchsafe.audit;

import java.util.Optional;

/**
 * How the log stands. Asking for it never waits.
 *
 * @param entries how many entries were written since the service started
 * @param summarised how many refusals were counted only
 * @param lost how many events were neither written nor counted one by one, since the log couldn't
 *     be written
 * @param queued how many events wait to be written
 * @param trimmed how many of the oldest entries were removed, as the limits say, since the log
 *     began
 * @param fault why it can't be written now; empty if it can
 * @param signingFault why no checkpoint can be signed now; empty if one can
 * @param checkpoint the newest checkpoint since the service started
 * @param fingerprint of the audit key, if it is known
 */
public record AuditStatus(
    long entries,
    long summarised,
    long lost,
    int queued,
    long trimmed,
    Optional<String> fault,
    Optional<String> signingFault,
    Optional<String> checkpoint,
    Optional<String> fingerprint) {}
