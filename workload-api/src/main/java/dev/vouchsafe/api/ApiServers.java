package dev.vouchsafe.api;

import java.io.IOException;

/** Starts the front ends. */
@SuppressWarnings("DoNotCallSuggester")
public final class ApiServers {
  private ApiServers() {}

  /**
   * Starts every listener, or none.
   *
   * @throws IOException if a socket's path is too long (107 octets), a folder, or in use, or the
   *     port is taken; the message names it and the setting
   */
  public static ApiServer start(ApiSettings settings, ApiParts parts) throws IOException {
    throw new UnsupportedOperationException();
  }
}
