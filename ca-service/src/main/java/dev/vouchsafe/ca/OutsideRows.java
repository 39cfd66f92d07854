package dev.vouchsafe.ca;

import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** What the ledger has of authorities from outside; a file of an older version has none of it. */
final class OutsideRows {
  private OutsideRows() {}

  /** Whether the file is of a version that has them. */
  static boolean exist(Connection connection) throws SQLException {
    try (PreparedStatement query =
            connection.prepareStatement(
                "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'authority_request'");
        ResultSet rows = query.executeQuery()) {
      return rows.next();
    }
  }

  /** The certificates over that authority, nearest first. */
  static List<X509Certificate> above(Connection connection, long authority)
      throws SQLException, CertificateException {
    List<X509Certificate> above = new ArrayList<>();
    if (!exist(connection)) {
      return above;
    }
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT certificate FROM authority_above WHERE authority = ? ORDER BY position")) {
      query.setLong(1, authority);
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          above.add(
              (X509Certificate)
                  CertificateFactory.getInstance("X.509")
                      .generateCertificate(new ByteArrayInputStream(rows.getBytes(1))));
        }
      }
    }
    return above;
  }

  /** Keeps the request of an authority whose certificate others are to make. */
  static void insertRequest(LedgerStatements ledger, long authority, byte[] request)
      throws SQLException {
    ledger.changeOne(
        "INSERT INTO authority_request(authority, request) VALUES (?, ?)", authority, request);
  }

  /** Takes in the certificate that others made, which ends the request. */
  static void accept(LedgerStatements ledger, AuthorityRow device, Encoded chain)
      throws SQLException {
    ledger.changeOne(
        "UPDATE authority SET certificate = ?, tbs_sha256 = ?, state = 'active'"
            + " WHERE id = ? AND certificate IS NULL AND state = 'prepared'",
        chain.certificate().octets(),
        chain.tbsSha256().octets(),
        device.row());
    ledger.changeOne("DELETE FROM authority_request WHERE authority = ?", device.row());
  }

  /** Whether that is the certificate of the active root. */
  static boolean isRoot(LedgerStatements ledger, byte[] certificate) throws SQLException {
    return ledger.change(
            "UPDATE authority SET state = 'active'"
                + " WHERE role = 'root' AND state = 'active' AND certificate = ?",
            certificate)
        > 0;
  }

  /** Keeps who signed it, who signs nothing here, and those over that. */
  static void insertRoot(LedgerStatements ledger, AuthorityRow root, Encoded chain)
      throws SQLException {
    ledger.changeOne(
        "UPDATE authority SET certificate = ? WHERE id = ? AND certificate IS NULL",
        chain.issuer().octets(),
        root.row());
    insertAbove(ledger, root.row(), chain.above());
  }

  /**
   * A chain as the ledger keeps it.
   *
   * @param certificate the device CA's, DER
   * @param tbsSha256 the hash of what was signed
   * @param issuer that of who signed it
   * @param above those over that
   */
  record Encoded(Blob certificate, Blob tbsSha256, Blob issuer, List<byte[]> above) {}

  /** Keeps them, with all else that belongs to the write under way. */
  static void insertAbove(LedgerStatements ledger, long authority, List<byte[]> certificates)
      throws SQLException {
    for (int position = 0; position < certificates.size(); position++) {
      ledger.changeOne(
          "INSERT INTO authority_above(authority, position, certificate) VALUES (?, ?, ?)",
          authority,
          position,
          certificates.get(position));
    }
  }
}
