package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationOrder.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509CRLEntry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * An older {@code ca.db} in the place of the present one, beside the lists that were served: what
 * those name stays revoked from the first moment on.
 */
class OldLedgerTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.IDENTITY);

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(Files.createDirectory(folder.resolve("plain")));
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

  private void copyLedger() throws Exception {
    ca.ca().close();
    Files.copy(ca.settings.directory().resolve("ca.db"), folder.resolve("old.db"));
    ca.reopen();
  }

  private void putBackLedger() throws Exception {
    ca.ca().close();
    for (String file : List.of("ca.db", "ca.db-wal", "ca.db-shm")) {
      Files.deleteIfExists(ca.settings.directory().resolve(file));
    }
    Files.copy(folder.resolve("old.db"), ca.settings.directory().resolve("ca.db"));
    ca.reopen();
  }

  private RevocationResult revoke(String authority, boolean now) throws IssuanceException {
    return revocations()
        .revoke(
            Revoking.order(new Target.Authority(authority, now), RevocationReason.CA_COMPROMISE));
  }

  private void assertNothingIsIssued() {
    assertThatThrownBy(this::issued)
        .isInstanceOfSatisfying(
            IssuanceException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.AUTHORITY_UNAVAILABLE));
  }

  /** With the root in the device CA's store, or in one of its own that may be in a drawer. */
  @ParameterizedTest
  @ValueSource(strings = {"software", "pkcs11"})
  void aRevokedDeviceCaIssuesNothingFromTheFirstRequestOn(String rootStore) throws Exception {
    CaSettings settings = TestCa.settings(folder);
    ca.close();
    ca = TestCa.with(settings, TestCa.stores(settings).choose(Role.ROOT, rootStore));
    String leaf = issued();
    copyLedger();
    assertThat(revoke("device-1", true).unlisted()).isEmpty();
    ca.stores.get(rootStore).setAway(true);

    putBackLedger();

    assertNothingIsIssued();
    assertThat(revocations().distrusted()).containsExactly("device-1");
    RevokedCertificate found = revocations().find(leaf).orElseThrow();
    assertThat(found.reason()).isEqualTo(RevocationReason.CA_COMPROMISE);
    ca.reopen();
    assertNothingIsIssued();
  }

  @Test
  void alsoWhereTheLedgerCantTakeItInYet() throws Exception {
    copyLedger();
    assertThat(revoke("device-1", true).unlisted()).isEmpty();
    ca.ca().close();
    LedgerPeek.execute(
        folder,
        "old.db",
        "CREATE TRIGGER refused BEFORE INSERT ON revocation BEGIN SELECT RAISE(ABORT, 'no'); END");

    putBackLedger();

    assertThat(LedgerPeek.count(ca.settings.directory(), "revocation")).isZero();
    assertNothingIsIssued();
    assertThat(revocations().distrusted()).containsExactly("device-1");
  }

  @Test
  void whatItsIssuingCasSignedIsRevokedAsWell() throws Exception {
    IssuingCaSettings.Mode mode = IssuingCaSettings.Mode.ON;
    ca.close();
    ca =
        TestCa.with(
            TestCa.settings(folder, new IssuingCaSettings(mode, Duration.ofHours(24), Set.of())));
    String leaf = issued();
    assertThat(ca.ca().certificate(leaf).orElseThrow().authority()).startsWith("issuing-");
    copyLedger();
    assertThat(revoke("device-1", true).fresh()).isGreaterThanOrEqualTo(2);
    // The list of device-1, which names its issuing CAs, is lost: the root's alone must do.
    Files.delete(ca.settings.directory().resolve("crl/device-1.crl"));

    putBackLedger();

    assertNothingIsIssued();
    ca.reopen();
    assertThat(revocations().find(leaf)).isPresent();
  }

  @Test
  void whatTheListOfARetiredAuthorityNamesStaysRevoked() throws Exception {
    String leaf = issued();
    ca.ca().changes().prepare(Role.DEVICE, Optional.empty());
    ca.ca().changes().activate("device-2");
    copyLedger();
    assertThat(revocations().revoke(Revoking.serials(leaf)).unlisted()).isEmpty();
    ca.ca().changes().retire("device-1", true);
    ca.ca().close();
    Files.delete(folder.resolve("old.db"));
    Files.copy(ca.settings.directory().resolve("ca.db"), folder.resolve("old.db"));
    LedgerPeek.execute(folder, "old.db", "DELETE FROM revocation");
    LedgerPeek.execute(folder, "old.db", "DELETE FROM crl");

    putBackLedger();

    assertThat(revocations().find(leaf)).isPresent();
  }

  @Test
  void sinceWhenAKeyWasLostIsNotForgotten() throws Exception {
    String leaf = issued();
    copyLedger();
    Instant lost = Instant.parse("2026-11-04T10:20:30Z");
    revocations()
        .revoke(
            new RevocationOrder(
                new Target.Serials(List.of(leaf)),
                RevocationReason.KEY_COMPROMISE,
                Optional.of(lost),
                Revoking.ADMINISTRATOR));

    putBackLedger();
    ((RevocationService) revocations()).look();

    assertThat(revocations().find(leaf).orElseThrow().invalidSince()).contains(lost);
    X509CRLEntry entry = Revoking.crl(ca, "device-1").getRevokedCertificates().iterator().next();
    assertThat(entry.getExtensionValue("2.5.29.24")).as("invalidity date").isNotNull();
  }

  @Test
  void whatAListNamesDoesNotCountAsLiving() throws Exception {
    CaSettings plain = TestCa.settings(folder);
    ca.close();
    ca =
        TestCa.with(
            new CaSettings(
                plain.directory(),
                plain.identity(),
                plain.lifetimes(),
                plain.tokens(),
                plain.rootKey(),
                plain.deviceKey(),
                plain.leafKey(),
                plain.issuing(),
                OptionalLong.of(1)));
    String leaf = issued();
    copyLedger();
    revocations().revoke(Revoking.serials(leaf));

    putBackLedger();

    assertThat(issued()).isNotEmpty();
  }

  @Test
  void aListOfTheSameNumberFromAnotherHistoryIsTakenIn() throws Exception {
    String leaf = issued();
    copyLedger();
    revocations().revoke(Revoking.serials(leaf));
    long number = Revoking.list(ca, "device-1").number();
    ca.ca().close();
    LedgerPeek.execute(
        folder,
        "old.db",
        "INSERT INTO crl(authority, number, this_update, next_update, covers, tbs_sha256, swept)"
            + " VALUES (2, "
            + number
            + ", 0, 0, 0, x'00', 0) ON CONFLICT(authority) DO UPDATE SET number = "
            + number);

    putBackLedger();

    assertThat(revocations().find(leaf)).isPresent();
  }
}
