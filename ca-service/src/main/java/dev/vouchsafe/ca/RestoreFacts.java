package dev.vouchsafe.ca;

import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;

/**
 * What is written down of a restore.
 *
 * @param backup id of the backup
 * @param known all that was delivered before this moment is in the backup
 * @param now the time of the restore, as the machine's clock says
 * @param longest the longest that a certificate of a module, a device or a child gateway may live
 * @param acceptedBy user id of the administrator who accepts the gap at once, if one does
 */
public record RestoreFacts(
    String backup, Instant known, Instant now, Duration longest, OptionalLong acceptedBy) {}
