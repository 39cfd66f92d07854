package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.LedgerReader.StoredCross;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Roots and device CAs as the ledger has them at one moment, held against each other and against
 * the settings.
 */
final class AuthorityChain {
  private static final int URI = 6;

  /** A leaf, an issuing CA, the device CA and these are well under the 7 of a chain. */
  private static final int MOST_VOUCHERS = 2;

  private final CaSettings settings;
  private final SoftwareCrypto crypto;
  private final List<StoredAuthority> all;
  private final List<StoredAuthority> delegates;
  private final List<StoredCross> crosses;
  private final StoredAuthority root;
  private final StoredAuthority device;
  private final Issuer issuer;
  private final Set<ByteBuffer> keyHashes = new HashSet<>();

  /**
   * @throws IOException if one is missing, not signed by its issuer, or of another gateway
   */
  private AuthorityChain(
      CaSettings settings,
      SoftwareCrypto crypto,
      List<StoredAuthority> all,
      List<StoredCross> crosses)
      throws IOException {
    this.settings = settings;
    this.crypto = crypto;
    this.crosses = crosses;
    this.all = all.stream().filter(it -> it.row().role() != Role.ISSUING).toList();
    this.delegates = all.stream().filter(it -> it.row().role() == Role.ISSUING).toList();
    this.root = active(Role.ROOT);
    this.device = active(Role.DEVICE);
    requireSigned(root, root.above().isEmpty() ? root.certificate() : root.above().getFirst());
    for (int i = 0; i < root.above().size(); i++) {
      int next = Math.min(i + 1, root.above().size() - 1);
      requireLink(root, root.above().get(i), root.above().get(next));
    }
    requireSigned(device, root.certificate());
    requireIdentity(device.certificate(), settings.identity());
    this.issuer =
        Issuer.of(device, settings.identity(), between(root))
            .listedAt(settings.revocation().baseUrl());
    for (StoredAuthority authority : all) {
      byte[] spki = authority.certificate().getPublicKey().getEncoded();
      keyHashes.add(ByteBuffer.wrap(Octets.sha256(spki)));
    }
  }

  /**
   * Loads them.
   *
   * @throws IOException if one is missing, not signed by its issuer, or of another gateway
   */
  static AuthorityChain load(Ledger ledger, CaSettings settings, SoftwareCrypto crypto)
      throws IOException {
    return new AuthorityChain(settings, crypto, ledger.authorities(), ledger.crosses());
  }

  /** The same with one more. */
  AuthorityChain with(StoredAuthority added) throws IOException {
    List<StoredAuthority> more = new ArrayList<>(all);
    more.add(added);
    more.addAll(delegates);
    return new AuthorityChain(settings, crypto, more, crosses);
  }

  /** The same after some of them, by number, came into another state. */
  AuthorityChain with(Map<Long, State> changed) throws IOException {
    List<StoredAuthority> next = new ArrayList<>();
    for (StoredAuthority authority : all) {
      next.add(authority.in(changed.getOrDefault(authority.row().row(), authority.row().state())));
    }
    next.addAll(delegates);
    return new AuthorityChain(settings, crypto, next, crosses);
  }

  private StoredAuthority active(Role role) throws IOException {
    return all.stream()
        .filter(it -> it.row().role() == role && it.row().state() == State.ACTIVE)
        .reduce((older, newer) -> newer)
        .orElseThrow(() ->
            new IOException(
                "the CA in "
                    + settings.directory()
                    + " is half made: throw it away with its key store, and init again"));
  }

  /** The certificates between the device CA and the one that those who verify trust. */
  private static List<X509Certificate> above(StoredAuthority root) {
    if (root.above().isEmpty()) {
      return List.of();
    }
    List<X509Certificate> between = new ArrayList<>();
    between.add(root.certificate());
    between.addAll(root.above().subList(0, root.above().size() - 1));
    return between;
  }

  private void requireSigned(StoredAuthority subject, X509Certificate issuer) throws IOException {
    requireLink(subject, subject.certificate(), issuer);
  }

  private void requireLink(StoredAuthority of, X509Certificate certificate, X509Certificate issuer)
      throws IOException {
    if (!certificate.getIssuerX500Principal().equals(issuer.getSubjectX500Principal())
        || !isSigned(certificate, issuer)) {
      throw new IOException(
          "the certificate of "
              + of.row().id()
              + " is not signed by its issuer, '"
              + issuer.getSubjectX500Principal().getName()
              + "': the database is damaged, restore a backup");
    }
  }

