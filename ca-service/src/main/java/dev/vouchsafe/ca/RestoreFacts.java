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
 * @param longestLeaf the longest that a module's certificate may live
 * @param acceptedBy user id of the administrator who accepts the gap at once, if one does
 */
public record RestoreFacts(
    String backup, Instant known, Instant now, Duration longestLeaf, OptionalLong acceptedBy) {}
