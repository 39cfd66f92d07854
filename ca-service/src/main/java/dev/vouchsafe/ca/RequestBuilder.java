package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.security.PublicKey;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.CertificationRequest;
import org.bouncycastle.asn1.pkcs.CertificationRequestInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/** Encodes the request for a device CA's certificate (RFC 2986), which says all that it must be. */
final class RequestBuilder {
  /** As many digits of the reserved serial number as tell two requests apart. */
  private static final int DIGITS = 8;

  private final GatewayIdentity identity;

  RequestBuilder(GatewayIdentity identity) {
    this.identity = identity;
  }

  /**
   * What is to be signed.
   *
   * @param serial the serial number that the ledger keeps for it; of its end the name is unique, as
   *     the one attribute that every CA's policy leaves in place
   */
  byte[] info(AuthorityPlan plan, AuthorityRow row, byte[] serial, PublicKey publicKey) {
    String hex = Octets.hex(serial);
    String name =
        LeafPlan.commonName(
            plan.title()
                + " "
                + row.generation()
                + " "
                + hex.substring(hex.length() - DIGITS)
                + " "
                + identity.deviceId());
    X500Name subject = new X500Name(new RDN[] {new RDN(BCStyle.CN, new DERUTF8String(name))});
    SubjectPublicKeyInfo key = SubjectPublicKeyInfo.getInstance(publicKey.getEncoded());
    GeneralName trustDomain =
        new GeneralName(
            GeneralName.uniformResourceIdentifier,
            new DERIA5String("spiffe://" + identity.trustDomain()));
    try {
      ExtensionsGenerator extensions = new ExtensionsGenerator();
      extensions.addExtension(
          Extension.basicConstraints, true, new BasicConstraints(plan.pathLength().orElseThrow()));
      extensions.addExtension(Extension.keyUsage, true, new KeyUsage(plan.keyUsage()));
      extensions.addExtension(
          Extension.subjectKeyIdentifier, false, new SubjectKeyIdentifier(Octets.keyId(key)));
      extensions.addExtension(
          Extension.subjectAlternativeName, false, new GeneralNames(trustDomain));
      Attribute asked =
          new Attribute(
              PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, new DERSet(extensions.generate()));
      return new CertificationRequestInfo(subject, key, new DERSet(asked))
          .getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  /** The request with its signature, DER. */
  static byte[] signed(byte[] info, KeyType type, byte[] signature) {
    try {
      return new CertificationRequest(
              CertificationRequestInfo.getInstance(info),
              SignatureAlgorithms.of(type),
              new DERBitString(signature))
          .getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }
}
