package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/** Makes of a grant and a request the octets that are to be signed, and holds them to the lint. */
final class LeafPreparer {
  /** A leaf that passed the lint and waits for its signature by that signer. */
  record Prepared(LeafSigner signer, LeafIntent intent, Optional<KeyPair> keyPair) {
    /** It with its signature, and with the chain of the authority that made it. */
    IssuedCertificate signed(byte[] signature) {
      Issuer issuer = signer.issuer();
      byte[] certificate = Signed.certificate(intent.tbs(), issuer.signatureAlgorithm(), signature);
      return new IssuedCertificate(
          Octets.hex(intent.serial()),
          Pem.certificate(certificate) + issuer.pem(),
          keyPair.map(pair -> Pem.privateKey(pair.getPrivate().getEncoded())),
          intent.plan().notBefore(),
          intent.plan().notAfter(),
          intent.plan().renewAfter());
    }
  }

  private final Issuers issuers;
  private final TrustedClock clock;
  private final KeyType defaultKey;
  private final Profiles profiles;
  private final GatewayIdentity gateway;
  private final CsrReader csrReader;
  private final LeafPlanner planner;
  private final Optional<LiveCertificates> live;
  private final LeafKeys keys;
  private final Serials serials = new Serials();

  /**
   * @param live counts the living certificates, if they are limited
   */
  LeafPreparer(
      CaSettings settings,
      Issuers issuers,
      SoftwareCrypto crypto,
      TrustedClock clock,
      Optional<LiveCertificates> live) {
    this.live = live;
    this.issuers = issuers;
    this.keys = LeafKeys.onCores(crypto::generate, Runtime.getRuntime().availableProcessors());
    this.clock = clock;
    this.defaultKey = settings.leafKey();
    this.profiles = settings.profiles();
    this.gateway = settings.identity();
    this.csrReader = new CsrReader(crypto, new SubjectKeys(issuers::hasKey));
    this.planner = new LeafPlanner(settings.identity());
  }

  /** The names of the profiles of leaves that there are. */
  Set<Profile> profiles() {
    return profiles.leaves();
  }

  /** How long that leaf would live if its issuer lets it; nothing, if it will be refused. */
  Duration longest(Grant grant, CertificateRequest request) {
    return profiles
        .leaf(request.profile())
        .map(profile -> LeafPlanner.longest(grant, profile, request))
        .orElse(Duration.ZERO);
  }

  /** Whoever gets it holds its signer's key, and must let it go. */
  Prepared prepare(Grant grant, CertificateRequest request) throws IssuanceException {
    TrustedClock.Reading time = clock.read();
    Times.requireIssuing(time);
    Instant now = time.now();
    LeafProfile profile =
        profiles
            .leaf(request.profile())
            .orElseThrow(() ->
                new IssuanceException(
                    Reason.REQUEST_INVALID, "profile: there is none of that name"));
    Optional<Csr> csr = Optional.empty();
    if (request.csrPem().isPresent()) {
      csr = Optional.of(csrReader.read(request.csrPem().get(), profile));
    }
    KeyType keyType = keyType(request, profile, csr);
    NameGate gate = new NameGate(grant, profile, issuers.chain().issuer().limits());
    LeafPlanner.Wish wish = planner.wish(grant, profile, gate, request, csr).bounded(time);
    LeafSigner signer = issuers.choose(request.profile(), wish.life(), now);
    boolean prepared = false;
    try {
      LeafPlan plan = planner.plan(wish, signer.issuer(), time);
      Optional<KeyPair> keyPair =
          csr.isPresent() ? Optional.empty() : Optional.of(keys.make(keyType));
      SubjectPublicKeyInfo key =
          csr.map(Csr::key)
              .orElseGet(() ->
                  SubjectPublicKeyInfo.getInstance(keyPair.orElseThrow().getPublic().getEncoded()));
      LeafIntent intent =
          intent(
              signer,
              grant,
              plan,
              new LeafLint.Expected(grant, profile, gate, key, keyType, gateway, now));
      if (live.isPresent()) {
        live.get().enter(grant.module(), plan.notAfter(), now);
      }
      prepared = true;
      return new Prepared(signer, intent, keyPair);
    } finally {
      if (!prepared) {
        signer.key().letGo();
      }
    }
  }

  /** What was prepared is not signed, or not handed out by us: it doesn't count as living. */
  void failed(Prepared prepared) {
    if (live.isPresent()) {
      live.get().leave(prepared.intent().module(), prepared.intent().plan().notAfter());
    }
  }

  private LeafIntent intent(
      LeafSigner signer, Grant grant, LeafPlan plan, LeafLint.Expected expected)
      throws IssuanceException {
    try {
      byte[] serial = serials.next(expected.now());
      byte[] tbs = signer.tbs(plan, serial, expected);
      byte[] keyHash = Octets.sha256(expected.key().getEncoded(ASN1Encoding.DER));
      return new LeafIntent(grant, plan, signer.authority().row().row(), serial, tbs, keyHash);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  private KeyType keyType(CertificateRequest request, LeafProfile profile, Optional<Csr> csr)
      throws IssuanceException {
    KeyType type = asked(request, profile, csr);
    if (!profile.keyTypes().contains(type)) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID,
          "keyType: profile "
              + profile.name().text()
              + " has keys of type "
              + profile.keyTypes().stream().map(KeyType::text).collect(Collectors.joining(", "))
              + ", not "
              + type.text());
    }
    return type;
  }

  private KeyType asked(CertificateRequest request, LeafProfile profile, Optional<Csr> csr)
      throws IssuanceException {
    if (request.keyType().isEmpty()) {
      KeyType made =
          profile.keyTypes().contains(defaultKey) ? defaultKey : profile.keyTypes().getFirst();
      return csr.map(Csr::keyType).orElse(made);
    }
    String asked = request.keyType().get();
    KeyType type =
        KeyType.parse(asked)
            .orElseThrow(() ->
                new IssuanceException(
                    Reason.REQUEST_INVALID,
                    "keyType: " + NameSyntax.quoted(asked) + " is not a type that we make"));
    if (csr.isPresent() && csr.get().keyType() != type) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID,
          "keyType: the CSR's key is of type " + csr.get().keyType().text());
    }
    return type;
  }
}
