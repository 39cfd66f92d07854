package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which authority certified which, by their numbers in the ledger: a CA of others may be renewed
 * under its name, and even with its key.
 */
final class AuthorityIssuers {
  private AuthorityIssuers() {}

  /** Notes who is about to certify an authority. */
  static void insert(LedgerStatements ledger, long authority, long issuer) throws SQLException {
    ledger.changeOne(
        "INSERT INTO authority_issuer(authority, issuer) VALUES (?, ?)", authority, issuer);
  }

  /** Ties each authority to the one that certified it, and lets none outlive that. */
  static List<StoredAuthority> bound(Connection connection, List<StoredAuthority> authorities)
      throws SQLException {
    Map<Long, Long> issuers = all(connection);
    Map<Long, StoredAuthority> bound = new HashMap<>();
    // From the top: an end is handed down.
    for (Role role : List.of(Role.ROOT, Role.DEVICE, Role.ISSUING)) {
      for (StoredAuthority authority : authorities) {
        if (authority.row().role() == role) {
          long number = authority.row().row();
          Long noted = issuers.get(number);
          Optional<StoredAuthority> issuer =
              noted == null
                  ? byNameAndKey(authority, role, bound)
                  : Optional.ofNullable(bound.get(noted));
          bound.put(number, issuer.map(authority::under).orElse(authority));
        }
      }
    }
    List<StoredAuthority> inOrder = new ArrayList<>();
    authorities.forEach(it -> inOrder.add(bound.getOrDefault(it.row().row(), it)));
    return inOrder;
  }

  private static Map<Long, Long> all(Connection connection) throws SQLException {
    Map<Long, Long> issuers = new HashMap<>();
    if (!exist(connection)) {
      return issuers;
    }
    try (PreparedStatement query =
            connection.prepareStatement("SELECT authority, issuer FROM authority_issuer");
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        issuers.put(rows.getLong(1), rows.getLong(2));
      }
    }
    return issuers;
  }

  private static boolean exist(Connection connection) throws SQLException {
    try (PreparedStatement query =
            connection.prepareStatement(
                "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'authority_issuer'");
        ResultSet rows = query.executeQuery()) {
      return rows.next();
    }
  }

  /** One that an older release made: of several that fit, the one that issues, or the newest. */
  private static Optional<StoredAuthority> byNameAndKey(
      StoredAuthority authority, Role role, Map<Long, StoredAuthority> above) {
    if (role == Role.ROOT) {
      return Optional.empty();
    }
    Role signs = role == Role.DEVICE ? Role.ROOT : Role.DEVICE;
    return above.values().stream()
        .filter(it -> it.row().role() == signs && isSigned(authority, it))
        .max(
            Comparator.comparing((StoredAuthority it) -> it.row().state() == State.ACTIVE)
                .thenComparingLong(it -> it.row().row()));
  }

  /** Whether that one's name and key are those of who signed this. */
  static boolean isSigned(StoredAuthority subject, StoredAuthority issuer) {
    return subject
            .certificate()
            .getIssuerX500Principal()
            .equals(issuer.certificate().getSubjectX500Principal())
        && OutsideChain.isSignedBy(subject.certificate(), issuer.certificate());
  }

  /** When the first of them ends. */
  static Instant firstEnd(X509Certificate certificate, List<X509Certificate> above) {
    Instant end = certificate.getNotAfter().toInstant();
    for (X509Certificate upper : above) {
      Instant other = upper.getNotAfter().toInstant();
      end = other.isBefore(end) ? other : end;
    }
    return end;
  }
}
