package dev.vouchsafe.audit;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.interfaces.ECPublicKey;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/** Finds out whether a log is as it was written. Needs neither the service nor its keys. */
public final class AuditVerifier {
  /** A log that is wrong in more places is wrong. */
  public static final int MOST_FINDINGS = 100;

  private static final int MOST_TRIES = 3;

  private AuditVerifier() {}

  /**
   * Verifies a log.
   *
   * @param folder of the log; it is only read
   * @param key the audit key
   * @param checkpoint the text of a checkpoint from a place that whoever can write the folder can't
   *     write, if there is one
   * @param progress is told now and then how many octets were read
   * @throws IOException if the folder can't be read
   */
  public static AuditReport verify(
      Path folder, ECPublicKey key, Optional<String> checkpoint, LongConsumer progress)
      throws IOException {
    for (int tries = 1; ; tries++) {
      try {
        return once(new LogFolder(folder), key, checkpoint, progress);
      } catch (NoSuchFileException e) {
        // A running service removes its oldest files, as its limits say: then it is begun again.
        if (tries == MOST_TRIES) {
          throw e;
        }
      }
    }
  }

  private static AuditReport once(
      LogFolder folder, ECPublicKey key, Optional<String> checkpoint, LongConsumer progress)
      throws IOException {
    Verification verification = new Verification(key);
    checkpoint.ifPresent(verification::compareWith);
    long read = 0;
    List<Path> segments = folder.segments();
    for (Path segment : segments) {
      verification.begin(segment, segment.equals(segments.getLast()));
      try (Lines lines = Lines.of(segment)) {
        byte[] line = lines.next();
        while (line != null && verification.line(line)) {
          progress.accept(read + lines.position());
          line = lines.next();
        }
        if (line == null) {
          verification.end(lines.torn());
        }
        read += lines.position();
      }
    }
    return verification.report();
  }
}
