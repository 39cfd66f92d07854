package dev.vouchsafe.api;

import dev.vouchsafe.ca.IssuanceException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** Makes backups of the home that the service runs on. */
public interface Backups {
  /** Makes none: for a service without a home. */
  Backups NONE =
      () -> {
        throw new IOException("this service has no home to back up");
      };

  /**
   * A backup that was made.
   *
   * @param id of it
   * @param file where it is, until the next one is made or the service starts anew
   * @param octets how many
   * @param known all that was delivered before this moment is in it
   * @param lacks what isn't in it and it is worth nothing without, for people; no secret
   */
  record Made(String id, Path file, long octets, Instant known, List<String> lacks) {
    public Made {
      lacks = List.copyOf(lacks);
    }
  }

  /**
   * Makes one, beside all other work.
   *
   * @throws IOException if it can't be written, or another is being made; nothing is left of it
   * @throws IssuanceException if it can't be signed
   */
  Made make() throws IOException, IssuanceException;
}
