package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.Signature;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.RSAPublicKey;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;

/**
 * Makes certificate requests of every kind, the wrong ones above all: each field can be something
 * that no honest tool writes.
 */
final class TestCsr {
  static final ASN1ObjectIdentifier MICROSOFT = new ASN1ObjectIdentifier("1.3.6.1.4.1.311.2.1.14");

  private SubjectPublicKeyInfo key;
  private PrivateKey signer;
  private String signatureAlgorithm = "SHA256withECDSA";
  private AlgorithmIdentifier algorithm =
      new AlgorithmIdentifier(X9ObjectIdentifiers.ecdsa_with_SHA256);
  private X500Name subject = new X500Name(new org.bouncycastle.asn1.x500.RDN[0]);
  private ASN1ObjectIdentifier attribute = PKCSObjectIdentifiers.pkcs_9_at_extensionRequest;
  private int version;
  private final List<Extension> extensions = new ArrayList<>();

  TestCsr() {
    this(TestCa.CRYPTO.generate(KeyType.EC_P256));
  }

  TestCsr(KeyPair pair) {
    key = SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded());
    signer = pair.getPrivate();
  }

  /** A request for an RSA key of that modulus, signed by somebody else's key. */
  static TestCsr ofModulus(BigInteger modulus, BigInteger exponent) throws IOException {
    TestCsr csr = new TestCsr();
    csr.key =
        new SubjectPublicKeyInfo(
            new AlgorithmIdentifier(PKCSObjectIdentifiers.rsaEncryption, DERNull.INSTANCE),
            new RSAPublicKey(modulus, exponent));
    return csr;
  }

  TestCsr key(SubjectPublicKeyInfo wanted) {
    key = wanted;
    return this;
  }

  TestCsr signedBy(PrivateKey other) {
    signer = other;
    return this;
  }

  TestCsr signedWith(String jca, ASN1ObjectIdentifier oid) {
    signatureAlgorithm = jca;
    algorithm =
        jca.endsWith("RSA")
            ? new AlgorithmIdentifier(oid, DERNull.INSTANCE)
            : new AlgorithmIdentifier(oid);
    return this;
  }

  TestCsr subject(String name) {
    subject = new X500Name(name);
    return this;
  }

  TestCsr subject(X500Name name) {
    subject = name;
    return this;
  }

  TestCsr version(int wanted) {
    version = wanted;
    return this;
  }

  TestCsr attribute(ASN1ObjectIdentifier oid) {
    attribute = oid;
    return this;
  }

  TestCsr extension(ASN1ObjectIdentifier oid, boolean critical, ASN1Encodable value)
      throws IOException {
    extensions.add(
        new Extension(oid, critical, value.toASN1Primitive().getEncoded(ASN1Encoding.DER)));
    return this;
  }

  TestCsr names(GeneralName... names) throws IOException {
    return extension(Extension.subjectAlternativeName, false, new GeneralNames(names));
  }

  TestCsr dns(String name) throws IOException {
    return names(new GeneralName(GeneralName.dNSName, name));
  }

  byte[] der() throws IOException, GeneralSecurityException {
    ASN1EncodableVector attributes = new ASN1EncodableVector();
    if (!extensions.isEmpty()) {
      attributes.add(
          new Attribute(
              attribute, new DERSet(new Extensions(extensions.toArray(new Extension[0])))));
    }
    ASN1EncodableVector info = new ASN1EncodableVector();
    info.add(new ASN1Integer(version));
    info.add(subject);
    info.add(key);
    info.add(new DERTaggedObject(false, 0, new DERSet(attributes)));
    DERSequence toSign = new DERSequence(info);
    Signature signature = Signature.getInstance(signatureAlgorithm);
    signature.initSign(signer);
    signature.update(toSign.getEncoded(ASN1Encoding.DER));
    return new DERSequence(
            new ASN1Encodable[] {toSign, algorithm, new DERBitString(signature.sign())})
        .getEncoded(ASN1Encoding.DER);
  }

  String pem() throws IOException, GeneralSecurityException {
    return pem(der());
  }

  static String pem(byte[] der) {
    return "-----BEGIN CERTIFICATE REQUEST-----\n"
        + Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(der)
        + "\n-----END CERTIFICATE REQUEST-----\n";
  }

  CertificateRequest request(Profile profile) throws IOException, GeneralSecurityException {
    return request(profile, pem());
  }

  static CertificateRequest request(Profile profile, String pem) {
    return new CertificateRequest(
        profile,
        Optional.of(pem),
        Optional.empty(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty());
  }
}
