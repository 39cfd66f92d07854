package dev.vouchsafe.api;

import java.io.IOException;

/** Starts the front ends. */
public final class ApiServers {
  private ApiServers() {}

  /**
   * Starts every listener, or none.
   *
   * @throws IOException if a socket's path is too long (107 octets), a folder, or in use, or the
   *     port is taken; the message names it and the setting
   */
  public static ApiServer start(ApiSettings settings, ApiParts parts) throws IOException {
    return start(settings, parts, Timeouts.defaults());
  }

  /** The same with other times, for tests. */
  static ApiServer start(ApiSettings settings, ApiParts parts, Timeouts timeouts)
      throws IOException {
    return RunningServer.start(settings, parts, timeouts);
  }
}
