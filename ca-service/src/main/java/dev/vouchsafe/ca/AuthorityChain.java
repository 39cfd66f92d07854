package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Roots and device CAs as the ledger has them at one moment, held against each other and against
 * the settings.
 */
final class AuthorityChain {
  private static final int URI = 6;

  private final CaSettings settings;
  private final SoftwareCrypto crypto;
  private final List<StoredAuthority> all;
  private final List<StoredAuthority> delegates;
  private final Vouchers vouchers;
  private final Instant at;
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
      Vouchers vouchers,
      Instant at)
      throws IOException {
    this.settings = settings;
    this.crypto = crypto;
    this.at = at;
    this.vouchers = vouchers.among(all.stream().filter(it -> it.row().role() == Role.ROOT));
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
            .telling(settings.revocation())
            .within(NameLimits.of(path(device, root)));
    for (StoredAuthority authority : all) {
      byte[] spki = authority.certificate().getPublicKey().getEncoded();
      keyHashes.add(ByteBuffer.wrap(Octets.sha256(spki)));
    }
  }

  /**
   * Loads them.
   *
   * @param at what has ended then is in no chain
   * @throws IOException if one is missing, not signed by its issuer, or of another gateway
   */
  static AuthorityChain load(Ledger ledger, CaSettings settings, SoftwareCrypto crypto, Instant at)
      throws IOException {
    Vouchers vouchers = new Vouchers(List.of(), ledger.crosses());
    return new AuthorityChain(settings, crypto, ledger.authorities(), vouchers, at);
  }

  /** Whether what is in its chains is what belongs there at that moment. */
  boolean holdsAt(Instant time) {
    return vouchers.areSame(at, time);
  }

  /** The same at another moment. */
  AuthorityChain at(Instant time) throws IOException {
    return new AuthorityChain(settings, crypto, everyOne(), vouchers, time);
  }

  /** The same without the certificates of roots for roots that have these serial numbers. */
  AuthorityChain without(List<byte[]> serials) throws IOException {
    return new AuthorityChain(settings, crypto, everyOne(), vouchers.without(serials), at);
  }

  private List<StoredAuthority> everyOne() {
    return Stream.concat(all.stream(), delegates.stream()).toList();
  }

  /** The same with one more. */
  AuthorityChain with(StoredAuthority added) throws IOException {
    List<StoredAuthority> more = new ArrayList<>(all);
    more.add(added);
    more.addAll(delegates);
    return new AuthorityChain(settings, crypto, more, vouchers, at);
  }

  /** The same after some of them, by number, came into another state. */
  AuthorityChain with(Map<Long, State> changed) throws IOException {
    List<StoredAuthority> next = new ArrayList<>();
    for (StoredAuthority authority : all) {
      next.add(authority.in(changed.getOrDefault(authority.row().row(), authority.row().state())));
    }
    next.addAll(delegates);
    return new AuthorityChain(settings, crypto, next, vouchers, at);
  }

  /**
   * How the authorities of that ledger are after that device CA, which others certified, and the
   * root over it took over.
   *
   * @throws IOException if they don't belong together, or are of another gateway
   */
  static AuthorityChain takenOver(
      Ledger ledger,
      CaSettings settings,
      SoftwareCrypto crypto,
      StoredAuthority root,
      StoredAuthority device,
      Instant at)
      throws IOException {
    List<StoredAuthority> next = new ArrayList<>(List.of(root, device));
    for (StoredAuthority other : ledger.authorities()) {
      long number = other.row().row();
      if (number != root.row().row() && number != device.row().row()) {
        next.add(other.row().state() == State.ACTIVE ? other.in(State.RETIRING) : other);
      }
    }
    next.sort(Comparator.comparingLong(it -> it.row().row()));
    return new AuthorityChain(
        settings, crypto, next, new Vouchers(List.of(), ledger.crosses()), at);
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

  /** All that those who verify look at, the highest last. */
  private static List<X509Certificate> path(StoredAuthority device, StoredAuthority root) {
    List<X509Certificate> path = new ArrayList<>(List.of(device.certificate(), root.certificate()));
    path.addAll(root.above());
    return path;
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

  /** Whether that one certified this. */
  static boolean isUnder(StoredAuthority subject, StoredAuthority issuer) {
    return subject.issuer().isPresent()
        ? subject.issuer().getAsLong() == issuer.row().row()
        : AuthorityIssuers.isSigned(subject, issuer);
  }

  /**
   * What goes into every chain behind the device CA. The CAs over one from outside already lead to
   * what those who verify trust: another way would be out of order in that chain, and many look for
   * no other once they have begun on one.
   */
  private List<X509Certificate> between(StoredAuthority known) {
    return known.above().isEmpty() ? vouchers.over(known, at) : Vouchers.above(known);
  }

  /** Whether those who trust only the active root can follow to that one. */
  boolean isVouchedFor(StoredAuthority next, Instant time) {
    return vouchers.follows(next, root, time);
  }

  /** {@link Vouchers#beyondUntil} of the active root. */
  Optional<Instant> beyondUntil(StoredAuthority retiring, Instant time) {
    return vouchers.beyondUntil(root, retiring, time);
  }

  /** Whether a root of ours vouches for another by the certificate of that serial number. */
  boolean isVoucher(byte[] serial) {
    return vouchers.has(serial);
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
