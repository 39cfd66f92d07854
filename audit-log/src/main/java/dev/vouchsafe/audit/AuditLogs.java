package dev.vouchsafe.audit;

import java.io.IOException;
import java.time.InstantSource;
import java.util.function.BooleanSupplier;

/** Opens audit logs. */
public final class AuditLogs {
  private AuditLogs() {}

  /**
   * Opens a log, or begins one, and records that the service started. If it can't be written just
   * now, its disk being full, that is recorded as soon as it can: until then nothing is taken that
   * must be recorded.
   *
   * @param signer signs the checkpoints; one that can't yet is asked again
   * @param clock the times of entries
   * @param certain whether the clock is certain enough just now to remove files for their age
   * @param version of the program, for the record
   * @throws IOException if the folder can't be read, made, or trusted
   */
  public static AuditLog open(
      AuditSettings settings,
      AuditKeys.Signer signer,
      InstantSource clock,
      BooleanSupplier certain,
      String version)
      throws IOException {
    LogWriter writer = LogWriter.open(settings, signer, clock, version);
    return RunningLog.start(writer, signer, clock, certain, System::nanoTime);
  }
}
