package dev.vouchsafe.ca;

import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The authorities as the ledger has them, held against each other and against the settings. */
final class AuthorityChain {
  private static final int URI = 6;

  private final List<LedgerReader.StoredAuthority> all;
  private final LedgerReader.StoredAuthority device;
  private final Issuer issuer;

  private AuthorityChain(
      List<LedgerReader.StoredAuthority> all, LedgerReader.StoredAuthority device, Issuer issuer) {
    this.all = List.copyOf(all);
    this.device = device;
    this.issuer = issuer;
  }

  /**
   * Loads them.
   *
   * @throws IOException if one is missing, not signed by its issuer, or of another gateway
   */
  static AuthorityChain load(Ledger ledger, CaSettings settings, SoftwareCrypto crypto)
      throws IOException {
    List<LedgerReader.StoredAuthority> all = ledger.authorities();
    LedgerReader.StoredAuthority root = active(all, AuthorityInfo.Role.ROOT, settings);
    LedgerReader.StoredAuthority device = active(all, AuthorityInfo.Role.DEVICE, settings);
    requireSigned(root, root, crypto);
    requireSigned(device, root, crypto);
    requireIdentity(device.certificate(), settings.identity());
    Issuer issuer =
        new Issuer(
            device.row().id(),
            settings.identity().trustDomain(),
            device.row().keyType(),
            device.certificate());
    return new AuthorityChain(all, device, issuer);
  }

  private static LedgerReader.StoredAuthority active(
      List<LedgerReader.StoredAuthority> all, AuthorityInfo.Role role, CaSettings settings)
      throws IOException {
    return all.stream()
        .filter(it -> it.row().role() == role && it.row().state() == AuthorityInfo.State.ACTIVE)
        .reduce((older, newer) -> newer)
        .orElseThrow(() ->
            new IOException(
                "the CA in "
                    + settings.directory()
                    + " is half made: throw it away with its key store, and init again"));
  }

  private static void requireSigned(
      LedgerReader.StoredAuthority subject,
      LedgerReader.StoredAuthority signer,
      SoftwareCrypto crypto)
      throws IOException {
    try {
      X509Certificate certificate = subject.certificate();
      if (!certificate
              .getIssuerX500Principal()
              .equals(signer.certificate().getSubjectX500Principal())
          || !crypto.verify(
              signer.certificate().getPublicKey(),
              signer.row().keyType(),
              certificate.getTBSCertificate(),
              certificate.getSignature())) {
        throw new IOException(
            "the certificate of "
                + subject.row().id()
                + " is not signed by "
                + signer.row().id()
                + ": the database is damaged, restore a backup");
      }
    } catch (CertificateEncodingException e) {
      throw new IOException("the certificate of " + subject.row().id() + " is damaged", e);
    }
  }

  private static void requireIdentity(X509Certificate device, GatewayIdentity identity)
      throws IOException {
    String wanted = "spiffe://" + identity.trustDomain();
    try {
      var names = device.getSubjectAlternativeNames();
      if (names == null || !names.contains(List.of(URI, wanted))) {
        throw new IOException(
            "the device CA is of another trust domain than the configured "
                + identity.trustDomain());
      }
    } catch (CertificateParsingException e) {
      throw new IOException("the certificate of the device CA is damaged", e);
    }
    if (device.getBasicConstraints() != AuthorityPlan.pathLength(identity.layer())) {
      throw new IOException(
          "the device CA was made for another layer than the configured " + identity.layer());
    }
  }

  /** The authority that issues, as the ledger has it. */
  LedgerReader.StoredAuthority device() {
    return device;
  }

  /** Every one, the newest last. */
  List<LedgerReader.StoredAuthority> all() {
    return all;
  }

  /** The authority that issues. */
  Issuer issuer() {
    return issuer;
  }

  /** The ledger's row of the authority that issues. */
  long issuerRow() {
    return device.row().row();
  }

  List<AuthorityInfo> infos() {
    return all.stream().map(LedgerReader.StoredAuthority::info).toList();
  }

  /** SHA-256 of each authority's SubjectPublicKeyInfo. */
  Set<ByteBuffer> keyHashes() {
    Set<ByteBuffer> hashes = new HashSet<>();
    for (LedgerReader.StoredAuthority authority : all) {
      byte[] spki = authority.certificate().getPublicKey().getEncoded();
      hashes.add(ByteBuffer.wrap(Octets.sha256(spki)));
    }
    return hashes;
  }
}
