package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.bouncycastle.asn1.x500.X500Name;

/**
 * The one gate that every name of a certificate passes, whatever asked for it: request, CSR,
 * registration, and once more when the finished certificate is linted.
 *
 * <p>A name that can't be read, or is not granted, gets one and the same answer. The grant's own
 * entries are read by the same rules; one that can't be read, or that the profile has no place for,
 * grants nothing. Made anew for each request, used by one thread.
 */
final class NameGate {
  private final Grant grant;
  private final LeafProfile profile;
  private final NameLimits limits;
  private final Set<SanName> exact = new LinkedHashSet<>();
  private final List<String> wildcardTails = new ArrayList<>();

  /** Under a CA that may certify every name. */
  NameGate(Grant grant, LeafProfile profile) {
    this(grant, profile, NameLimits.NONE);
  }

  /**
   * @param limits the names that those over this gateway may have certified
   */
  NameGate(Grant grant, LeafProfile profile, NameLimits limits) {
    this.grant = grant;
    this.profile = profile;
    this.limits = limits;
    if (profile.names().contains(LeafProfile.NameKind.DNS)) {
      for (String text : grant.dns()) {
        NameSyntax.dns(text).ifPresent(this::take);
      }
    }
    if (profile.names().contains(LeafProfile.NameKind.IP)) {
      for (String text : grant.ip()) {
        NameSyntax.ip(text).ifPresent(exact::add);
      }
    }
  }

  private void take(SanName.Dns name) {
    exact.add(name);
    if (name.isWildcard()) {
      wildcardTails.add(name.name().substring(1));
    }
  }

  /** That DNS name in the form to certify. A wildcard must be granted as it is written. */
  SanName.Dns dns(String asked) throws IssuanceException {
    Optional<SanName.Dns> name = NameSyntax.dns(asked);
    if (name.isEmpty() || !(exact.contains(name.get()) || underWildcard(name.get()))) {
      throw refused("DNS name", asked);
    }
    requireWithin(name.get());
    return name.get();
  }

  /** That IP address in the form to certify; addresses are compared, not texts. */
  SanName.Ip ip(String asked) throws IssuanceException {
    Optional<SanName.Ip> address = NameSyntax.ip(asked);
    if (address.isEmpty() || !exact.contains(address.get())) {
      throw refused("IP address", asked);
    }
    requireWithin(address.get());
    return address.get();
  }

  /** The IP address of those 4 or 16 octets, as a certificate or CSR has it. */
  SanName.Ip ip(byte[] octets) throws IssuanceException {
    Optional<SanName.Ip> address = NameSyntax.ip(octets);
    if (address.isEmpty() || !exact.contains(address.get())) {
      throw refused("IP address", address.map(SanName.Ip::canonical).orElse("of a wrong length"));
    }
    requireWithin(address.get());
    return address.get();
  }

  /** The SPIFFE ID, in the profiles that carry it, compared octet by octet. */
  SanName.Uri uri(String asked) throws IssuanceException {
    if (!profile.carriesSpiffeId() || !grant.spiffeId().filter(asked::equals).isPresent()) {
      throw refused("URI", asked);
    }
    SanName.Uri uri = new SanName.Uri(asked);
    requireWithin(uri);
    return uri;
  }

  /**
   * The name that a common name stands for, as SAN: an IP address if it reads as one, else a DNS
   * name. In a profile that is named by the module, the module's own name, with or without a
   * leading {@code $}, and the common name that the grant gives are a subject and no SAN.
   *
   * @return the SAN, or nothing if it is such a name
   */
  Optional<SanName> commonName(String asked) throws IssuanceException {
    if (profile.isNamedByModule() && isOwn(asked)) {
      return Optional.empty();
    }
    return Optional.of(NameSyntax.ip(asked).isPresent() ? ip(asked) : dns(asked));
  }

  /**
   * What is certified when nothing is asked for: every granted address, and name without a
   * wildcard, that those over this gateway let it certify.
   */
  List<SanName> allGranted() {
    List<SanName> names = new ArrayList<>();
    for (SanName name : exact) {
      boolean wildcard = name instanceof SanName.Dns dns && dns.isWildcard();
      if (!wildcard && limits.forbids(name).isEmpty()) {
        names.add(name);
      }
    }
    return names;
  }

  /** The subject, which those over this gateway must let it certify too. */
  void subject(X500Name subject, String commonName, List<SanName> names) throws IssuanceException {
    Optional<String> by = limits.forbids(subject, commonName, names);
    if (by.isPresent()) {
      throw forbidden(by.get(), "the subject " + NameSyntax.quoted(subject.toString()));
    }
  }

  /** Whether a name that is granted may be forbidden all the same. */
  boolean isLimited() {
    return !limits.isNone();
  }

  private void requireWithin(SanName name) throws IssuanceException {
    Optional<String> by = limits.forbids(name);
    if (by.isPresent()) {
      throw forbidden(by.get(), NameSyntax.quoted(name.text()));
    }
  }

  private static IssuanceException forbidden(String by, String name) {
    return new IssuanceException(
        Reason.NAME_NOT_GRANTED,
        "the name constraints of "
            + NameSyntax.quoted(by)
            + ", which this gateway is under, forbid "
            + name
            + ": nobody would believe a certificate with it");
  }

  private boolean isOwn(String asked) {
    return grant.commonName().filter(asked::equals).isPresent()
        || asked.equals(grant.module())
        || grant.module().equals("$" + asked);
  }

  private boolean underWildcard(SanName.Dns name) {
    int dot = name.name().indexOf('.');
    return dot > 0
        && !name.isWildcard()
        && NameSyntax.isPlainLabel(name.name().substring(0, dot))
        && wildcardTails.contains(name.name().substring(dot));
  }

  private IssuanceException refused(String kind, String asked) {
    return new IssuanceException(
        Reason.NAME_NOT_GRANTED,
        "the registration of "
            + NameSyntax.quoted(grant.module())
            + " grants no "
            + kind
            + " "
            + NameSyntax.quoted(asked)
            + " for profile "
            + profile.name().text());
  }
}
