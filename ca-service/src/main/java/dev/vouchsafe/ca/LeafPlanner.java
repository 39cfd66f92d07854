package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.clock.TrustedClock.Reading;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Decides from grant, request and CSR what a leaf will say, or refuses. */
final class LeafPlanner {
  /** Clocks of those who verify run behind ours by less than this. */
  static final Duration BACK_DATED = Duration.ofSeconds(60);

  private static final int MOST_NAMES = 100;
  private static final int LONGEST_NAME = 256;

  private final GatewayIdentity gateway;
  private final SecureRandom random = new SecureRandom();

  /**
   * @param gateway whose device id is the name that it itself goes by at its hub or parent
   */
  LeafPlanner(GatewayIdentity gateway) {
    this.gateway = gateway;
  }

  /**
   * What a leaf will say, whoever signs it.
   *
   * @param profile what it is for
   * @param subject the subject's attributes
   * @param names the SANs
   * @param life how long it is to live, if its issuer does
   */
  record Wish(
      LeafProfile profile, List<SubjectTemplate.Part> subject, List<SanName> names, Duration life) {
    /** The same for as long as the trust in the time allows. */
    Wish bounded(Reading time) {
      return new Wish(profile, subject, names, time.bounded(life));
    }
  }

  /**
   * Decides what the leaf says.
   *
   * @param gate the gate that the grant makes for that profile
   */
  Wish wish(
      Grant grant,
      LeafProfile profile,
      NameGate gate,
      CertificateRequest request,
      Optional<Csr> csr)
      throws IssuanceException {
    if (!grant.profiles().contains(profile.name())) {
      throw new IssuanceException(
          Reason.PROFILE_NOT_GRANTED,
          "the registration of "
              + NameSyntax.quoted(grant.module())
              + " does not grant profile "
              + profile.name().text());
    }
    checkSizes(request, csr);
    Set<SanName> sans = new LinkedHashSet<>();
    Optional<String> subject = askedNames(gate, request, csr, sans);
    if (sans.isEmpty()) {
      sans.addAll(gate.allGranted());
    }
    if (profile.nameRequired() && sans.isEmpty()) {
      throw new IssuanceException(
          Reason.NO_NAME,
          "the registration of "
              + NameSyntax.quoted(grant.module())
              + " has no name for a certificate of profile "
              + profile.name().text()
              + (gate.isLimited() ? " that those over this gateway let it certify" : "")
              + ", and none was asked for");
    }
    String commonName =
        subject.orElseGet(() ->
            profile.isNamedByModule()
                ? grant.commonName().orElse(grant.module())
                : plain(first(sans)));
    if (profile.isShownByClients()) {
      refuseDeviceId(grant, commonName);
    }
    if (profile.carriesSpiffeId() && grant.spiffeId().isPresent()) {
      sans.add(gate.uri(grant.spiffeId().get()));
    }
    List<SanName> names = ordered(sans);
    List<SubjectTemplate.Part> subjectParts = subject(grant, profile, gate, commonName, names);
    return new Wish(profile, subjectParts, names, life(grant, profile, request));
  }

  private List<SubjectTemplate.Part> subject(
      Grant grant, LeafProfile profile, NameGate gate, String commonName, List<SanName> names)
      throws IssuanceException {
    List<SubjectTemplate.Part> parts =
        profile
            .subject()
            .filled(
                new SubjectTemplate.Values(grant.module(), grant.generation(), gateway),
                commonName);
    if (gate.isLimited()) {
      gate.subject(LeafBuilder.subject(parts), commonName, names);
    }
    return parts;
  }

