package dev.vouchsafe.ca;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ocsp.CertID;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.ocsp.OCSPRequest;
import org.bouncycastle.asn1.ocsp.Request;
import org.bouncycastle.asn1.ocsp.TBSRequest;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;

/**
 * What an OCSP request asks (RFC 6960 section 4.1). Who asks doesn't matter: names and signatures
 * of callers are passed over.
 *
 * @param certificates which certificates
 * @param nonce the extension to be sent back as it is (RFC 9654), if there is one
 */
record OcspQuestion(List<CertID> certificates, Optional<Extension> nonce) {
  private static final int MOST_CERTIFICATES = 8;
  private static final int LONGEST_NONCE = 128;

  OcspQuestion {
    certificates = List.copyOf(certificates);
  }

  /** The same as if it had none. */
  OcspQuestion withoutNonce() {
    return new OcspQuestion(certificates, Optional.empty());
  }

  /** What that request asks; nothing if it is none that can be answered. */
  static Optional<OcspQuestion> parse(byte[] der) {
    if (der.length > Revocations.LONGEST_OCSP_REQUEST) {
      return Optional.empty();
    }
    try {
      TBSRequest request =
          OCSPRequest.getInstance(ASN1Primitive.fromByteArray(der)).getTbsRequest();
      if (request.getVersion().intValueExact() != 0
          || request.getRequestList().size() < 1
          || request.getRequestList().size() > MOST_CERTIFICATES
          || hasStrange(request.getRequestExtensions())) {
        return Optional.empty();
      }
      List<CertID> certificates = new ArrayList<>();
      for (ASN1Encodable each : request.getRequestList()) {
        Request single = Request.getInstance(each);
        if (hasStrange(single.getSingleRequestExtensions())) {
          return Optional.empty();
        }
        certificates.add(single.getReqCert());
      }
      Optional<Extension> nonce = nonce(request.getRequestExtensions());
      return nonce.filter(it -> !isFit(it)).isPresent()
          ? Optional.empty()
          : Optional.of(new OcspQuestion(certificates, nonce));
    } catch (IOException | IllegalArgumentException | ArithmeticException e) {
      return Optional.empty();
    } catch (IllegalStateException | ClassCastException | NullPointerException e) {
      // What Bouncy Castle throws at some structures that are none.
      return Optional.empty();
    }
  }

  private static Optional<Extension> nonce(Extensions extensions) {
    return Optional.ofNullable(extensions)
        .map(all -> all.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce));
  }

  private static boolean isFit(Extension nonce) {
    int length = ASN1OctetString.getInstance(nonce.getParsedValue()).getOctets().length;
    return length >= 1 && length <= LONGEST_NONCE;
  }

  /** Whether there is one that must be understood, and isn't. */
  private static boolean hasStrange(Extensions extensions) {
    if (extensions == null) {
      return false;
    }
    for (ASN1ObjectIdentifier critical : extensions.getCriticalExtensionOIDs()) {
      if (!critical.equals(OCSPObjectIdentifiers.id_pkix_ocsp_nonce)) {
        return true;
      }
    }
    return false;
  }
}
