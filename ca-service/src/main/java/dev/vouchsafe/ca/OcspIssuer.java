package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.ocsp.CertID;
import org.bouncycastle.asn1.oiw.OIWObjectIdentifiers;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/**
 * An authority as OCSP requests name it: by hashes of its name and its key (RFC 6960 section
 * 4.1.1). SHA-1 is what most clients use there; it protects nothing.
 */
final class OcspIssuer {
  private static final Map<ASN1ObjectIdentifier, String> HASHES =
      Map.of(
          OIWObjectIdentifiers.idSHA1, "SHA-1",
          NISTObjectIdentifiers.id_sha256, "SHA-256",
          NISTObjectIdentifiers.id_sha384, "SHA-384",
          NISTObjectIdentifiers.id_sha512, "SHA-512");

  private final StoredAuthority authority;
  private final byte[] name;
  private final byte[] key;

  OcspIssuer(StoredAuthority authority) {
    this.authority = authority;
    this.name = authority.certificate().getSubjectX500Principal().getEncoded();
    this.key =
        SubjectPublicKeyInfo.getInstance(authority.certificate().getPublicKey().getEncoded())
            .getPublicKeyData()
            .getOctets();
  }

  StoredAuthority authority() {
    return authority;
  }

  /** Its name, in DER; not to be changed. */
  byte[] name() {
    return name;
  }

  /** Whether the certificate would be one that this authority signed. */
  boolean isMeant(CertID id) {
    Optional<String> hash = Optional.ofNullable(HASHES.get(id.getHashAlgorithm().getAlgorithm()));
    ASN1Encodable parameters = id.getHashAlgorithm().getParameters();
    // None of these has parameters (RFC 5754 section 2): one certificate could be asked for in any
    // number of ways, each of them another answer to sign and to keep.
    return (parameters == null || DERNull.INSTANCE.equals(parameters))
        && hash.isPresent()
        && Arrays.equals(hash(hash.get(), name), id.getIssuerNameHash().getOctets())
        && Arrays.equals(hash(hash.get(), key), id.getIssuerKeyHash().getOctets());
  }

  static byte[] hash(String algorithm, byte[] octets) {
    try {
      return MessageDigest.getInstance(algorithm).digest(octets);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has " + algorithm, e);
    }
  }
}
