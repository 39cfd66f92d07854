package dev.vouchsafe.ca;

import static dev.vouchsafe.ca.Lint.require;

import java.nio.charset.StandardCharsets;
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
  /** As many as stand for what is cut off. */
  private static final int HASH_DIGITS = 16;

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
    List<SubjectTemplate.Part> wanted = expected.profile().subject().parts();
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
        require(
            text.equals(wanted(part, grant, expected.gateway())),
            "the subject says something else than the profile");
      }
      anew[i] =
          new RDN(
              attribute.getType(),
              printable ? new DERPrintableString(text) : new DERUTF8String(text));
    }
    return new X500Name(anew);
  }

  /** What the template asks for, read character by character and not by what filled it in. */
  private static String wanted(SubjectTemplate.Part part, Grant grant, GatewayIdentity gateway)
      throws IssuanceException {
    StringBuilder whole = new StringBuilder();
    String template = part.text();
    int at = 0;
    while (at < template.length()) {
      int close = template.indexOf('}', at);
      int again = template.indexOf('{', at + 1);
      if (template.charAt(at) == '{' && close > 0 && (again < 0 || again > close)) {
        whole.append(value(template.substring(at + 1, close), grant, gateway));
        at = close + 1;
      } else {
        whole.append(template.charAt(at));
        at++;
      }
    }
    String text = whole.toString();
    int longest = part.type().longest();
    if (text.length() <= longest) {
      return text;
    }
    String hash =
        Octets.hex(Octets.sha256(text.getBytes(StandardCharsets.UTF_8))).substring(0, HASH_DIGITS);
    String head = text.substring(0, longest - 1 - HASH_DIGITS);
    boolean half = Character.isHighSurrogate(head.charAt(head.length() - 1));
    return (half ? head.substring(0, head.length() - 1) : head) + "-" + hash;
  }

  private static String value(String name, Grant grant, GatewayIdentity gateway)
      throws IssuanceException {
    return switch (name) {
      case "module" -> grant.module();
      case "generation" -> grant.generation();
      case "device-id" -> gateway.deviceId();
      case "trust-domain" -> gateway.trustDomain();
      default -> throw Lint.broken("the template names what there is not");
    };
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
