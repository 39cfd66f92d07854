package dev.vouchsafe.audit;

import java.time.Instant;

/**
 * One line of the log.
 *
 * @param sequence its number; the first of a log is 0
 * @param time when it was recorded, in milliseconds
 * @param before SHA-256 of the line before it, with its line feed, in lower-case hex; zeros in the
 *     first of a log
 * @param with number of the first of the entries that were written, and synced, together with it;
 *     its own if it was the first
 * @param event what happened
 * @param json the line as it stands in the file, without its line feed
 */
public record AuditEntry(
    long sequence, Instant time, String before, long with, AuditEvent event, String json) {}
