package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.util.List;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/**
 * What a certificate request proved and asked for. Its names are as they were written: nothing is
 * granted yet.
 *
 * @param key the key whose possession was proven
 * @param keyType its type
 * @param commonNames every CN of the subject
 * @param dns dNSName SANs
 * @param ip iPAddress SANs, as text
 * @param uris uniformResourceIdentifier SANs
 */
record Csr(
    SubjectPublicKeyInfo key,
    KeyType keyType,
    List<String> commonNames,
    List<String> dns,
    List<String> ip,
    List<String> uris) {
  Csr {
    commonNames = List.copyOf(commonNames);
    dns = List.copyOf(dns);
    ip = List.copyOf(ip);
    uris = List.copyOf(uris);
  }
}
