package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationOrder.Target;
import dev.vouchsafe.ca.clock.TrustedClock.Trust;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.StoredKey;
import java.nio.file.Path;
import java.security.cert.CRLReason;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is revoked, what is denied afterwards, and what can't be. */
class RevocationTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.IDENTITY);

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

  private String issued() throws IssuanceException {
    return ca.issue(TestCa.grant(), REQUEST).serial();
  }

  private static Reason reason(Throwable thrown) {
    return switch (thrown) {
      case CompletionException wrapped -> reason(Objects.requireNonNull(wrapped.getCause()));
      case IssuanceException known -> known.reason();
      default -> throw new AssertionError(thrown);
    };
  }

  @Test
  void aRevokedCertificateIsOnTheListWithItsReasonAtOnce() throws Exception {
    String serial = issued();
    String other = issued();
    Instant lost = TestCa.NOW.minus(Duration.ofDays(1));

    RevocationResult result =
        revocations()
            .revoke(
                new RevocationOrder(
                    new Target.Serials(List.of(serial)),
                    RevocationReason.KEY_COMPROMISE,
                    Optional.of(lost),
                    Revoking.ADMINISTRATOR));

    assertThat(result.fresh()).isEqualTo(1);
    assertThat(result.unlisted()).isEmpty();
    RevokedCertificate revoked = result.certificates().getFirst();
    assertThat(revoked.serial()).isEqualTo(serial);
    assertThat(revoked.module()).isEqualTo("edgeHub");
    assertThat(revoked.authority()).isEqualTo("device-1");
    assertThat(revoked.listed()).isTrue();
    var crl = Revoking.crl(ca, "device-1");
    assertThat(Revoking.serials(crl)).containsExactly(serial);
    var entry = crl.getRevokedCertificates().iterator().next();
    assertThat(entry.getRevocationReason()).isEqualTo(CRLReason.KEY_COMPROMISE);
    assertThat(entry.getExtensionValue("2.5.29.24")).as("invalidity date").isNotNull();
    assertThat(entry.getRevocationDate().toInstant()).isEqualTo("2026-11-05T10:20:30Z");
    assertThat(revocations().find(other)).isEmpty();
    assertThat(revocations().living()).isEqualTo(1);
  }

  @Test
  void revokingAgainChangesNeitherTimeNorReason() throws Exception {
    String serial = issued();
    revocations().revoke(Revoking.serials(serial));
    RevokedCertificate first = revocations().find(serial).orElseThrow();
    ca.clock.pass(Duration.ofMinutes(5));

    RevocationResult again =
        revocations()
            .revoke(
                Revoking.order(new Target.Serials(List.of(serial)), RevocationReason.SUPERSEDED));

    assertThat(again.fresh()).isZero();
    assertThat(again.already()).isEqualTo(1);
    assertThat(revocations().find(serial)).contains(first);
  }

  @Test
  void oneUnknownSerialAndNothingIsRevoked() throws Exception {
    String serial = issued();

    assertThatThrownBy(() -> revocations().revoke(Revoking.serials(serial, "40".repeat(16))))
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.CERTIFICATE_UNKNOWN);

    assertThat(revocations().find(serial)).isEmpty();
    assertThatThrownBy(() -> revocations().revoke(Revoking.serials("no hex")))
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.REQUEST_INVALID);
    Target nobody = new Target.Module("nobody", Optional.empty(), Optional.empty());
    assertThatThrownBy(
            () -> revocations().revoke(Revoking.order(nobody, RevocationReason.UNSPECIFIED)))
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.CERTIFICATE_UNKNOWN);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1969-12-31T23:59:59Z", "2026-11-06T00:00:00Z", "+12026-11-05T00:00:00Z"})
  void aTimeThatNoListCanSayIsRefused(String since) throws Exception {
    String serial = issued();
    RevocationOrder plain = Revoking.serials(serial);
    RevocationOrder order =
        new RevocationOrder(plain.target(), plain.reason(), Optional.of(Instant.parse(since)), 0);

    assertThatThrownBy(() -> revocations().revoke(order))
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.REQUEST_INVALID);

    assertThat(revocations().find(serial)).isEmpty();
  }

  @Test
  void anEndedCertificateIsRefusedUnlessTheClockMayBeWrong() throws Exception {
    String serial = issued();
    ca.clock.pass(Duration.ofHours(2));
    assertThatThrownBy(() -> revocations().revoke(Revoking.serials(serial)))
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.CERTIFICATE_ENDED);

    ca.clock.trust(Trust.BOUNDED);

    assertThat(revocations().revoke(Revoking.serials(serial)).fresh()).isEqualTo(1);
  }

  @Test
  void anIntentThatWasNeverConfirmedCanBeRevoked() throws Exception {
    ca.store.behave((key, message) -> {
      throw new KeyFault.Failed("broken by the test");
    });
    assertThatThrownBy(this::issued).isInstanceOf(IssuanceException.class);
    ca.store.behave(StoredKey::sign);
    LedgerEntry intent =
        ca.ca()
            .certificates(new LedgerQuery(Optional.empty(), 10, Optional.empty()))
            .items()
            .getFirst();

    revocations().revoke(Revoking.serials(intent.serial()));

    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).containsExactly(intent.serial());
  }

  @Test
  void aRevokedModuleGetsNothingUntilItsGenerationChangesOrItIsAllowed() throws Exception {
    String first = issued();
    String second = issued();
    Grant hub = TokensTest.grant("hub");

    RevocationResult result = revocations().revoke(Revoking.module("edgeHub", "1"));

    assertThat(result.fresh()).isEqualTo(2);
    assertThat(result.denied()).containsExactly("1");
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1")))
        .containsExactlyInAnyOrder(first, second);
    ca.reopen();
    assertThatThrownBy(this::issued)
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.MODULE_REVOKED);
    assertThatThrownBy(() -> ca.token(hub, TokensTest.request("hub")))
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.MODULE_REVOKED);
    assertThat(ca.issue(generation("2"), REQUEST).serial()).isNotEmpty();

    assertThat(revocations().allow("edgeHub", Optional.empty())).containsExactly("1");

    assertThat(issued()).isNotEmpty();
    ca.reopen();
    assertThat(issued()).isNotEmpty();
    assertThat(revocations().find(first)).as("what was revoked stays so").isPresent();
  }

  private static Grant generation(String generation) {
    Grant plain = TestCa.grant();
    return new Grant(
        plain.module(),
        generation,
        plain.profiles(),
        plain.dns(),
        plain.ip(),
        plain.spiffeId(),
        plain.commonName(),
        plain.audiences(),
        plain.ttl());
  }

  @Test
  void theServiceItselfIsNotDeniedItsCertificates() {
    assertThatThrownBy(() -> revocations().revoke(Revoking.module("vouchsafe/https", "1")))
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.REQUEST_INVALID);
  }

  @Test
  void oneGenerationOfAModuleIsRevokedAlone() throws Exception {
    String old = issued();
    String next = ca.issue(generation("2"), REQUEST).serial();

    revocations()
        .revoke(
            Revoking.order(
                new Target.Module("edgeHub", Optional.of("1"), Optional.of("2")),
                RevocationReason.SUPERSEDED));

    assertThat(revocations().find(old)).isPresent();
    assertThat(revocations().find(next)).isEmpty();
    assertThat(ca.issue(generation("2"), REQUEST).serial()).isNotEmpty();
    assertThatThrownBy(this::issued)
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.MODULE_REVOKED);
  }

  @Test
  void eachCertificateIssuedWhileItsModuleIsRevokedIsRevokedOrNotSigned() throws Exception {
    for (int round = 0; round < 20; round++) {
      List<CompletableFuture<IssuedCertificate>> under = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        under.add(ca.ca().issue(TestCa.grant(), REQUEST));
      }

      revocations().revoke(Revoking.module("edgeHub", "1"));

      for (CompletableFuture<IssuedCertificate> each : under) {
        try {
          assertThat(revocations().find(each.join().serial())).isPresent();
        } catch (CompletionException e) {
          assertThat(reason(e)).isEqualTo(Reason.MODULE_REVOKED);
        }
      }
      revocations().allow("edgeHub", Optional.empty());
    }
  }

  @Test
  void onADiskThatTakesNothingNothingIsRevokedAndNothingIsDenied() throws Exception {
    ReadOnlyDisk disk = new ReadOnlyDisk();
    ca.reopen(disk, Duration.ofSeconds(30));
    String serial = issued();
    disk.refuse(true);

    assertThatThrownBy(() -> revocations().revoke(Revoking.serials(serial)))
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.LEDGER_UNAVAILABLE);
    assertThatThrownBy(() -> revocations().revoke(Revoking.module("edgeHub", "1")))
        .extracting(RevocationTest::reason)
        .isEqualTo(Reason.LEDGER_UNAVAILABLE);

    disk.refuse(false);
    assertThat(revocations().find(serial)).isEmpty();
    assertThat(issued()).as("the module was not denied").isNotEmpty();
    assertThat(revocations().revoke(Revoking.serials(serial)).fresh()).isEqualTo(1);
  }
}
