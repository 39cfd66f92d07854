package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.security.KeyPair;
import java.time.Instant;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.ocsp.BasicOCSPResponse;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.ocsp.OCSPResponse;
import org.bouncycastle.asn1.ocsp.OCSPResponseStatus;
import org.bouncycastle.asn1.ocsp.ResponderID;
import org.bouncycastle.asn1.ocsp.ResponseBytes;
import org.bouncycastle.asn1.ocsp.ResponseData;
import org.bouncycastle.asn1.x509.Certificate;

/**
 * Who answers for one authority: a certificate for OCSP signing alone that the authority signed,
 * and its key, which is in memory only.
 */
final class OcspSigner {
  static final KeyType TYPE = KeyType.EC_P256;

  private final SoftwareCrypto crypto;
  private final KeyPair pair;
  private final Certificate certificate;
  private final ResponderID id;
  private final Instant madeAt;
  private final Instant notAfter;
  private final long epoch;

  /**
   * @param epoch of the clock, by which it was made
   */
  OcspSigner(
      SoftwareCrypto crypto,
      KeyPair pair,
      byte[] certificate,
      Instant madeAt,
      Instant notAfter,
      long epoch) {
    this.crypto = crypto;
    this.pair = pair;
    this.certificate = Certificate.getInstance(certificate);
    byte[] key = this.certificate.getSubjectPublicKeyInfo().getPublicKeyData().getOctets();
    // By RFC 6960 section 4.2.1 that of SHA-1, whatever else is used.
    this.id = new ResponderID(new DEROctetString(OcspIssuer.hash("SHA-1", key)));
    this.madeAt = madeAt;
    this.notAfter = notAfter;
    this.epoch = epoch;
  }

  ResponderID id() {
    return id;
  }

  Instant notAfter() {
    return notAfter;
  }

  boolean isValidAt(Instant now) {
    return !now.isBefore(madeAt.minus(LeafPlanner.BACK_DATED)) && now.isBefore(notAfter);
  }

  /** Whether another one is to be made: half of its life is over, or the time was another. */
  boolean isDue(Instant now, long clockEpoch) {
    Instant half = madeAt.plusSeconds((notAfter.getEpochSecond() - madeAt.getEpochSecond()) / 2);
    return epoch != clockEpoch || now.isBefore(madeAt) || !now.isBefore(half);
  }

  /** The whole answer. */
  byte[] signed(ResponseData data) throws IssuanceException {
    try {
      byte[] tbs = data.getEncoded(ASN1Encoding.DER);
      byte[] signature = crypto.sign(pair.getPrivate(), TYPE, tbs);
      if (!crypto.verify(pair.getPublic(), TYPE, tbs, signature)) {
        throw new IssuanceException(
            IssuanceException.Reason.SIGNATURE_FAILED, "the signature does not verify");
      }
      BasicOCSPResponse basic =
          new BasicOCSPResponse(
              data,
              SignatureAlgorithms.of(TYPE),
              new DERBitString(signature),
              new DERSequence(certificate));
      return new OCSPResponse(
              new OCSPResponseStatus(OCSPResponseStatus.SUCCESSFUL),
              new ResponseBytes(
                  OCSPObjectIdentifiers.id_pkix_ocsp_basic,
                  new DEROctetString(basic.getEncoded(ASN1Encoding.DER))))
          .getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }
}
