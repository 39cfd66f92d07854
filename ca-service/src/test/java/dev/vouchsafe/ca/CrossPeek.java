package dev.vouchsafe.ca;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** Looks for what a root is asked to sign. */
final class CrossPeek {
  private CrossPeek() {}

  /** The role of the authority that the octets are about, {@code cross} or {@code unknown}. */
  static String of(Path folder, byte[] message) {
    String role = LedgerPeek.authorityOf(folder, message);
    if (!role.equals("unknown")) {
      return role;
    }
    try (Connection connection = LedgerPeek.connect(folder);
        PreparedStatement query =
            connection.prepareStatement(
                "SELECT 'cross' FROM cross_certificate"
                    + " WHERE tbs_sha256 = ? AND certificate IS NULL")) {
      query.setBytes(1, Octets.sha256(message));
      try (ResultSet rows = query.executeQuery()) {
        return rows.next() ? rows.getString(1) : "unknown";
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
