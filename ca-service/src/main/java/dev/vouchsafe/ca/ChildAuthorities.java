package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.function.Predicate;
import org.bouncycastle.asn1.ASN1Encoding;

/**
 * Certifies the CAs of gateways below this one as their profile says, always by the device CA:
 * prepare and lint, record the intent durably, sign, verify. Which gateway may have one is decided
 * by whoever calls.
 */
final class ChildAuthorities {
  /** When the middle of its life is said to be over, among those who are renewed. */
  private static final double NO_JITTER = 0.5;

  private final CaSettings settings;
  private final Issuers issuers;
  private final Ledger ledger;
  private final TrustedClock clock;
  private final Predicate<StoredAuthority> distrusted;
  private final SubjectKeys keys;
  private final Serials serials = new Serials();

  /**
   * @param distrusted whether an authority is revoked as a whole
   */
  ChildAuthorities(
      CaSettings settings,
      Issuers issuers,
      Ledger ledger,
      TrustedClock clock,
      Predicate<StoredAuthority> distrusted) {
    this.settings = settings;
    this.issuers = issuers;
    this.ledger = ledger;
    this.clock = clock;
    this.distrusted = distrusted;
    this.keys = new SubjectKeys(issuers::hasKey);
  }

  /**
   * Certifies one.
   *
   * @throws IssuanceException {@link Reason#NAME_NOT_GRANTED} if its trust domain can't be, {@link
   *     Reason#WEAK_KEY} if its key is none that is certified
   */
  IssuedCertificate certify(ChildCa child) throws IssuanceException {
    ledger.gaps().requireNone();
    TrustedClock.Reading time = clock.read();
    Times.requireTrusted(time);
    Instant now = time.now().truncatedTo(ChronoUnit.SECONDS);
    LeafSigner signer = issuers.device(now);
    Issuer issuer = signer.issuer();
    requireTrusted(signer);
    if (!issuer.isValidAt(now)) {
      throw new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, issuer.id() + " is not valid now");
    }
    byte[] spki = checkKey(child);
    checkName(child, issuer);
    Instant notBefore = later(now.minus(AuthorityBuilder.BACK_DATED), issuer.notBefore());
    Instant end = now.plus(child.profile().lifetime());
    Instant notAfter = end.isBefore(issuer.notAfter()) ? end : issuer.notAfter();
    byte[] serial = serials.next(now);
    byte[] tbs =
        new ChildCaBuilder(settings.identity(), signer).tbs(child, serial, notBefore, notAfter);
    new ChildCaLint(settings.identity(), signer).check(tbs, serial, child, now);
    Row row = new Row(child, signer.authority().row().row(), serial, notBefore, notAfter);
    Ledger.DurableIntent intent =
        ledger.record(
            statements -> insert(statements, row, Octets.sha256(tbs), Octets.sha256(spki)), tbs);
    byte[] signature = signature(signer, intent);
    ledger.outcome(serial, LedgerEntry.State.ISSUED);
    byte[] der = Signed.certificate(tbs, issuer.signatureAlgorithm(), signature);
    return new IssuedCertificate(
        Octets.hex(serial),
        Pem.certificate(der) + issuer.pem(),
        Optional.empty(),
        notBefore,
        notAfter,
        issuer.renewal(RenewalTime.of(time, notAfter, NO_JITTER), now, NO_JITTER));
  }

  private byte[] checkKey(ChildCa child) throws IssuanceException {
    try {
      KeyType type = SubjectKeys.typeOf(keys.read(child.key()));
      if (!child.profile().keyTypes().contains(type)) {
        throw new IssuanceException(
            Reason.REQUEST_INVALID,
            "profile " + child.profile().name().text() + " has no keys of type " + type.text());
      }
      return child.key().getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IssuanceException(Reason.WEAK_KEY, "the key is malformed", e);
    }
  }

  /** A trust domain of its own, which those over this gateway let it certify. */
  private void checkName(ChildCa child, Issuer issuer) throws IssuanceException {
    String trustDomain = child.trustDomain(settings.identity());
    boolean label =
        child.device().indexOf('.') < 0
            && NameSyntax.isPlainLabel(child.device())
            && NameSyntax.dns(trustDomain).filter(it -> it.name().equals(trustDomain)).isPresent();
    if (!label) {
      throw new IssuanceException(
          Reason.NAME_NOT_GRANTED,
          NameSyntax.quoted(trustDomain) + " is no trust domain: a device id is one DNS label");
    }
    Optional<String> by = issuer.limits().forbids(new SanName.Uri("spiffe://" + trustDomain));
    if (by.isPresent()) {
      throw new IssuanceException(
          Reason.NAME_NOT_GRANTED,
          "the name constraints of "
              + NameSyntax.quoted(by.get())
              + ", which this gateway is under, forbid the trust domain "
              + trustDomain);
    }
  }

  /** One as the ledger keeps it. */
  private record Row(
      ChildCa child, long authority, Blob serial, Instant notBefore, Instant notAfter) {
    Row(ChildCa child, long authority, byte[] serial, Instant notBefore, Instant notAfter) {
      this(child, authority, new Blob(serial), notBefore, notAfter);
    }
  }

  private void insert(LedgerStatements statements, Row row, byte[] tbsSha256, byte[] spkiSha256)
      throws SQLException {
    ChildCa child = row.child();
    statements.changeOne(
        "INSERT INTO certificate(serial, module, generation, profile, authority,"
            + " common_name, names, not_before, not_after, state, tbs_sha256, spki_sha256)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.serial().octets(),
        statements.module(child.module()),
        child.generation(),
        child.profile().name().text(),
        row.authority(),
        child.commonName(settings.identity()),
        "uri:spiffe://" + child.trustDomain(settings.identity()),
        row.notBefore().getEpochSecond(),
        row.notAfter().getEpochSecond(),
        StateCode.of(LedgerEntry.State.INTENDED),
        tbsSha256,
        spkiSha256);
  }

  private void requireTrusted(LeafSigner signer) throws IssuanceException {
    if (distrusted.test(signer.authority())) {
      throw Distrust.refusal(signer.authority());
    }
  }

  /** If it comes too late it is thrown away, and the intent stands as one that was signed. */
  private byte[] signature(LeafSigner signer, Ledger.DurableIntent intent)
      throws IssuanceException {
    SigningKey key = signer.key();
    Optional<SigningLane> lane = key.lane();
    if (lane.isPresent()) {
      return CrlPublisher.await(lane.get().sign(key, intent, () -> requireTrusted(signer)));
    }
    requireTrusted(signer);
    return key.sign(intent);
  }

  private static Instant later(Instant one, Instant other) {
    return one.isAfter(other) ? one : other;
  }
}
