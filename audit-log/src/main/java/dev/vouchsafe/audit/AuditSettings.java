package dev.vouchsafe.audit;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Where a log lies and how much of it is kept.
 *
 * @param folder the log's own folder
 * @param segmentOctets after so many octets a new file is begun
 * @param mostOctets the oldest files are removed when all are larger than this
 * @param longest files whose last entry is older than this are removed
 */
public record AuditSettings(Path folder, long segmentOctets, long mostOctets, Duration longest) {
  private static final long MIB = 1024L * 1024;
  private static final long LARGEST_SEGMENT = 8 * MIB;

  public AuditSettings {
    if (segmentOctets < 1 || mostOctets < segmentOctets || longest.isNegative()) {
      throw new IllegalArgumentException("a log keeps at least one file");
    }
  }

  /**
   * Files of 8 MiB, or smaller ones where little is kept, since only whole files are removed.
   *
   * @param mebibytes how much is kept at the most
   * @param days how long it is kept at the most
   */
  public static AuditSettings of(Path folder, int mebibytes, int days) {
    long most = mebibytes * MIB;
    return new AuditSettings(
        folder, Math.min(LARGEST_SEGMENT, Math.max(1, most / 8)), most, Duration.ofDays(days));
  }
}