  /** The wish as that issuer can fulfil it: within its own life. */
  LeafPlan plan(Wish wish, Issuer issuer, Reading time) throws IssuanceException {
    Instant now = time.now();
    if (!issuer.isValidAt(now)) {
      String valid =
          issuer.id() + " is valid from " + issuer.notBefore() + " to " + issuer.notAfter();
      throw time.isTrusted()
          ? new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, valid)
          : Times.untrusted(valid);
    }
    Instant end = now.truncatedTo(ChronoUnit.SECONDS).plusSeconds(wish.life().toSeconds());
    Instant notAfter = end.isAfter(issuer.notAfter()) ? issuer.notAfter() : end;
    double jitter = random.nextDouble();
    return new LeafPlan(
        wish.profile(),
        wish.subject(),
        wish.names(),
        notBefore(issuer, now),
        notAfter,
        issuer.renewal(
            RenewalTime.of(time, notAfter, jitter), now.truncatedTo(ChronoUnit.SECONDS), jitter));
  }

  /**
   * A hub takes whoever has a client certificate with the device id as common name for the gateway,
   * in any case of letters: a module of that name, or one that was granted it as a DNS name, must
   * not have one.
   */
  private void refuseDeviceId(Grant grant, String commonName) throws IssuanceException {
    if (commonName.equalsIgnoreCase(gateway.deviceId())
        && !grant.commonName().filter(gateway.deviceId()::equals).isPresent()) {
      throw new IssuanceException(
          Reason.NAME_NOT_GRANTED,
          "the common name "
              + NameSyntax.quoted(commonName)
              + " is the device id, which only the registration 'device' has in its identity");
    }
  }

  /**
   * Puts every name asked for through the gate.
   *
   * @param sans takes those that become SANs
   * @return the name for the subject: the first common name, if there is one
   */
  private static Optional<String> askedNames(
      NameGate gate, CertificateRequest request, Optional<Csr> csr, Set<SanName> sans)
      throws IssuanceException {
    List<String> commonNames = new ArrayList<>();
    request.commonName().ifPresent(commonNames::add);
    csr.ifPresent(it -> commonNames.addAll(it.commonNames()));
    Optional<String> subject = Optional.empty();
    for (String asked : commonNames) {
      Optional<SanName> san = gate.commonName(asked);
      san.ifPresent(sans::add);
      if (subject.isEmpty() && san.isPresent()) {
        subject = Optional.of(plain(san.get()));
      }
    }
    for (String asked : request.dns()) {
      sans.add(gate.dns(asked));
    }
    for (String asked : request.ip()) {
      sans.add(gate.ip(asked));
    }
    if (csr.isPresent()) {
      for (String asked : csr.get().dns()) {
        sans.add(gate.dns(asked));
      }
      for (String asked : csr.get().ip()) {
        sans.add(gate.ip(asked));
      }
      for (String asked : csr.get().uris()) {
        gate.uri(asked);
      }
    }
    return subject;
  }

  private static void checkSizes(CertificateRequest request, Optional<Csr> csr)
      throws IssuanceException {
    int count =
        request.dns().size()
            + request.ip().size()
            + csr.map(it -> it.commonNames().size() + it.dns().size() + it.ip().size()).orElse(0);
    if (count > MOST_NAMES) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID, "dns, ip: more than " + MOST_NAMES + " names are asked for");
    }
    if (request.commonName().filter(name -> name.length() > LONGEST_NAME).isPresent()) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID, "commonName: longer than " + LONGEST_NAME + " characters");
    }
  }

  /** DNS names first, then addresses, then the SPIFFE ID, so that equal wishes look equal. */
  private static List<SanName> ordered(Set<SanName> sans) {
    List<SanName> dns = new ArrayList<>(sans.size());
    List<SanName> ips = new ArrayList<>();
    List<SanName> uris = new ArrayList<>();
    for (SanName name : sans) {
      switch (name) {
        case SanName.Dns it -> dns.add(it);
        case SanName.Ip it -> ips.add(it);
        case SanName.Uri it -> uris.add(it);
      }
    }
    dns.addAll(ips);
    dns.addAll(uris);
    return dns;
  }

  private static SanName first(Set<SanName> sans) {
    return ordered(sans).getFirst();
  }

  private static String plain(SanName name) {
    return switch (name) {
      case SanName.Dns dns -> dns.name();
      case SanName.Ip ip -> ip.canonical();
      case SanName.Uri uri -> uri.uri();
    };
  }

  private static Instant notBefore(Issuer issuer, Instant now) {
    Instant backDated = now.minus(BACK_DATED).truncatedTo(ChronoUnit.SECONDS);
    return backDated.isBefore(issuer.notBefore()) ? issuer.notBefore() : backDated;
  }

  /** The life that was asked for, within the caps; may be one that is refused. */
  static Duration longest(Grant grant, LeafProfile profile, CertificateRequest request) {
    Duration life = request.ttl().or(grant::ttl).orElse(profile.lifetime());
    life = shorter(life, grant.ttl().orElse(profile.cap()));
    return shorter(life, profile.cap());
  }

  private static Duration life(Grant grant, LeafProfile profile, CertificateRequest request)
      throws IssuanceException {
    Duration life = longest(grant, profile, request);
    if (life.toSeconds() < 1) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID, "ttl: a certificate lives for at least one second");
    }
    return life;
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }
}
