package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1IA5String;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.jspecify.annotations.Nullable;

/**
 * The extensions that a CSR asks for (RFC 2985 section 5.4.2). Nothing is copied from them: names
 * go to the gate, a wish for a CA's powers is refused, the rest has no effect, and what we don't
 * know but would have to honour, because it is critical, is refused.
 */
final class CsrExtensions {
  private static final Set<ASN1ObjectIdentifier> UNDERSTOOD =
      Set.of(
          Extension.subjectAlternativeName,
          Extension.basicConstraints,
          Extension.keyUsage,
          Extension.extendedKeyUsage,
          Extension.subjectKeyIdentifier);

  /** szOID_CERT_EXTENSIONS, Microsoft's own identifier for an extension request. */
  private static final ASN1ObjectIdentifier MICROSOFT_EXTENSION_REQUEST =
      new ASN1ObjectIdentifier("1.3.6.1.4.1.311.2.1.14");

  private final List<String> dns = new ArrayList<>();
  private final List<String> ip = new ArrayList<>();
  private final List<String> uris = new ArrayList<>();

  private CsrExtensions() {}

  /** Reads the attributes of a request; null is a request that has none. */
  static CsrExtensions read(@Nullable ASN1Set attributes, LeafProfile profile)
      throws IssuanceException {
    CsrExtensions asked = new CsrExtensions();
    if (attributes != null) {
      for (ASN1Encodable element : attributes) {
        asked.readAttribute(Attribute.getInstance(element), profile);
      }
    }
    return asked;
  }

  List<String> dns() {
    return dns;
  }

  List<String> ip() {
    return ip;
  }

  List<String> uris() {
    return uris;
  }

  private void readAttribute(Attribute attribute, LeafProfile profile) throws IssuanceException {
    if (attribute.getAttrType().equals(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest)
        || attribute.getAttrType().equals(MICROSOFT_EXTENSION_REQUEST)) {
      for (ASN1Encodable value : attribute.getAttrValues()) {
        readExtensions(Extensions.getInstance(value), profile);
      }
    }
  }

  private void readExtensions(Extensions extensions, LeafProfile profile) throws IssuanceException {
    for (Enumeration<?> oids = extensions.oids(); oids.hasMoreElements(); ) {
      ASN1ObjectIdentifier oid = (ASN1ObjectIdentifier) oids.nextElement();
      Extension extension = extensions.getExtension(oid);
      if (extension.isCritical() && !UNDERSTOOD.contains(oid)) {
        throw refused("the critical extension " + oid.getId());
      }
      readExtension(oid, extension.getParsedValue(), profile);
    }
  }

  private void readExtension(ASN1ObjectIdentifier oid, ASN1Encodable value, LeafProfile profile)
      throws IssuanceException {
    if (oid.equals(Extension.basicConstraints)) {
      if (BasicConstraints.getInstance(value).isCA()) {
        throw refused("CA:TRUE");
      }
    } else if (oid.equals(Extension.keyUsage)) {
      KeyUsage usage = KeyUsage.getInstance(value);
      if (usage.hasUsages(KeyUsage.keyCertSign) || usage.hasUsages(KeyUsage.cRLSign)) {
        throw refused("the key usage of a CA");
      }
    } else if (oid.equals(Extension.extendedKeyUsage)) {
      for (KeyPurposeId purpose : ExtendedKeyUsage.getInstance(value).getUsages()) {
        if (!profile.purposes().contains(purpose.getId())) {
          throw refused("the extended key usage " + purpose.getId());
        }
      }
    } else if (oid.equals(Extension.subjectAlternativeName)) {
      for (GeneralName name : GeneralNames.getInstance(value).getNames()) {
        readName(name);
      }
    }
  }

  private void readName(GeneralName name) throws IssuanceException {
    switch (name.getTagNo()) {
      case GeneralName.dNSName -> dns.add(text(name));
      case GeneralName.uniformResourceIdentifier -> uris.add(text(name));
      case GeneralName.iPAddress -> ip.add(address(name));
      default ->
          throw new IssuanceException(
              Reason.NAME_NOT_GRANTED,
              "the CSR asks for a name of a kind that no registration grants (GeneralName ["
                  + name.getTagNo()
                  + "])");
    }
  }

  private static String text(GeneralName name) {
    return ASN1IA5String.getInstance(name.getName()).getString();
  }

  private static String address(GeneralName name) throws IssuanceException {
    byte[] octets = ASN1OctetString.getInstance(name.getName()).getOctets();
    return NameSyntax.ip(octets)
        .orElseThrow(() -> CsrReader.malformed("an IP address has 4 or 16 octets"))
        .canonical();
  }

  private static IssuanceException refused(String what) {
    return new IssuanceException(
        Reason.CSR_EXTENSION, "the CSR asks for " + what + ", which no module gets");
  }
}
