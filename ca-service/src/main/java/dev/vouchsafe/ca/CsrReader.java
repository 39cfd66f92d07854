package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1String;
import org.bouncycastle.asn1.pkcs.CertificationRequest;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.AttributeTypeAndValue;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;

/**
 * Reads a PKCS#10 request (RFC 2986) in PEM, in an order that does cheap things first: size,
 * encoding, kind and strength of the key, proof of possession, and only then what is asked for.
 */
final class CsrReader {
  /** Room for an RSA-4096 key and a hundred long names. */
  static final int LONGEST_PEM = 16 * 1024;

  private static final List<String> LABELS =
      List.of("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");

  /** The signature algorithms that a proof of possession may use; none rests on SHA-1 or MD5. */
  private static final Map<ASN1ObjectIdentifier, String> ALGORITHMS =
      Map.of(
          X9ObjectIdentifiers.ecdsa_with_SHA256, "SHA256withECDSA",
          X9ObjectIdentifiers.ecdsa_with_SHA384, "SHA384withECDSA",
          X9ObjectIdentifiers.ecdsa_with_SHA512, "SHA512withECDSA",
          PKCSObjectIdentifiers.sha256WithRSAEncryption, "SHA256withRSA",
          PKCSObjectIdentifiers.sha384WithRSAEncryption, "SHA384withRSA",
          PKCSObjectIdentifiers.sha512WithRSAEncryption, "SHA512withRSA");

  private final SoftwareCrypto crypto;
  private final SubjectKeys keys;

  CsrReader(SoftwareCrypto crypto, SubjectKeys keys) {
    this.crypto = crypto;
    this.keys = keys;
  }

  Csr read(String pem, LeafProfile profile) throws IssuanceException {
    if (pem.length() > LONGEST_PEM) {
      throw malformed("it is longer than " + LONGEST_PEM + " characters");
    }
    byte[] der =
        Pem.decodeOnly(pem, LABELS)
            .orElseThrow(() -> malformed("it is not one CERTIFICATE REQUEST block in PEM"));
    try {
      CertificationRequest request = parse(der);
      var info = request.getCertificationRequestInfo();
      var key = info.getSubjectPublicKeyInfo();
      PublicKey publicKey = keys.read(key);
      KeyType type = SubjectKeys.typeOf(publicKey);
      proveKey(request, publicKey, type);
      var asked = CsrExtensions.read(info.getAttributes(), profile);
      return new Csr(
          key,
          type,
          commonNames(info.getSubject().getRDNs()),
          asked.dns(),
          asked.ip(),
          asked.uris());
    } catch (IOException
        | IllegalArgumentException
        | IllegalStateException
        | ClassCastException e) {
      // What Bouncy Castle throws where the encoding or a type inside it is wrong.
      throw malformed("its encoding is wrong", e);
    }
  }

  private static CertificationRequest parse(byte[] der) throws IOException, IssuanceException {
    CertificationRequest request = CertificationRequest.getInstance(der);
    if (request.getCertificationRequestInfo() == null
        || !Arrays.equals(request.getEncoded(ASN1Encoding.DER), der)) {
      throw malformed("it is not DER");
    }
    if (!request.getCertificationRequestInfo().getVersion().hasValue(0)) {
      throw malformed("its version is not 1");
    }
    return request;
  }

  private void proveKey(CertificationRequest request, PublicKey key, KeyType type)
      throws IOException, IssuanceException {
    String algorithm = ALGORITHMS.get(request.getSignatureAlgorithm().getAlgorithm());
    if (algorithm == null || !algorithm.endsWith("with" + signatureFamily(type))) {
      throw new IssuanceException(
          Reason.CSR_SIGNATURE, "the CSR's signature algorithm is not one that we accept");
    }
    byte[] message = request.getCertificationRequestInfo().getEncoded(ASN1Encoding.DER);
    byte[] signature = request.getSignature().getOctets();
    boolean proven =
        algorithm.equals(type.signatureAlgorithm())
            ? crypto.verify(key, type, message, signature)
            : verify(algorithm, key, message, signature);
    if (!proven) {
      throw new IssuanceException(
          Reason.CSR_SIGNATURE, "the CSR's signature does not verify with its own key");
    }
  }

  private static String signatureFamily(KeyType type) {
    return type.keyAlgorithm().equals("EC") ? "ECDSA" : "RSA";
  }

  /** For other digests than our own signatures use, such as openssl's SHA-256 with P-384. */
  private static boolean verify(String algorithm, PublicKey key, byte[] message, byte[] signature) {
    try {
      Signature verifier = Signature.getInstance(algorithm);
      verifier.initVerify(key);
      verifier.update(message);
      return verifier.verify(signature);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static List<String> commonNames(RDN[] subject) throws IssuanceException {
    List<String> names = new ArrayList<>();
    for (RDN rdn : subject) {
      for (AttributeTypeAndValue attribute : rdn.getTypesAndValues()) {
        if (attribute.getType().equals(BCStyle.CN)) {
          if (!(attribute.getValue() instanceof ASN1String text)) {
            throw malformed("its common name is no text");
          }
          names.add(text.getString());
        }
      }
    }
    return names;
  }

  static IssuanceException malformed(String what) {
    return new IssuanceException(Reason.CSR_MALFORMED, "the CSR can't be read: " + what);
  }

  private static IssuanceException malformed(String what, Exception cause) {
    return new IssuanceException(Reason.CSR_MALFORMED, "the CSR can't be read: " + what, cause);
  }
}
