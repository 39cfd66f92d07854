package dev.vouchsafe.ca;

import dev.vouchsafe.ca.RevocationOrder.Target;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1OctetString;

/** What an administrator does with revocations, in the tests' words. */
final class Revoking {
  static final long ADMINISTRATOR = 1000;

  private Revoking() {}

  static RevocationOrder serials(String... serials) {
    return order(new Target.Serials(List.of(serials)), RevocationReason.KEY_COMPROMISE);
  }

  static RevocationOrder module(String name, String registered) {
    return order(
        new Target.Module(name, Optional.empty(), Optional.of(registered)),
        RevocationReason.PRIVILEGE_WITHDRAWN);
  }

  static RevocationOrder order(Target target, RevocationReason reason) {
    return new RevocationOrder(target, reason, Optional.empty(), ADMINISTRATOR);
  }

  static RevocationList list(TestCa ca, String authority) {
    return ca.ca().revocations().list(authority).orElseThrow();
  }

  /** The list as the JDK reads it, after the JDK has verified it with the authority's key. */
  static X509CRL crl(TestCa ca, String authority) throws Exception {
    X509CRL crl = parse(list(ca, authority).der());
    AuthorityInfo signer =
        ca.ca().authorities().stream()
            .filter(it -> it.id().equals(authority))
            .findAny()
            .orElseThrow();
    crl.verify(signer.certificate().getPublicKey());
    return crl;
  }

  static X509CRL parse(byte[] der) throws Exception {
    return (X509CRL)
        CertificateFactory.getInstance("X.509").generateCRL(new ByteArrayInputStream(der));
  }

  static Set<String> serials(X509CRL crl) {
    Set<? extends X509CRLEntry> entries = crl.getRevokedCertificates();
    return entries == null
        ? Set.of()
        : entries.stream()
            .map(it -> Octets.hex(it.getSerialNumber().toByteArray()))
            .collect(Collectors.toSet());
  }

  static BigInteger number(X509CRL crl) {
    byte[] octets = ASN1OctetString.getInstance(crl.getExtensionValue("2.5.29.20")).getOctets();
    return ASN1Integer.getInstance(octets).getValue();
  }
}
