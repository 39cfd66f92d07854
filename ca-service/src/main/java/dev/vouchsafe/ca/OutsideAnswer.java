package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.security.PublicKey;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.pkcs.CertificationRequest;
import org.bouncycastle.asn1.pkcs.CertificationRequestInfo;

/** Holds the certificate that others made for our request against what was asked for. */
final class OutsideAnswer {
  private static final int LISTS = 6;
  private static final int URI = 6;

  private final GatewayIdentity identity;

  OutsideAnswer(GatewayIdentity identity) {
    this.identity = identity;
  }

  /**
   * The chain from the certificate of that request upwards.
   *
   * @param given certificates in any order
   * @param request what was asked for, DER
   * @param key that of the authority, as its store has it
   */
  OutsideChain check(
      List<X509Certificate> given, byte[] request, PublicKey key, String id, Instant now)
      throws OutsideException {
    if (given.stream()
        .noneMatch(it -> Arrays.equals(it.getPublicKey().getEncoded(), key.getEncoded()))) {
      throw new OutsideException(
          "none of the certificates is for the key of "
              + id
              + ": have the request that is waiting signed, not another; print it with `vouchsafe ca"
              + " request`");
    }
    OutsideChain chain = OutsideChain.of(given, key);
    X509Certificate certificate = chain.first();
    if (chain.above().isEmpty()) {
      throw new OutsideException("the certificate is signed by itself, not by another CA");
    }
    requireSubject(certificate, request);
    chain.check(AuthorityPlan.pathLength(identity.layer()), now);
    chain.requireWithin();
    requireAsked(certificate);
    if (KeyType.of(chain.above().getFirst().getPublicKey()).isEmpty()) {
      throw new OutsideException(
          "the CA that signed it has a key of a kind that is not taken: EC on P-256 or P-384, RSA of"
              + " 2048, 3072 or 4096 bits");
    }
    chain.validate(Optional.empty(), now);
    return chain;
  }

  private static void requireSubject(X509Certificate certificate, byte[] request)
      throws OutsideException {
    CertificationRequestInfo info =
        CertificationRequest.getInstance(request).getCertificationRequestInfo();
    try {
      byte[] asked = info.getSubject().getEncoded(ASN1Encoding.DER);
      if (!new X500Principal(asked).equals(certificate.getSubjectX500Principal())) {
        throw new OutsideException(
            "the certificate is for '"
                + certificate.getSubjectX500Principal().getName()
                + "', and the request was for '"
                + info.getSubject()
                + "': have it signed with its subject as it is");
      }
    } catch (IOException e) {
      throw new IllegalStateException("what was read can be encoded", e);
    }
  }

  private void requireAsked(X509Certificate certificate) throws OutsideException {
    int wanted = AuthorityPlan.pathLength(identity.layer());
    if (certificate.getBasicConstraints() != wanted) {
      throw new OutsideException(
          "the certificate has no path length of " + wanted + ", which the request asked for");
    }
    if (!certificate.getKeyUsage()[LISTS]) {
      throw new OutsideException("the certificate lacks cRLSign, which the request asked for");
    }
    String name = "spiffe://" + identity.trustDomain();
    try {
      var names = certificate.getSubjectAlternativeNames();
      if (names == null || !names.contains(List.of(URI, name))) {
        throw new OutsideException(
            "the certificate lacks the name URI:"
                + name
                + ", which the request asked for: have it signed with the request's extensions"
                + " (openssl ca: copy_extensions = copy)");
      }
    } catch (CertificateParsingException e) {
      throw new OutsideException("the certificate's names can't be read", e);
    }
  }
}
