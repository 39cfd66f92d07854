package dev.vouchsafe.ca;

import static dev.vouchsafe.ca.Lint.require;

import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1PrintableString;
import org.bouncycastle.asn1.ASN1UTF8String;
import org.bouncycastle.asn1.DERPrintableString;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.x500.AttributeTypeAndValue;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;

/** The part of {@link LeafLint} that is about the subject. */
final class SubjectLint {
  private SubjectLint() {}

  /**
   * Throws unless that is the subject that its profile gives, with a common name that the grant
   * gives.
   *
   * @return the subject, encoded anew
   */
  static X500Name check(X500Name subject, LeafLint.Expected expected, Set<SanName> names)
      throws IssuanceException {
    Grant grant = expected.grant();
    List<SubjectTemplate.Part> wanted =
        expected
            .profile()
            .subject()
            .filled(
                new SubjectTemplate.Values(grant.module(), grant.generation(), expected.gateway()),
                SubjectTemplate.NAME);
    RDN[] rdns = subject.getRDNs();
    require(rdns.length == wanted.size(), "the subject has not the attributes of the profile");
    RDN[] anew = new RDN[rdns.length];
    for (int i = 0; i < rdns.length; i++) {
      SubjectTemplate.Part part = wanted.get(i);
      AttributeTypeAndValue attribute = rdns[i].getFirst();
      require(
          !rdns[i].isMultiValued() && attribute.getType().equals(oid(part.type())),
          "the subject has not the attributes of the profile");
      boolean printable =
          part.type() == SubjectTemplate.Type.C
              || part.type() == SubjectTemplate.Type.SERIAL_NUMBER;
      String text =
          printable
              ? ASN1PrintableString.getInstance(attribute.getValue()).getString()
              : ASN1UTF8String.getInstance(attribute.getValue()).getString();
      if (part.type() == SubjectTemplate.Type.CN) {
        checkCommonName(text, expected, names);
      } else {
        require(text.equals(part.text()), "the subject says something else than the profile");
      }
      anew[i] =
          new RDN(
              attribute.getType(),
              printable ? new DERPrintableString(text) : new DERUTF8String(text));
    }
    return new X500Name(anew);
  }

  private static void checkCommonName(String name, LeafLint.Expected expected, Set<SanName> names)
      throws IssuanceException {
    Grant grant = expected.grant();
    boolean known =
        expected.profile().named() == LeafProfile.CommonName.MODULE
            && name.equals(LeafPlan.commonName(grant.commonName().orElse(grant.module())));
    for (SanName san : names) {
      String plain = san.text().substring(san.text().indexOf(':') + 1);
      known = known || name.equals(LeafPlan.commonName(plain));
    }
    require(known, "the CN is neither the subject that the grant gives nor one of the names");
  }

  private static ASN1ObjectIdentifier oid(SubjectTemplate.Type type) {
    return switch (type) {
      case C -> BCStyle.C;
      case ST -> BCStyle.ST;
      case L -> BCStyle.L;
      case O -> BCStyle.O;
      case OU -> BCStyle.OU;
      case CN -> BCStyle.CN;
      case SERIAL_NUMBER -> BCStyle.SERIALNUMBER;
    };
  }
}
