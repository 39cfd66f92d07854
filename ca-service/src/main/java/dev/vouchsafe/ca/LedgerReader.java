package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
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
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;

/** Reads the ledger over a connection of its own that can't write. */
final class LedgerReader implements AutoCloseable {
  /**
   * An authority with its certificate.
   *
   * @param above the certificates over one from outside, up to one that is signed by itself
   * @param issuer number of the authority that certified it, where that is one of ours
   * @param end when it ends, or the first of all those over it
   */
  record StoredAuthority(
      AuthorityRow row,
      X509Certificate certificate,
      List<X509Certificate> above,
      OptionalLong issuer,
      Instant end) {
    StoredAuthority {
      above = List.copyOf(above);
    }

    StoredAuthority(AuthorityRow row, X509Certificate certificate, List<X509Certificate> above) {
      this(
          row,
          certificate,
          above,
          OptionalLong.empty(),
          AuthorityIssuers.firstEnd(certificate, above));
    }

    StoredAuthority(AuthorityRow row, X509Certificate certificate) {
      this(row, certificate, List.of());
    }

    StoredAuthority in(AuthorityInfo.State state) {
      return new StoredAuthority(row.in(state), certificate, above, issuer, end);
    }

    /** The same, certified by that one, which it does not outlive. */
    StoredAuthority under(StoredAuthority signer) {
      return new StoredAuthority(
          row,
          certificate,
          above,
          OptionalLong.of(signer.row().row()),
          signer.end().isBefore(end) ? signer.end() : end);
    }

    boolean isValid(Instant at) {
      return !at.isBefore(certificate.getNotBefore().toInstant()) && at.isBefore(end);
    }

    AuthorityInfo info() {
      return row.info(certificate, above);
    }
  }

  /**
   * An authority that waits for its certificate.
   *
   * @param request what others are to sign (RFC 2986), DER
   */
  record StoredRequest(AuthorityRow row, Blob request) {}

  /**
   * The key of one root as another vouches for it.
   *
   * @param subject number of the root whose key it is
   * @param issuer number of the root that signed it
   */
  record StoredCross(long subject, long issuer, X509Certificate certificate) {}

  /** A new one is made twice a day, and at each start: only what restarts all day has more. */
  static final int MOST_ISSUING = 1000;

  static final String AUTHORITIES =
      "SELECT id, role, generation, key_store, key_type, state, certificate FROM authority";

  /**
   * The query for leaves, of which {@link #entry} makes entries.
   *
   * @param index by which index of the certificates it goes, in SQLite's words
   */
  static String leaves(String index) {
    return """
    SELECT c.id, c.serial, m.name, c.generation, c.profile, a.role, a.generation, c.common_name,
      c.names, c.not_before, c.not_after, c.state, c.tbs_sha256, c.spki_sha256
    FROM certificate c %s CROSS JOIN module m ON m.id = c.module
      CROSS JOIN authority a ON a.id = c.authority
    """
        .formatted(index);
  }

  private final Path file;
  private final Connection connection;
  private final PreparedStatement bySerial;

  LedgerReader(Path file) throws IOException {
    this.file = file;
    try {
      connection = LedgerSchema.connectToRead(file);
      bySerial = connection.prepareStatement(leaves("") + "WHERE c.serial = ?");
    } catch (SQLException e) {
      throw new IOException(file + " can't be read: " + e.getMessage(), e);
    }
  }

  synchronized LedgerPage page(LedgerQuery query) throws SQLException, IssuanceException {
    return LedgerSearch.page(connection, query, LedgerSearch.Reach.USUAL);
  }

  synchronized Optional<LedgerEntry> bySerial(byte[] serial) throws SQLException {
    bySerial.setBytes(1, serial);
    try (ResultSet rows = bySerial.executeQuery()) {
      if (rows.next()) {
        return Optional.of(entry(rows));
      }
    }
    String wanted = Octets.hex(serial);
    Optional<LedgerEntry> archived =
        archived(serial).stream()
            .flatMap(block -> block.entries().stream())
            .filter(entry -> entry.serial().equals(wanted))
            .findFirst();
    return archived.isPresent() ? archived : CrossLedger.find(connection, serial);
  }

  /** The block of the archive that has that certificate. */
  synchronized Optional<LedgerArchive.Block> archived(byte[] serial) throws SQLException {
    return LedgerSearch.archived(connection, serial);
  }

  /** The block of the archive of that number, if it is there. */
  synchronized Optional<LedgerArchive.Block> archived(long id) throws SQLException {
    return LedgerSearch.archived(connection, id);
  }

  /** Blocks of the archive with certificates that end after that, those that end last first. */
  List<Long> archivedAfter(Instant time, int most) throws SQLException {
    return all(
        "SELECT id FROM archive INDEXED BY archive_end WHERE last_end > "
            + time.getEpochSecond()
            + " ORDER BY last_end DESC LIMIT "
            + most,
        row -> row.getLong(1));
  }

