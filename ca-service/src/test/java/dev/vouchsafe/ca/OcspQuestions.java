package dev.vouchsafe.ca;

import java.io.IOException;
import java.math.BigInteger;
import java.security.cert.X509Certificate;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.ocsp.BasicOCSPResponse;
import org.bouncycastle.asn1.ocsp.CertID;
import org.bouncycastle.asn1.ocsp.CertStatus;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.ocsp.OCSPRequest;
import org.bouncycastle.asn1.ocsp.OCSPResponse;
import org.bouncycastle.asn1.ocsp.Request;
import org.bouncycastle.asn1.ocsp.SingleResponse;
import org.bouncycastle.asn1.ocsp.TBSRequest;
import org.bouncycastle.asn1.oiw.OIWObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/** OCSP requests as a verifier makes them, and how it reads the answers. */
final class OcspQuestions {
  private OcspQuestions() {}

  static CertID id(X509Certificate issuer, byte[] serial) {
    byte[] name = issuer.getSubjectX500Principal().getEncoded();
    byte[] key =
        SubjectPublicKeyInfo.getInstance(issuer.getPublicKey().getEncoded())
            .getPublicKeyData()
            .getOctets();
    return new CertID(
        new AlgorithmIdentifier(OIWObjectIdentifiers.idSHA1),
        new DEROctetString(OcspIssuer.hash("SHA-1", name)),
        new DEROctetString(OcspIssuer.hash("SHA-1", key)),
        new ASN1Integer(new BigInteger(1, serial)));
  }

  static byte[] of(X509Certificate issuer, byte[] serial, Extension... extensions)
      throws IOException {
    return new OCSPRequest(
            new TBSRequest(
                null,
                new DERSequence(new Request(id(issuer, serial), null)),
                extensions.length == 0 ? null : new Extensions(extensions)),
            null)
        .getEncoded();
  }

  static Extension nonce(int length) throws IOException {
    return new Extension(
        OCSPObjectIdentifiers.id_pkix_ocsp_nonce,
        false,
        new DEROctetString(new byte[length]).getEncoded());
  }

  private static OCSPResponse response(OcspAnswer answer) {
    return OCSPResponse.getInstance(answer.der());
  }

  static int code(OcspAnswer answer) {
    return response(answer).getResponseStatus().getIntValue();
  }

  static BasicOCSPResponse basic(OcspAnswer answer) {
    return BasicOCSPResponse.getInstance(
        response(answer).getResponseBytes().getResponse().getOctets());
  }

  static CertStatus status(OcspAnswer answer) {
    return SingleResponse.getInstance(
            basic(answer).getTbsResponseData().getResponses().getObjectAt(0))
        .getCertStatus();
  }
}
