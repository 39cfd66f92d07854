package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.OcspLedger.Standing;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClock.Reading;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
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
 *
 * <p>What can be said to everyone is kept and said again for a while; what is signed for one asker
 * alone, because of its nonce, is rationed, so that a flood of them takes nothing from issuing. Who
 * asks for more gets what everyone gets, about one certificate and without the nonce, which a
 * verifier may take or not (RFC 5019 section 4); and who asks for what was never issued or for
 * several at once, nothing for now. So nobody alone keeps others from learning what was revoked.
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

  /**
   * The answer to that request, which may be anything.
   *
   * @param asker whose share it is
   */
  OcspAnswer answer(byte[] request, Object asker) {
    Optional<OcspQuestion> question = OcspQuestion.parse(request);
    if (question.isEmpty()) {
      return error(OCSPResponseStatus.MALFORMED_REQUEST);
    }
    Optional<OcspIssuer> issuer = issuer(question.get());
    if (issuer.isEmpty()) {
      return error(OCSPResponseStatus.UNAUTHORIZED);
    }
    try {
      return answer(question.get(), issuer.get(), asker);
    } catch (IssuanceException e) {
      LOG.log(
          System.Logger.Level.WARNING, "an OCSP request can''t be answered: {0}", e.getMessage());
      return error(OCSPResponseStatus.TRY_LATER);
    }
  }

  private OcspAnswer answer(OcspQuestion question, OcspIssuer issuer, Object asker)
      throws IssuanceException {
    Reading time = clock.read();
    long age = kept.age();
    Optional<String> key = key(question);
    Optional<OcspAnswer> known = key.flatMap(it -> kept.find(it, time.now()));
    if (known.isPresent() && question.nonce().isEmpty()) {
      return known.get();
    }
    Optional<OcspSigner> signer = signers.of(issuer.authority(), time.now());
    if (signer.isEmpty()) {
      return error(
          signers.maySign(issuer.authority())
              ? OCSPResponseStatus.TRY_LATER
              : OCSPResponseStatus.UNAUTHORIZED);
    }
    int certificates = question.certificates().size();
    boolean own = ration.take(asker, certificates);
    if (!own && known.isPresent()) {
      return known.get();
    }
    // An answer about several is kept for nobody, so nobody takes one from what is for all.
    if (!own && (key.isEmpty() || !ration.takeLookUp(asker))) {
      return error(OCSPResponseStatus.TRY_LATER);
    }
    List<Standing> standings = standings(question, issuer);
    boolean issued = standings.stream().noneMatch(Standing.Unknown.class::isInstance);
    if (!own && !(issued && ration.takeForAll())) {
      return error(OCSPResponseStatus.TRY_LATER);
    }
    boolean forAll = !own || question.nonce().isEmpty();
    OcspQuestion said = forAll ? question.withoutNonce() : question;
    byte[] der = signer.get().signed(data(said, standings, signer.get(), time));
    if (!forAll || !issued || key.isEmpty()) {
      // Anyone can make up serial numbers: those push out nothing that is kept.
      return new OcspAnswer(der, Duration.ZERO);
    }
    OcspAnswer made = new OcspAnswer(der, KEPT);
    kept.keep(key.get(), made, time.now(), time.now().plus(KEPT), age);
    return made;
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

  /** By which an answer is kept: only one about one certificate is. */
  private static Optional<String> key(OcspQuestion question) {
    if (question.certificates().size() > 1) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          Octets.hex(question.certificates().getFirst().getEncoded(ASN1Encoding.DER)));
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  private List<Standing> standings(OcspQuestion question, OcspIssuer issuer)
      throws IssuanceException {
    List<Standing> standings = new ArrayList<>();
    for (CertID id : question.certificates()) {
      byte[] serial = id.getSerialNumber().getValue().toByteArray();
      standings.add(ledger.standing(issuer.authority(), issuer.name(), serial));
    }
    return standings;
  }

  private static ResponseData data(
      OcspQuestion question, List<Standing> standings, OcspSigner signer, Reading time) {
    Instant now = time.now().truncatedTo(ChronoUnit.SECONDS);
    Instant nextUpdate = now.plus(LIFE);
    if (signer.notAfter().isBefore(nextUpdate)) {
      nextUpdate = signer.notAfter();
    }
    ASN1EncodableVector answers = new ASN1EncodableVector();
    for (int i = 0; i < standings.size(); i++) {
      answers.add(
          new SingleResponse(
              question.certificates().get(i),
              status(standings.get(i)),
              generalized(now.minus(BACK_DATED)),
              generalized(nextUpdate),
              (Extensions) null));
    }
    Extensions extensions = question.nonce().map(Extensions::new).orElse(null);
    return new ResponseData(signer.id(), generalized(now), new DERSequence(answers), extensions);
  }

  private static CertStatus status(Standing standing) {
    return switch (standing) {
      case Standing.Good _ -> new CertStatus();
      case Standing.Unknown _ -> new CertStatus(2, DERNull.INSTANCE);
      case Standing.Revoked revoked -> new CertStatus(info(revoked));
    };
  }

  private static RevokedInfo info(Standing.Revoked revoked) {
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