  /**
   * Every generation whose certificate was made, in the order in which they were; but of issuing
   * CAs, which are many in the course of time, only the last {@link #MOST_ISSUING}.
   */
  synchronized List<StoredAuthority> authorities() throws IOException {
    try {
      return authorities(connection);
    } catch (SQLException | CertificateException | IllegalArgumentException e) {
      throw damaged(file, e);
    }
  }

  /** Every certificate by which one root vouches for another and that stands, the oldest first. */
  List<StoredCross> crosses() throws IOException {
    try {
      return all(
          "SELECT subject, issuer, certificate FROM cross_certificate"
              + " WHERE certificate IS NOT NULL AND serial NOT IN (SELECT serial FROM revocation)"
              + " ORDER BY id",
          row ->
              new StoredCross(
                  row.getLong(1), row.getLong(2), AuthorityBuilder.parse(row.getBytes(3))));
    } catch (SQLException | IllegalStateException e) {
      throw damaged(file, e);
    }
  }

  /**
   * Certificates that ended before then, the longest ended first: without those that were revoked,
   * and the newest of all, whose number says when this ledger was last used.
   */
  synchronized List<LedgerThinning.Row> endedBefore(Instant time, int most) throws SQLException {
    List<LedgerThinning.Row> found = new ArrayList<>();
    try (PreparedStatement query =
        connection.prepareStatement(
            leaves("INDEXED BY certificate_end")
                + "WHERE c.not_after < ? AND length(c.serial) = ?"
                + " AND c.serial < (SELECT MAX(serial) FROM certificate) AND NOT EXISTS"
                + " (SELECT 1 FROM revocation r WHERE r.serial = c.serial)"
                + " ORDER BY c.not_after LIMIT ?")) {
      query.setLong(1, time.getEpochSecond());
      query.setInt(2, Serials.LENGTH);
      query.setInt(3, most);
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          found.add(new LedgerThinning.Row(rows.getLong(1), entry(rows)));
        }
      }
    }
    return found;
  }

  /**
   * Counts the certificates that have not ended, by module and by the minute of their end: without
   * those that were revoked, themselves or with their authority. What failed was not signed.
   */
  synchronized void living(Instant now, LiveCertificates into) throws IOException {
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT m.name, c.not_after / 60 AS minute, COUNT(*) FROM certificate c"
                // Else it goes through all that there ever were, to have them by module.
                + " INDEXED BY certificate_end JOIN module m ON m.id = c.module WHERE c.not_after > ? AND c.state <> ?"
                + " AND NOT EXISTS (SELECT 1 FROM revocation r WHERE r.serial = c.serial)"
                + " AND c.authority NOT IN (SELECT subject_authority FROM revocation"
                + " WHERE subject_authority IS NOT NULL)"
                + " GROUP BY c.module, minute")) {
      query.setLong(1, now.getEpochSecond());
      query.setInt(2, StateCode.of(LedgerEntry.State.FAILED));
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          into.add(rows.getString(1), rows.getLong(2), rows.getLong(3));
        }
      }
    } catch (SQLException e) {
      throw damaged(file, e);
    }
  }

  /** The same, of a database in use by nobody, which is left as it is. */
  static List<StoredAuthority> authorities(Path folder) throws IOException {
    try (Connection connection = LedgerSchema.connectToLook(folder)) {
      return authorities(connection);
    } catch (SQLException | CertificateException | IllegalArgumentException e) {
      throw damaged(folder.resolve(LedgerSchema.FILE), e);
    }
  }

  /**
   * When the newest serial number was made, of a database in use by nobody, which is left as it is.
   * They begin with the time, so that an index tells it.
   */
  static Optional<Instant> newest(Path folder) throws IOException {
    try (Connection connection = LedgerSchema.connectToLook(folder);
        PreparedStatement query =
            connection.prepareStatement(
                "SELECT max(serial) FROM certificate UNION ALL SELECT max(serial) FROM authority"
                    + (CrossLedger.exist(connection)
                        ? " UNION ALL SELECT max(serial) FROM cross_certificate"
                        : ""));
        ResultSet rows = query.executeQuery()) {
      Optional<Instant> newest = Optional.empty();
      while (rows.next()) {
        byte[] serial = rows.getBytes(1);
        if (serial != null && Serials.isOurs(serial)) {
          Instant made = Serials.timeOf(serial);
          newest = newest.filter(made::isBefore).isPresent() ? newest : Optional.of(made);
        }
      }
      return newest;
    } catch (SQLException e) {
      throw damaged(folder.resolve(LedgerSchema.FILE), e);
    }
  }

  private static List<StoredAuthority> authorities(Connection connection)
      throws SQLException, CertificateException {
    List<StoredAuthority> authorities = new ArrayList<>();
    try (PreparedStatement query =
            connection.prepareStatement(
                AUTHORITIES
                    + " WHERE certificate IS NOT NULL AND role <> 'issuing' UNION ALL SELECT * FROM"
                    + " ("
                    + AUTHORITIES
                    + " WHERE certificate IS NOT NULL AND role = 'issuing'"
                    + " AND state NOT IN ('prepared', 'retired') ORDER BY id DESC LIMIT "
                    + MOST_ISSUING
                    + ") ORDER BY id");
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        authorities.add(authority(rows, OutsideRows.above(connection, rows.getLong(1))));
      }
    }
    return AuthorityIssuers.bound(connection, authorities);
  }

  /** The key store of the newest device CA, whatever became of that. */
  Optional<String> newestKeyStore() throws IOException {
    try {
      return all(
              "SELECT key_store FROM authority WHERE role = 'device' ORDER BY id DESC LIMIT 1",
              row -> row.getString(1))
          .stream()
          .findFirst();
    } catch (SQLException e) {
      throw damaged(file, e);
    }
  }

  /** Those that wait for their certificates. */
  synchronized List<StoredRequest> requests() throws IOException {
    try {
      return requests(connection);
    } catch (SQLException | IllegalArgumentException e) {
      throw damaged(file, e);
    }
  }

  /** The same, of a database in use by nobody, which is left as it is. */
  static List<StoredRequest> requests(Path folder) throws IOException {
    try (Connection connection = LedgerSchema.connectToLook(folder)) {
      return requests(connection);
    } catch (SQLException | IllegalArgumentException e) {
      throw damaged(folder.resolve(LedgerSchema.FILE), e);
    }
  }

  private static List<StoredRequest> requests(Connection connection) throws SQLException {
    List<StoredRequest> requests = new ArrayList<>();
    if (!OutsideRows.exist(connection)) {
      return requests;
    }
    try (PreparedStatement query =
            connection.prepareStatement(
                AUTHORITIES.replace("certificate FROM authority", "r.request FROM authority a")
                    + " JOIN authority_request r ON r.authority = a.id"
                    + " WHERE certificate IS NULL AND state = 'prepared' ORDER BY id");
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        requests.add(new StoredRequest(row(rows), new Blob(rows.getBytes(7))));
      }
    }
    return requests;
  }

  private static IOException damaged(Path file, Exception cause) {
    return new IOException(file + " is damaged: its authorities can't be read", cause);
  }

  private static AuthorityRow row(ResultSet rows) throws SQLException {
    String keyType = rows.getString(5);
    return new AuthorityRow(
        rows.getLong(1),
        AuthorityInfo.Role.valueOf(rows.getString(2).toUpperCase(Locale.ROOT)),
        rows.getInt(3),
        rows.getString(4),
        KeyType.parse(keyType)
            .orElseThrow(() -> new IllegalArgumentException("key type " + keyType)),
        AuthorityInfo.State.valueOf(rows.getString(6).toUpperCase(Locale.ROOT)));
  }

  static StoredAuthority authority(ResultSet rows, List<X509Certificate> above)
      throws SQLException, CertificateException {
    X509Certificate certificate =
        (X509Certificate)
            CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(rows.getBytes(7)));
    return new StoredAuthority(row(rows), certificate, above);
  }

  /** Makes something of one row. */
  interface RowReader<T> {
    T read(ResultSet row) throws SQLException;
  }

  /** Every row of a query that is asked rarely. */
  synchronized <T> List<T> all(String sql, RowReader<T> reader) throws SQLException {
    List<T> items = new ArrayList<>();
    try (PreparedStatement query = connection.prepareStatement(sql);
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        items.add(reader.read(rows));
      }
    }
    return items;
  }

  /** What {@link #leaves} found. */
  static LedgerEntry entry(ResultSet rows) throws SQLException {
    String names = rows.getString(9);
    return new LedgerEntry(
        Octets.hex(rows.getBytes(2)),
        rows.getString(3),
        rows.getString(4),
        rows.getString(5),
        rows.getString(6) + "-" + rows.getInt(7),
        new X500NameBuilder(BCStyle.INSTANCE)
            // Not the text itself, which would be taken for hex where it begins with '#'.
            .addRDN(BCStyle.CN, new DERUTF8String(rows.getString(8)))
            .build()
            .toString(),
        names.isEmpty() ? List.of() : List.of(names.split(" ")),
        Instant.ofEpochSecond(rows.getLong(10)),
        Instant.ofEpochSecond(rows.getLong(11)),
        StateCode.state(rows.getInt(12)),
        Octets.hex(rows.getBytes(13)),
        Optional.of(Octets.hex(rows.getBytes(14))));
  }

  @Override
  public synchronized void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      System.getLogger(LedgerReader.class.getName())
          .log(System.Logger.Level.WARNING, "closing the ledger: {0}", e.getMessage());
    }
  }
}
