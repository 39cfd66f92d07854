package dev.vouchsafe.cli;

import java.time.Duration;

/** What the commands that ask the administrators' socket have in common. */
final class AdminCommands {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int MOST_OCTETS = 16 * 1024 * 1024;

  private AdminCommands() {}

  /** A client of the administrators' socket of that home. */
  static ServiceClient client(Home home) {
    return client(home, LIMIT);
  }

  static ServiceClient client(Home home, Duration limit) {
    return new ServiceClient(
        new UnixHttpClient(
            ServiceClient.configured(home, Configuration.Listen::admin, home.adminSocket()),
            limit,
            MOST_OCTETS));
  }
}