  /** With the fast library where it is our signature, with the JDK where others chose another. */
  private boolean isSigned(X509Certificate certificate, X509Certificate issuer) throws IOException {
    Optional<KeyType> type = KeyType.of(issuer.getPublicKey());
    try {
      return (type.isPresent()
              && crypto.verify(
                  issuer.getPublicKey(),
                  type.get(),
                  certificate.getTBSCertificate(),
                  certificate.getSignature()))
          || OutsideChain.isSignedBy(certificate, issuer);
    } catch (CertificateEncodingException e) {
      throw new IOException("a certificate in the database is damaged", e);
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

  /** The root that signs authorities. */
  StoredAuthority root() {
    return root;
  }

  /** The authority that issues. */
  StoredAuthority device() {
    return device;
  }

  /** The authority that issues, taken apart. */
  Issuer issuer() {
    return issuer;
  }

  /** Every one, the newest last. */
  List<StoredAuthority> all() {
    return all;
  }

  /** The one of that id, such as {@code device-2}. */
  Optional<StoredAuthority> find(String id) {
    return all.stream().filter(authority -> authority.row().id().equals(id)).findAny();
  }

  /** Those of a role that are in that state. */
  List<StoredAuthority> in(Role role, State state) {
    return all.stream().filter(it -> it.row().role() == role && it.row().state() == state).toList();
  }

  /** The issuing CAs that a device CA has certified, but those that nobody can tell any more. */
  List<StoredAuthority> delegatesOf(StoredAuthority device) {
    return delegates.stream().filter(it -> isUnder(it, device)).toList();
  }

  /** Whether that one certified this: no two authorities have one name. */
  static boolean isUnder(StoredAuthority subject, StoredAuthority issuer) {
    return subject
        .certificate()
        .getIssuerX500Principal()
        .equals(issuer.certificate().getSubjectX500Principal());
  }

  /** What goes into every chain behind the device CA. */
  private List<X509Certificate> between(StoredAuthority known) {
    List<X509Certificate> between = new ArrayList<>(above(known));
    between.addAll(vouchers());
    return between;
  }

  /**
   * What goes into every chain behind the device CA where roots of ours follow each other: the
   * active root's key as another root of ours vouches for it, so that who trusts only that one
   * follows (RFC 9810 section 4.4). With the old root's NewWithOld that goes on until the old root
   * itself ends, also after it has left the bundle; with the new root's OldWithNew as long as that
   * one is published or retiring.
   */
  private List<X509Certificate> vouchers() {
    List<X509Certificate> vouchers = new ArrayList<>();
    StoredAuthority of = root;
    for (int i = 0; i < MOST_VOUCHERS; i++) {
      Optional<StoredCross> next = voucherFor(of);
      if (next.isEmpty()) {
        return vouchers;
      }
      vouchers.add(next.get().certificate());
      of = byRow(next.get().issuer());
    }
    return vouchers;
  }

  private Optional<StoredCross> voucherFor(StoredAuthority of) {
    return crosses.stream()
        .filter(cross -> cross.subject() == of.row().row())
        .filter(cross -> vouches(byRow(cross.issuer()).row(), of.row()))
        .reduce((older, newer) -> newer);
  }

  private static boolean vouches(AuthorityRow issuer, AuthorityRow subject) {
    return switch (issuer.state()) {
      case PUBLISHED, RETIRING -> true;
      case RETIRED -> issuer.generation() < subject.generation();
      case PREPARED, ACTIVE -> false;
    };
  }

  private StoredAuthority byRow(long row) {
    return all.stream().filter(it -> it.row().row() == row).findAny().orElseThrow();
  }

  /** Whether that root has the certificates that let another of ours take over to it and back. */
  boolean isVouchedFor(StoredAuthority next) {
    return crosses.stream().anyMatch(it -> isCross(it, next, root))
        && crosses.stream().anyMatch(it -> isCross(it, root, next));
  }

  private static boolean isCross(
      StoredCross cross, StoredAuthority subject, StoredAuthority issuer) {
    return cross.subject() == subject.row().row() && cross.issuer() == issuer.row().row();
  }

  /** Every device CA that that root certified. */
  List<StoredAuthority> devicesUnder(StoredAuthority issuer) {
    return all.stream()
        .filter(it -> it.row().role() == Role.DEVICE && isUnder(it, issuer))
        .toList();
  }

  /** The device CA that is to take over, under the active root. */
  Optional<StoredAuthority> preparedDevice() {
    return in(Role.DEVICE, State.PREPARED).stream().filter(it -> isUnder(it, root)).findFirst();
  }

  List<AuthorityInfo> infos() {
    return all.stream().map(StoredAuthority::info).toList();
  }

  /** Whether that is the SHA-256 of an authority's SubjectPublicKeyInfo. */
  boolean hasKey(byte[] sha256) {
    return keyHashes.contains(ByteBuffer.wrap(sha256));
  }
}
