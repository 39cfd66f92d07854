package dev.vouchsafe.ca;

import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.security.auth.x500.X500Principal;

/**
 * The ledger's table of certificates by which one root vouches for the key of another: how they are
 * recorded, found by serial number, and revoked. They are no module's, and few: two for each root.
 */
final class CrossLedger {
  /** In the place of a profile's name. */
  static final String PROFILE = "cross";

  /** What was recorded before the end was: on the list as long as its signer signs one. */
  private static final long LATEST = Instant.parse("9999-12-31T23:59:59Z").getEpochSecond();

  private static final String REVOKE =
      "INSERT OR IGNORE INTO revocation(serial, authority, not_after, revoked, reason,"
          + " invalid_since, administrator) SELECT serial, issuer, COALESCE(not_after, "
          + LATEST
          + "), ?, ?, NULLIF(?, -1), ? FROM cross_certificate WHERE ";

  private static final long NOBODY = -1;

  private CrossLedger() {}

  /** Records that one root is about to vouch for another's key. */
  static void insert(
      LedgerStatements ledger,
      AuthorityRow subject,
      AuthorityRow issuer,
      byte[] serial,
      byte[] tbsSha256,
      Instant notAfter)
      throws SQLException {
    ledger.changeOne(
        "INSERT INTO cross_certificate(subject, issuer, serial, tbs_sha256, not_after)"
            + " VALUES (?,?,?,?,?)",
        subject.row(),
        issuer.row(),
        serial,
        tbsSha256,
        notAfter.getEpochSecond());
  }

  /**
   * Revokes one, with all else that is written then.
   *
   * @return how many were not revoked before: 1, or 0 also where there is none of that serial
   */
  static long revoke(LedgerStatements ledger, byte[] serial, RevocationOrder order, Instant now)
      throws SQLException {
    return ledger.change(
        REVOKE + "serial = ?",
        now.getEpochSecond(),
        order.reason().code(),
        order.invalidSince().map(Instant::getEpochSecond).orElse(-1L),
        order.administrator(),
        serial);
  }

  /** Revokes all by which another vouches for that root, which is given up. */
  static void revokeOf(LedgerStatements ledger, AuthorityRow subject, Instant now)
      throws SQLException {
    ledger.change(
        REVOKE + "subject = ?",
        now.getEpochSecond(),
        RevocationReason.CESSATION_OF_OPERATION.code(),
        -1L,
        NOBODY,
        subject.row());
  }

  /** The serial numbers of those that are revoked. */
  static final String REVOKED_SERIALS =
      "SELECT x.serial FROM cross_certificate x JOIN revocation r ON r.serial = x.serial";

  /** Whether the file is of a version that has them. */
  static boolean exist(Connection connection) throws SQLException {
    try (PreparedStatement query =
            connection.prepareStatement(
                "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'cross_certificate'");
        ResultSet rows = query.executeQuery()) {
      return rows.next();
    }
  }

  /** The one of that serial number, if there is. */
  static Optional<LedgerEntry> find(Connection connection, byte[] serial) throws SQLException {
    String wanted = Octets.hex(serial);
    return entries(connection).stream().filter(it -> it.serial().equals(wanted)).findAny();
  }

  /** All, the oldest first. */
  static List<LedgerEntry> entries(Connection connection) throws SQLException {
    List<LedgerEntry> entries = new ArrayList<>();
    try (PreparedStatement query =
            connection.prepareStatement(
                "SELECT x.serial, i.generation, x.certificate, x.tbs_sha256, s.certificate,"
                    + " i.certificate, x.not_after FROM cross_certificate x"
                    + " JOIN authority s ON s.id = x.subject JOIN authority i ON i.id = x.issuer"
                    + " ORDER BY x.id");
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        entries.add(entry(rows));
      }
    }
    return entries;
  }

  /** Of one that was only about to be signed, what both roots say. */
  private static LedgerEntry entry(ResultSet rows) throws SQLException {
    byte[] serial = rows.getBytes(1);
    byte[] der = rows.getBytes(3);
    X509Certificate subject = parse(rows.getBytes(5));
    X509Certificate signed = der == null ? parse(rows.getBytes(6)) : parse(der);
    long notAfter = rows.getLong(7);
    boolean isUnknown = rows.wasNull();
    return new LedgerEntry(
        Octets.hex(serial),
        "",
        "",
        PROFILE,
        "root-" + rows.getInt(2),
        subject.getSubjectX500Principal().getName(X500Principal.RFC2253),
        List.of(),
        der == null ? Serials.timeOf(serial) : signed.getNotBefore().toInstant(),
        isUnknown ? signed.getNotAfter().toInstant() : Instant.ofEpochSecond(notAfter),
        der == null ? LedgerEntry.State.INTENDED : LedgerEntry.State.ISSUED,
        Octets.hex(rows.getBytes(4)),
        Optional.of(Octets.hex(Octets.sha256(subject.getPublicKey().getEncoded()))));
  }

  private static X509Certificate parse(byte[] der) throws SQLException {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(der));
    } catch (CertificateException e) {
      throw new SQLException("a root's certificate in the ledger is damaged", e);
    }
  }
}
