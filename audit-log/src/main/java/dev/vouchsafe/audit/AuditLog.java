package dev.vouchsafe.audit;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A log that shows whether it was changed. Entries are written, and synced, by a thread of its own,
 * in groups; for use by many threads.
 */
public interface AuditLog extends AutoCloseable {
  /** How long it may take to record something, or to sign. */
  Duration LONGEST_WAIT = Duration.ofSeconds(5);

  /**
   * Records something that hands nothing out. Never waits; it reaches the disk within a fraction of
   * a second. Refusals without end are counted after the first few, and in place of whatever finds
   * no room its number is recorded later.
   */
  void note(AuditEvent event);

  /**
   * Records something that must not happen unrecorded. Never waits. What was recorded survives the
   * end of the process, and a power cut.
   *
   * @return ends when the event is on the disk, or with an {@link AuditUnavailableException} if it
   *     can't be recorded now: at once if that is known, and after {@link #LONGEST_WAIT} if the
   *     disk doesn't answer
   */
  CompletableFuture<Void> record(AuditEvent event);

  /**
   * Records something that must not happen while the log can't be written, and that is bounded by
   * another durable record: a token, whose id comes from a block in the ledger. Never waits; it
   * reaches the disk within a fraction of a second, and a crash before that loses it.
   *
   * @throws AuditUnavailableException if the log can't be written now, or has no room
   */
  void promise(AuditEvent event) throws AuditUnavailableException;

  /**
   * {@link #record}, for those who can wait for the disk.
   *
   * @throws AuditUnavailableException if it can't be recorded now
   */
  void require(AuditEvent event) throws AuditUnavailableException;

  /**
   * Counts what an attested module did; the number is recorded each minute. Never waits.
   *
   * @param module name of a registration, never one that a caller made up
   * @param operation one of few, such as {@code sign}
   */
  void count(String module, String operation);

  /**
   * Signs all that was recorded before this call.
   *
   * @return the text of the checkpoint, for a place that whoever can write the log's folder can't
   *     write
   * @throws AuditUnavailableException if it can't be signed, or written, now
   */
  String checkpoint() throws AuditUnavailableException;

  /** How it stands. */
  Status status();

  /** Writes what waits, says that the service stopped, and signs. */
  @Override
  void close();

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
  record Status(
      long entries,
      long summarised,
      long lost,
      int queued,
      long trimmed,
      Optional<String> fault,
      Optional<String> signingFault,
      Optional<String> checkpoint,
      Optional<String> fingerprint) {}
}
