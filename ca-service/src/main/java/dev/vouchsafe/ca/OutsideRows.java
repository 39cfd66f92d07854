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
import java.util.Optional;

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

  /** Ends a request that is not to be answered any more. */
  static void giveUp(LedgerStatements ledger, AuthorityRow authority) throws SQLException {
    ledger.changeOne("DELETE FROM authority_request WHERE authority = ?", authority.row());
    ledger.changeOne(
        "UPDATE authority SET state = 'retired'"
            + " WHERE id = ? AND certificate IS NULL AND state = 'prepared'",
        authority.row());
  }

  /**
   * The certificate of a device CA as others made it.
   *
   * @param device whose it is, as it waited for it
   * @param certificate the certificate, DER
   * @param tbsSha256 the hash of what was signed
   * @param root who signed it, as the ledger has it now
   * @param chain what is to be kept of the root, if it is new here
   */
  record Answer(
      AuthorityRow device,
      Blob certificate,
      Blob tbsSha256,
      AuthorityRow root,
      Optional<RootChain> chain) {}

  /**
   * A root whose key is with others.
   *
   * @param certificate its certificate, DER
   * @param above those over it
   */
  record RootChain(Blob certificate, List<byte[]> above) {}

  /** Lets that device CA issue, and the root over it stand in the place of the one before it. */
  static void accept(LedgerStatements ledger, Answer answer) throws SQLException {
    ledger.change(
        "UPDATE authority SET state = 'retiring' WHERE state = 'active'"
            + " AND role IN ('device', 'issuing')");
    ledger.changeOne(
        "UPDATE authority SET certificate = ?, tbs_sha256 = ?, state = 'active'"
            + " WHERE id = ? AND certificate IS NULL AND state = 'prepared'",
        answer.certificate().octets(),
        answer.tbsSha256().octets(),
        answer.device().row());
    ledger.changeOne("DELETE FROM authority_request WHERE authority = ?", answer.device().row());
    AuthorityRow root = answer.root();
    ledger.change(
        "UPDATE authority SET state = 'retiring' WHERE state = 'active' AND role = 'root'"
            + " AND id <> ?",
        root.row());
    if (answer.chain().isPresent()) {
      RootChain chain = answer.chain().get();
      store(ledger, root, chain.certificate().octets(), chain.above());
    }
    ledger.changeOne(
        "UPDATE authority SET state = 'active' WHERE id = ? AND state = ?",
        root.row(),
        root.stateText());
    AuthorityIssuers.insert(ledger, answer.device().row(), root.row());
  }

  /** Keeps the certificate of a reserved authority, and those over it. */
  static void store(
      LedgerStatements ledger, AuthorityRow authority, byte[] certificate, List<byte[]> above)
      throws SQLException {
    ledger.changeOne(
        "UPDATE authority SET certificate = ? WHERE id = ? AND certificate IS NULL",
        certificate,
        authority.row());
    for (int position = 0; position < above.size(); position++) {
      ledger.changeOne(
          "INSERT INTO authority_above(authority, position, certificate) VALUES (?, ?, ?)",
          authority.row(),
          position,
          above.get(position));
    }
  }
}
