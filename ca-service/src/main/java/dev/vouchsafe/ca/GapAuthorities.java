package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.keys.KeyType;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The device CAs and issuing CAs that were made after a backup, as the home that it replaces knows
 * them. Whoever trusts the root believes what they signed, so that they are taken in: not to sign
 * again, but to have a name by which they can be revoked. Nothing but the signature of an authority
 * that the backup knows makes one of them ours.
 */
final class GapAuthorities {
  private final Connection ledger;
  private final Map<Long, byte[]> serials = new HashMap<>();
  private final List<String> told = new ArrayList<>();

  /**
   * @param ledger the backup's, in a transaction
   */
  GapAuthorities(Connection ledger) {
    this.ledger = ledger;
  }

  /** One as the home has it. */
  private record Known(long id, Role role, long generation, String keyStore, KeyType keyType) {}

  /** What was taken in, for people. */
  List<String> told() {
    return List.copyOf(told);
  }

  /** The serial number by which both ledgers know the authority of that row of the home. */
  byte @Nullable [] serial(long row) {
    return serials.get(row);
  }

  /** Takes them in, those nearer to the root first. */
  void takeFrom(LedgerSalvage home) throws SQLException {
    Map<Long, Long> issuers = new HashMap<>();
    home.each(
        "authority_issuer",
        List.of("authority", "issuer"),
        row -> issuers.put(row.number(0), row.number(1)));
    List<LedgerSalvage.Row> rows = new ArrayList<>();
    home.each(
        "authority",
        List.of(
            "id",
            "role",
            "generation",
            "key_store",
            "key_type",
            "state",
            "serial",
            "tbs_sha256",
            "certificate"),
        row -> {
          row.octets(6).ifPresent(serial -> serials.put(row.number(0), serial));
          rows.add(row);
        });
    for (Role role : List.of(Role.DEVICE, Role.ISSUING)) {
      for (LedgerSalvage.Row row : rows) {
        if (row.text(1).equals(LedgerCopy.text(role))) {
          take(
              role,
              row,
              Optional.ofNullable(serials.get(issuers.getOrDefault(row.number(0), -1L))));
        }
      }
    }
  }

  private void take(Role role, LedgerSalvage.Row row, Optional<byte[]> issuer) throws SQLException {
    Optional<KeyType> keyType = KeyType.parse(row.text(4));
    Optional<byte[]> serial = row.octets(6);
    Optional<byte[]> tbsSha256 = row.octets(7);
    Optional<byte[]> certificate = row.octets(8);
    Optional<Stored> over = issuer.isPresent() ? stored(issuer.get()) : Optional.empty();
    if (keyType.isEmpty()
        || serial.isEmpty()
        || tbsSha256.isEmpty()
        || certificate.isEmpty()
        || over.isEmpty()
        || !isSigned(certificate.get(), serial.get(), over.get().certificate())) {
      return;
    }
    Known known = new Known(row.number(0), role, row.number(2), row.text(3), keyType.get());
    boolean taken =
        insert(known, state(role, row.text(5)), serial.get(), tbsSha256.get(), certificate.get());
    if (taken) {
      bind(serial.get(), over.get());
      if (role == Role.DEVICE) {
        String id = LedgerCopy.text(role) + "-" + known.generation();
        told.add(
            id
                + " was made after the backup: it is known again, as retired, and signs neither"
                + " certificates nor a revocation list; what it signed is believed until it ends,"
                + " unless you revoke it as a whole: vouchsafe cert revoke --authority "
                + id);
      }
    }
  }

  /**
   * An issuing CA, whose key is gone, retires as after every start, until its leaves have ended.
   */
  private static State state(Role role, String before) {
    boolean signed =
        before.equals(AuthorityRow.text(State.ACTIVE))
            || before.equals(AuthorityRow.text(State.RETIRING));
    return role == Role.ISSUING && signed ? State.RETIRING : State.RETIRED;
  }

  /** An authority of the backup. */
  private record Stored(long row, X509Certificate certificate) {}

  private Optional<Stored> stored(byte[] serial) throws SQLException {
    try (PreparedStatement query =
        ledger.prepareStatement(
            "SELECT id, certificate FROM authority"
                + " WHERE serial = ? AND certificate IS NOT NULL")) {
      query.setBytes(1, serial);
      try (ResultSet row = query.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        long id = row.getLong(1);
        return parsed(row.getBytes(2)).map(certificate -> new Stored(id, certificate));
      }
    }
  }

  private static boolean isSigned(byte[] der, byte[] serial, X509Certificate issuer) {
    return parsed(der)
        .filter(it -> it.getSerialNumber().equals(new BigInteger(1, serial)))
        .filter(it -> it.getIssuerX500Principal().equals(issuer.getSubjectX500Principal()))
        .filter(it -> OutsideChain.isSignedBy(it, issuer))
        .isPresent();
  }

  private static Optional<X509Certificate> parsed(byte[] der) {
    try {
      return Optional.of(
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(new ByteArrayInputStream(der)));
    } catch (CertificateException e) {
      return Optional.empty();
    }
  }

  /** Whether it is new to the ledger. */
  private boolean insert(
      Known known, State state, byte[] serial, byte[] tbsSha256, byte[] certificate)
      throws SQLException {
    try (PreparedStatement insert =
        ledger.prepareStatement(
            "INSERT OR IGNORE INTO authority(role, generation, key_store, key_type, state, serial,"
                + " tbs_sha256, certificate) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")) {
      insert.setString(1, LedgerCopy.text(known.role()));
      insert.setLong(2, known.generation());
      insert.setString(3, known.keyStore());
      insert.setString(4, known.keyType().text());
      insert.setString(5, AuthorityRow.text(state));
      insert.setBytes(6, serial);
      insert.setBytes(7, tbsSha256);
      insert.setBytes(8, certificate);
      return insert.executeUpdate() > 0;
    }
  }

  private void bind(byte[] serial, Stored over) throws SQLException {
    try (PreparedStatement bind =
        ledger.prepareStatement(
            "INSERT OR IGNORE INTO authority_issuer(authority, issuer)"
                + " SELECT id, ? FROM authority WHERE serial = ?")) {
      bind.setLong(1, over.row());
      bind.setBytes(2, serial);
      bind.executeUpdate();
    }
  }
}
