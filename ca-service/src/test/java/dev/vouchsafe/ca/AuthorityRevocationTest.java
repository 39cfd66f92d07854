package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationOrder.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509CRL;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An authority that is distrusted as a whole. */
class AuthorityRevocationTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.IDENTITY);

  private static final CertificateRequest BROKEN =
      new CertificateRequest(
          Profile.IDENTITY,
          Optional.of("no CSR"),
          REQUEST.commonName(),
          REQUEST.dns(),
          REQUEST.ip(),
          REQUEST.ttl(),
          REQUEST.keyType());

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private Revocations revocations() {
    return ca.ca().revocations();
  }

  private RevocationResult revoke(String id, boolean now) throws IssuanceException {
    return revocations()
        .revoke(Revoking.order(new Target.Authority(id, now), RevocationReason.CA_COMPROMISE));
  }

  private String issued() throws IssuanceException {
    return ca.issue(TestCa.grant(), REQUEST).serial();
  }

  private void assertRefused(String id, boolean now, Reason reason) {
    assertThatThrownBy(() -> revoke(id, now))
        .isInstanceOfSatisfying(
            IssuanceException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }

  @Test
  void aRetiringDeviceCaIsOnTheRootsListAndAllItsLeavesCountAsRevoked() throws Exception {
    String old = issued();
    ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
    ca.ca().changes().activate("device-2");
    String next = issued();

    RevocationResult result = revoke("device-1", false);

    assertThat(result.fresh()).isEqualTo(1);
    assertThat(result.unlisted()).isEmpty();
    assertThat(result.certificates().getFirst().authority()).isEqualTo("root-1");
    X509CRL root = Revoking.crl(ca, "root-1");
    assertThat(Revoking.serials(root)).hasSize(1);
    RevokedCertificate leaf = revocations().find(old).orElseThrow();
    assertThat(leaf.reason()).isEqualTo(RevocationReason.CA_COMPROMISE);
    assertThat(leaf.listed()).isTrue();
    assertThat(revocations().find(next)).isEmpty();
    assertThat(issued()).isNotEmpty();
    assertThat(revocations().distrusted()).containsExactly("device-1");
    ca.reopen();
    assertThat(revocations().distrusted()).containsExactly("device-1");
    assertThat(revocations().find(old)).isPresent();
    assertThat(revoke("device-1", false).fresh()).isZero();
  }

  @Test
  void whatIsRevokedIsFoundByThatItselfOrWithItsAuthority() throws Exception {
    String old = issued();
    ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
    ca.ca().changes().activate("device-2");
    String bad = issued();
    String good = issued();
    revocations().revoke(Revoking.serials(bad));
    assertThat(revokedOnes()).containsExactly(bad);

    revoke("device-1", false);

    assertThat(revokedOnes()).containsExactlyInAnyOrder(bad, old).doesNotContain(good);
  }

  private List<String> revokedOnes() throws IssuanceException {
    Optional<String> any = Optional.empty();
    LedgerFilter revoked =
        new LedgerFilter(
            any,
            any,
            LedgerFilter.Window.ALWAYS,
            LedgerFilter.Window.ALWAYS,
            Optional.empty(),
            any,
            any,
            true);
    return ca.ca().certificates(new LedgerQuery(revoked, 10, any)).items().stream()
        .map(LedgerEntry::serial)
        .toList();
  }

  @Test
  void theOneThatIssuesIsRefusedUnlessNowAndThenNothingIsIssuedUntilAnotherIsActive()
      throws Exception {
    issued();
    assertRefused("device-1", false, Reason.AUTHORITY_STATE);
    assertThat(issued()).as("state unchanged").isNotEmpty();

    assertThat(revoke("device-1", true).fresh()).isEqualTo(1);

    assertThatThrownBy(() -> ca.issue(TestCa.grant(), BROKEN))
        .as("before a look at what is asked for")
        .isInstanceOfSatisfying(
            IssuanceException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.AUTHORITY_UNAVAILABLE));
    assertThatThrownBy(this::issued)
        .isInstanceOfSatisfying(
            IssuanceException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.AUTHORITY_UNAVAILABLE));
    ca.reopen();
    assertThatThrownBy(this::issued).isInstanceOf(IssuanceException.class);
    ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
    ca.ca().changes().activate("device-2");
    assertThat(issued()).isNotEmpty();
  }

  @Test
  void aDeviceCaThatTookOverSignsItsListWithoutARestartAndTheOneBeforeGoesOn() throws Exception {
    String old = issued();
    ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
    ((RevocationService) revocations()).look();
    assertThat(revocations().list("device-2")).as("it is only prepared").isEmpty();
    ca.ca().changes().activate("device-2");
    String next = issued();

    RevocationResult result = revocations().revoke(Revoking.serials(old, next));

    assertThat(result.unlisted()).isEmpty();
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).containsExactly(old);
    assertThat(Revoking.serials(Revoking.crl(ca, "device-2"))).containsExactly(next);
  }

  @Test
  void aRootAPreparedOneAndAnUnknownOneAreRefused() throws Exception {
    ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());

    assertRefused("root-1", true, Reason.AUTHORITY_STATE);
    assertRefused("device-2", true, Reason.AUTHORITY_STATE);
    assertRefused("device-7", true, Reason.CERTIFICATE_UNKNOWN);

    assertThat(revocations().distrusted()).isEmpty();
  }

  @Test
  void anIssuingCaIsOnItsDeviceCasListAndTheNextOneSigns() throws Exception {
    ca.close();
    Path other = Files.createDirectory(folder.resolve("two-speed"));
    IssuingCaSettings.Mode mode = IssuingCaSettings.Mode.ON;
    ca =
        TestCa.with(
            TestCa.settings(other, new IssuingCaSettings(mode, Duration.ofHours(24), Set.of())));
    String serial = issued();
    String id = ca.ca().certificate(serial).orElseThrow().authority();
    assertThat(id).startsWith("issuing-");

    RevocationResult result = revoke(id, false);

    assertThat(result.unlisted()).isEmpty();
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).hasSize(1);
    assertThat(revocations().find(serial).orElseThrow().listed()).isTrue();
    String later = ca.ca().certificate(issued()).orElseThrow().authority();
    assertThat(later).isNotEqualTo(id);
  }

  @Test
  void withADeviceCaItsIssuingCasAreRevoked() throws Exception {
    ca.close();
    Path other = Files.createDirectory(folder.resolve("two-speed"));
    IssuingCaSettings.Mode mode = IssuingCaSettings.Mode.ON;
    ca =
        TestCa.with(
            TestCa.settings(other, new IssuingCaSettings(mode, Duration.ofHours(24), Set.of())));
    String serial = issued();

    assertThat(revoke("device-1", true).fresh()).isGreaterThanOrEqualTo(2);

    assertThat(revocations().find(serial)).isPresent();
    assertThatThrownBy(this::issued).isInstanceOf(IssuanceException.class);
    ca.reopen();
    assertThatThrownBy(this::issued).isInstanceOf(IssuanceException.class);
    assertThat(ca.ca().authorities().stream().filter(it -> it.role() == AuthorityInfo.Role.ISSUING))
        .as("the device CA signs no other")
        .hasSize(1);
  }
}
