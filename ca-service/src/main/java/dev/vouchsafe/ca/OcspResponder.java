package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClock.Reading;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.DERGeneralizedTime;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.ocsp.CertID;
import org.bouncycastle.asn1.ocsp.CertStatus;
import org.bouncycastle.asn1.ocsp.OCSPResponse;
import org.bouncycastle.asn1.ocsp.OCSPResponseStatus;
import org.bouncycastle.asn1.ocsp.ResponseData;
import org.bouncycastle.asn1.ocsp.RevokedInfo;
import org.bouncycastle.asn1.ocsp.SingleResponse;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.Extensions;

/**
 * Answers OCSP requests (RFC 6960): what the ledger says at that moment, be it on a list or not.
 * What can be said to everyone is kept and said again for a while; what is signed for one caller
 * alone, because of its nonce, is rationed, so that a flood of them takes nothing from issuing.
 */
final class OcspResponder {
  private static final System.Logger LOG = System.getLogger(OcspResponder.class.getName());

  /** How long an answer holds. Not longer than what is issued by a time that isn't known. */
  private static final Duration LIFE = TrustedClock.LONGEST_UNTRUSTED;

  /** Clocks of those who verify may run behind ours by this. */
  private static final Duration BACK_DATED = Duration.ofSeconds(60);

  /** How long the same answer is given. */
  private static final Duration KEPT = Duration.ofMinutes(5);

  private static final DateTimeFormatter GENERALIZED_TIME =
      DateTimeFormatter.ofPattern("uuuuMMddHHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final Issuers issuers;
  private final OcspSigners signers;
  private final OcspLedger ledger;
  private final TrustedClock clock;
  private final OcspRation ration;
  private final OcspKept kept;

  OcspResponder(
      Issuers issuers, OcspSigners signers, OcspLedger ledger, TrustedClock clock, Pace pace) {
    this.issuers = issuers;
    this.signers = signers;
    this.ledger = ledger;
    this.clock = clock;
    this.ration = new OcspRation(pace.nanoTime());
    this.kept = new OcspKept();
  }

  /** Forgets the answers that it kept: something was revoked. */
  void forget() {
    kept.forget();
  }

  /** The answer to that request, which may be anything. */
  OcspAnswer answer(byte[] request) {
    Optional<OcspQuestion> question = OcspQuestion.parse(request);
    if (question.isEmpty()) {
      return error(OCSPResponseStatus.MALFORMED_REQUEST);
    }
    Optional<OcspIssuer> issuer = issuer(question.get());
    if (issuer.isEmpty()) {
      return error(OCSPResponseStatus.UNAUTHORIZED);
    }
    Reading time = clock.read();
    boolean forAll = question.get().nonce().isEmpty() && question.get().certificates().size() == 1;
    long age = kept.age();
    String key = forAll ? key(question.get().certificates().getFirst()) : "";
    Optional<OcspAnswer> known = forAll ? kept.find(key, time.now()) : Optional.empty();
    if (known.isPresent()) {
      return known.get();
    }
    Optional<OcspSigner> signer = signers.of(issuer.get().authority(), time.now());
    if (signer.isEmpty() || !ration.take()) {
      return error(OCSPResponseStatus.TRY_LATER);
    }
    try {
      OcspAnswer made =
          new OcspAnswer(
              signer.get().signed(data(question.get(), issuer.get(), signer.get(), time)),
              forAll ? KEPT : Duration.ZERO);
      if (forAll) {
        kept.keep(key, made, time.now(), time.now().plus(KEPT), age);
      }
      return made;
    } catch (IssuanceException e) {
      LOG.log(
          System.Logger.Level.WARNING, "an OCSP request can''t be answered: {0}", e.getMessage());
      return error(OCSPResponseStatus.TRY_LATER);
    }
  }

  /**
   * The one authority that all of it is about. One whose leaves say that nobody answers is none.
   */
  private Optional<OcspIssuer> issuer(OcspQuestion question) {
    for (StoredAuthority authority : issuers.chain().all()) {
      OcspIssuer issuer = new OcspIssuer(authority);
      if (question.certificates().stream().allMatch(issuer::isMeant)) {
        return Optional.of(issuer);
      }
    }
    return Optional.empty();
  }

  private static String key(CertID id) {
    try {
      return Octets.hex(id.getEncoded(ASN1Encoding.DER));
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  private ResponseData data(
      OcspQuestion question, OcspIssuer issuer, OcspSigner signer, Reading time)
      throws IssuanceException {
    Instant now = time.now().truncatedTo(ChronoUnit.SECONDS);
    Instant nextUpdate = now.plus(LIFE);
    if (signer.notAfter().isBefore(nextUpdate)) {
      nextUpdate = signer.notAfter();
    }
    ASN1EncodableVector answers = new ASN1EncodableVector();
    for (CertID id : question.certificates()) {
      answers.add(
          new SingleResponse(
              id,
              status(issuer, id),
              generalized(now.minus(BACK_DATED)),
              generalized(nextUpdate),
              (Extensions) null));
    }
    Extensions extensions = question.nonce().map(Extensions::new).orElse(null);
    return new ResponseData(signer.id(), generalized(now), new DERSequence(answers), extensions);
  }

  private CertStatus status(OcspIssuer issuer, CertID id) throws IssuanceException {
    byte[] serial = id.getSerialNumber().getValue().toByteArray();
    OcspLedger.Standing standing =
        ledger.standing(issuer.authority().row().row(), issuer.name(), serial);
    return switch (standing) {
      case OcspLedger.Standing.Good _ -> new CertStatus();
      case OcspLedger.Standing.Unknown _ -> new CertStatus(2, DERNull.INSTANCE);
      case OcspLedger.Standing.Revoked revoked -> new CertStatus(info(revoked));
    };
  }

  private static RevokedInfo info(OcspLedger.Standing.Revoked revoked) {
    DERGeneralizedTime at = generalized(revoked.at());
    return revoked.reason() == RevocationReason.UNSPECIFIED
        ? new RevokedInfo(at)
        : new RevokedInfo(at, CRLReason.lookup(revoked.reason().code()));
  }

  private static DERGeneralizedTime generalized(Instant instant) {
    return new DERGeneralizedTime(GENERALIZED_TIME.format(instant));
  }

  private static OcspAnswer error(int status) {
    try {
      return new OcspAnswer(
          new OCSPResponse(new OCSPResponseStatus(status), null).getEncoded(ASN1Encoding.DER),
          Duration.ZERO);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }
}
