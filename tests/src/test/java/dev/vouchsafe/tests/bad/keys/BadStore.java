package dev.vouchsafe.tests.bad.keys;

import dev.vouchsafe.tests.bad.ca.BadAuthority;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;

/**
 * A key store that breaks the rules: it knows the CA, shows JDBC and asks the machine for the time.
 */
public final class BadStore {
  static int opened;

  public Optional<BadAuthority> authority() throws SQLException {
    opened++;
    return Optional.empty();
  }

  long age() {
    return Instant.now().getEpochSecond();
  }
}
