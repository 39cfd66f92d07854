package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/** What the ledger knows of certificates that OCSP requests ask for, and of those who answer. */
final class OcspLedger {
  /**
   * The certificate of who answers OCSP requests.
   *
   * @param authority that signs it
   * @param module the name in the place of a module's
   */
  record SignerRow(
      long authority,
      String module,
      String commonName,
      Blob serial,
      Instant notBefore,
      Instant notAfter) {}

  /** How a certificate stands with an authority. */
  sealed interface Standing {
    /** The authority signed it, or was about to. */
    record Good() implements Standing {}

    /** The authority never had to do with it. */
    record Unknown() implements Standing {}

    /** It was revoked. */
    record Revoked(Instant at, RevocationReason reason) implements Standing {}
  }

  private final RevocationTables tables;
  private final Distrust distrust;

  OcspLedger(RevocationTables tables, Distrust distrust) {
    this.tables = tables;
    this.distrust = distrust;
  }

  /** Records that the certificate of who answers OCSP requests is about to be signed. */
  Ledger.DurableIntent record(SignerRow row, byte[] spkiSha256, byte[] tbs)
      throws IssuanceException {
    tables.requireNoGap();
    byte[] tbsSha256 = Octets.sha256(tbs);
    return tables.record(
        statements ->
            statements.changeOne(
                "INSERT INTO certificate(serial, module, generation, profile, authority,"
                    + " common_name, names, not_before, not_after, state, tbs_sha256, spki_sha256)"
                    + " VALUES (?, ?, '1', 'ocsp', ?, ?, '', ?, ?, ?, ?, ?)",
                row.serial().octets(),
                statements.module(row.module()),
                row.authority(),
                row.commonName(),
                row.notBefore().getEpochSecond(),
                row.notAfter().getEpochSecond(),
                StateCode.of(LedgerEntry.State.INTENDED),
                tbsSha256,
                spkiSha256),
        tbs);
  }

  /** Notes that it was signed. */
  void signed(Blob serial) {
    tables.outcome(serial.octets(), LedgerEntry.State.ISSUED);
  }

  /**
   * How a certificate stands.
   *
   * @param authority the one that is said to have signed it
   * @param name its name, in DER
   */
  Standing standing(StoredAuthority authority, byte[] name, byte[] serial)
      throws IssuanceException {
    long row = authority.row().row();
    List<Standing> revoked =
        tables.all(
            "SELECT revoked, reason FROM revocation WHERE serial = ? AND authority = ?",
            found ->
                new Standing.Revoked(
                    Instant.ofEpochSecond(found.getLong(1)), RevocationReason.of(found.getInt(2))),
            serial,
            row);
    if (revoked.isEmpty() && distrust.covers(authority)) {
      revoked =
          tables.all(
              "SELECT revoked FROM revocation WHERE subject_authority = ?",
              found ->
                  new Standing.Revoked(
                      Instant.ofEpochSecond(found.getLong(1)), RevocationReason.CA_COMPROMISE),
              row);
      if (revoked.isEmpty()) {
        throw new IssuanceException(
            Reason.LEDGER_UNAVAILABLE, authority.row().id() + " is just being revoked");
      }
    }
    if (!revoked.isEmpty()) {
      return revoked.getFirst();
    }
    boolean known =
        !tables
            .all(
                "SELECT 1 FROM certificate WHERE serial = ? AND authority = ?",
                found -> found.getInt(1),
                serial,
                row)
            .isEmpty();
    return known || isAuthority(name, serial) ? new Standing.Good() : new Standing.Unknown();
  }

  /** Whether that is an authority whose certificate names that issuer. */
  private boolean isAuthority(byte[] issuer, byte[] serial) throws IssuanceException {
    return tables
        .all(
            "SELECT certificate FROM authority WHERE serial = ?1 AND certificate IS NOT NULL"
                + " UNION ALL SELECT certificate FROM cross_certificate"
                + " WHERE serial = ?1 AND certificate IS NOT NULL",
            row -> AuthorityBuilder.parse(row.getBytes(1)),
            (Object) serial)
        .stream()
        .anyMatch(it -> Arrays.equals(it.getIssuerX500Principal().getEncoded(), issuer));
  }
}
