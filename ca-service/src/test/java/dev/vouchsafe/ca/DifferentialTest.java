package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.keys.KeyType;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything that is issued, for requests made at random, read back by the JDK's own reader: names,
 * uses and times must be what grant, request and ledger say, never more.
 */
class DifferentialTest {
  private static final int ROUNDS = 400;
  private static final List<String> NAMES =
      List.of("gateway.local", "edgehub", "a.b.c.example", "*.wild.local", "my_module", "x");
  private static final List<String> IPS = List.of("192.168.1.10", "10.0.0.1", "fd00::1", "::1");
  private static final List<String> ASKED =
      List.of(
          "gateway.local",
          "EDGEHUB",
          "a.b.c.example",
          "*.wild.local",
          "h.wild.local",
          "x",
          "h.h.wild.local",
          "evil.example",
          "10.0.0.1",
          "::1",
          "");

  @TempDir Path folder;
  private final Random random = new Random(20261105);

  @Test
  void whatTheJdkReadsIsWhatWasGrantedAskedAndRecorded() throws Exception {
    int issuedCount = 0;
    try (TestCa ca = TestCa.in(folder)) {
      for (int round = 0; round < ROUNDS; round++) {
        Grant grant = randomGrant();
        CertificateRequest request = randomRequest();
        IssuedCertificate issued;
        try {
          issued = ca.issue(grant, request);
        } catch (IssuanceException e) {
          assertThat(e.reason().kind())
              .isIn(IssuanceException.Kind.REFUSED, IssuanceException.Kind.INVALID);
          continue;
        }
        issuedCount++;
        assertAgrees(ca, grant, request, issued);
      }
    }
    assertThat(issuedCount).isBetween(ROUNDS / 10, ROUNDS);
  }

  private void assertAgrees(
      TestCa ca, Grant grant, CertificateRequest request, IssuedCertificate issued)
      throws Exception {
    List<X509Certificate> chain = TestCa.chain(issued);
    X509Certificate leaf = chain.getFirst();
    Set<String> names = new HashSet<>();
    Collection<List<?>> sans = leaf.getSubjectAlternativeNames();
    for (List<?> san : sans == null ? List.<List<?>>of() : sans) {
      names.add(assertGranted(grant, request.profile(), (Integer) san.get(0), san.get(1)));
    }
    LedgerEntry entry = ca.ca().certificate(issued.serial()).orElseThrow();
    assertThat(entry.names()).containsExactlyInAnyOrderElementsOf(names);
    assertThat(entry.tbsSha256()).isEqualTo(Octets.hex(Octets.sha256(leaf.getTBSCertificate())));
    assertThat(entry.notAfter()).isEqualTo(leaf.getNotAfter().toInstant());
    assertThat(leaf.getBasicConstraints()).isEqualTo(-1);
    assertThat(leaf.getKeyUsage()[5]).isFalse();
    assertThat(leaf.getExtendedKeyUsage())
        .hasSize(request.profile().equals(Profile.IDENTITY) ? 2 : 1);
    assertThat(leaf.getSubjectX500Principal().getName()).startsWith("CN=").doesNotContain(",");
    PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(ca.root(), null)));
    parameters.setRevocationEnabled(false);
    parameters.setDate(Date.from(TestCa.NOW));
    CertPathValidator.getInstance("PKIX")
        .validate(CertificateFactory.getInstance("X.509").generateCertPath(chain), parameters);
  }

  /** The oracle: a second opinion on what a grant allows, written without the gate's code. */
  private static String assertGranted(Grant grant, Profile profile, int kind, Object value)
      throws Exception {
    String name = (String) value;
    return switch (kind) {
      case 2 -> {
        boolean wild =
            grant.dns().contains("*." + name.replaceFirst("^[a-z0-9-]+\\.", ""))
                && name.matches("[a-z0-9-]+\\..*");
        assertThat(grant.dns().contains(name) || wild).as(name).isTrue();
        yield "dns:" + name;
      }
      case 7 -> {
        InetAddress address = InetAddress.getByName(name);
        List<String> same = new ArrayList<>();
        for (String granted : grant.ip()) {
          if (InetAddress.getByName(granted).equals(address)) {
            same.add(granted);
          }
        }
        assertThat(same).as(name).hasSize(1);
        yield "ip:" + same.getFirst();
      }
      case 6 -> {
        assertThat(profile).isEqualTo(Profile.IDENTITY);
        assertThat(name).isEqualTo(grant.spiffeId().orElseThrow());
        yield "uri:" + name;
      }
      default -> throw new AssertionError("a name of kind " + kind);
    };
  }

  private Grant randomGrant() {
    return new Grant(
        "module" + random.nextInt(5),
        Integer.toString(random.nextInt(3)),
        random.nextInt(10) == 0 ? Set.of(Profile.SERVER) : Set.of(Profile.IDENTITY, Profile.SERVER),
        some(NAMES),
        some(IPS),
        random.nextBoolean() ? Optional.of("spiffe://gw.example/m") : Optional.empty(),
        Optional.empty(),
        List.of(),
        Optional.empty());
  }

  private CertificateRequest randomRequest() throws Exception {
    Profile profile = random.nextBoolean() ? Profile.IDENTITY : Profile.SERVER;
    Optional<String> csr = Optional.empty();
    if (random.nextInt(3) == 0) {
      TestCsr wish = new TestCsr(TestCa.CRYPTO.generate(KeyType.EC_P256));
      if (random.nextBoolean()) {
        wish.dns(ASKED.get(random.nextInt(6)));
      }
      csr = Optional.of(wish.pem());
    }
    return new CertificateRequest(
        profile,
        csr,
        random.nextInt(4) == 0
            ? Optional.of(ASKED.get(random.nextInt(ASKED.size())))
            : Optional.empty(),
        random.nextInt(3) == 0 ? List.of(ASKED.get(random.nextInt(ASKED.size()))) : List.of(),
        random.nextInt(4) == 0 ? List.of(IPS.get(random.nextInt(IPS.size()))) : List.of(),
        Optional.empty(),
        Optional.empty());
  }

  private List<String> some(List<String> from) {
    List<String> some = new ArrayList<>();
    for (String each : from) {
      if (random.nextInt(3) > 0) {
        some.add(each.toLowerCase(Locale.ROOT));
      }
    }
    return some;
  }
}
