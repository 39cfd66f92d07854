package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.clock.TrustedClocks;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gap where others sign the device CA: it is closed by the next certificate that they make. */
class OutsideRestoreTest {
  private static final CertificateRequest SERVER = CertificateRequest.of(Profile.SERVER);

  private final Instant now = Instant.now().plusSeconds(60);

  @TempDir Path folder;
  private OpensslCa openssl;
  private CaSettings settings;
  private InsecureStores stores;

  @BeforeEach
  void makeAHomeUnderAnotherCa() throws Exception {
    openssl = new OpensslCa(folder).root("top");
    settings = TestCa.settings(folder);
    stores = TestCa.stores(settings);
    List<AuthorityInfo> _ =
        CertificateAuthorities.create(
            settings, stores, TestCa.CRYPTO, () -> now, new RootSource.Request());
    answer();
  }

  @AfterEach
  void close() {
    stores.close();
  }

  /** Has the waiting request signed, and takes the certificate. */
  private void answer() throws Exception {
    openssl.write(
        "device.csr", CertificateAuthorities.requests(settings.directory()).getFirst().pem());
    openssl.answered("device", "top");
    List<AuthorityInfo> _ =
        CertificateAuthorities.accept(
            settings,
            stores,
            TestCa.CRYPTO,
            TrustedClocks.believing(() -> now),
            openssl.together("device.pem", "top.pem"),
            anchor -> {});
  }

  private TestCa open() throws Exception {
    stores.close();
    TestCa ca = TestCa.reopened(settings, now);
    stores = ca.stores;
    return ca;
  }

  private void request() throws Exception {
    stores = TestCa.stores(settings);
    AuthorityRequest _ =
        CertificateAuthorities.request(
            settings, stores, TestCa.CRYPTO, TrustedClocks.believing(() -> now), Optional.empty());
  }

  private void restore(Path copy, OptionalLong accepted) throws Exception {
    List<String> _ =
        Restoration.prepare(
            copy,
            Optional.of(settings.directory()),
            new RestoreFacts("ab12", now, now, Duration.ofDays(30), accepted),
            TestCa.CRYPTO);
    for (String rest : List.of("ca.db-wal", "ca.db-shm")) {
      Files.deleteIfExists(settings.directory().resolve(rest));
    }
    Files.move(
        copy.resolve("ca.db"),
        settings.directory().resolve("ca.db"),
        StandardCopyOption.REPLACE_EXISTING);
  }

  private static int generation(TestCa ca) {
    return Integer.parseInt(ca.active(Role.DEVICE).id().substring("device-".length()));
  }

  private Path backup() throws Exception {
    Path copy = Files.createDirectory(folder.resolve("copy"));
    try (TestCa ca = open()) {
      BackupSealer _ = ca.ca().recovery().copy(copy);
    }
    return copy;
  }

  @Test
  void theGapStaysOpenUntilTheOthersHaveSignedANewDeviceCa() throws Exception {
    restore(backup(), OptionalLong.empty());
    try (TestCa ca = open()) {
      assertThatThrownBy(() -> ca.ca().recovery().accept(7))
          .isInstanceOfSatisfying(
              IssuanceException.class,
              it -> assertThat(it.reason()).isEqualTo(Reason.AUTHORITY_STATE))
          .hasMessageContaining("`vouchsafe ca prepare` makes a request");
      Refusals.assertNothingIssued(ca, Reason.GAP_NOT_ACCEPTED, TestCa.grant(), SERVER);
    }
    request();
    answer();
    try (TestCa ca = open()) {
      // The word was given before; what was lacking is there now.
      assertThat(ca.ca().recovery().gaps().getFirst().wanted()).isPresent();
      Refusals.assertNothingIssued(ca, Reason.GAP_NOT_ACCEPTED, TestCa.grant(), SERVER);
      assertThat(ca.ca().recovery().accept(7)).isEqualTo(ca.active(Role.DEVICE).id());
      assertThat(generation(ca)).isGreaterThan(1001);
      assertThat(ca.leaf(TestCa.grant(), SERVER)).isNotNull();
    }
  }

  @Test
  void theServiceTakesTheirAnswerWhileItRunsAndTheGapIsStillForAPersonToAccept() throws Exception {
    restore(backup(), OptionalLong.empty());
    try (TestCa ca = open()) {
      openssl.write("device.csr", ca.ca().changes().request(Optional.empty()).pem());
      openssl.answered("device", "top");
      StepTaken _ = ca.ca().changes().accept(openssl.together("device.pem", "top.pem"), true);
      assertThat(generation(ca)).isGreaterThan(1001);
      Refusals.assertNothingIssued(ca, Reason.GAP_NOT_ACCEPTED, TestCa.grant(), SERVER);
      assertThat(ca.ca().recovery().accept(7)).isEqualTo(ca.active(Role.DEVICE).id());
      assertThat(ca.leaf(TestCa.grant(), SERVER)).isNotNull();
    }
  }

  @Test
  void aRequestOfBeforeTheBackupClosesNoGapSinceItMayHaveBeenAnsweredMeanwhile() throws Exception {
    try (TestCa ca = open()) {
      assertThat(ca.active(Role.DEVICE).id()).isEqualTo("device-1");
    }
    request();
    restore(backup(), OptionalLong.of(7));
    stores = TestCa.stores(settings);
    answer();
    try (TestCa ca = open()) {
      assertThat(ca.active(Role.DEVICE).id()).isEqualTo("device-2");
      Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> ca.ca().recovery().accept(7));
      Refusals.assertNothingIssued(ca, Reason.GAP_NOT_ACCEPTED, TestCa.grant(), SERVER);
    }
    request();
    answer();
    try (TestCa ca = open()) {
      assertThat(ca.ca().recovery().accept(7)).isEqualTo(ca.active(Role.DEVICE).id());
      assertThat(generation(ca)).isGreaterThan(1001);
      assertThat(ca.leaf(TestCa.grant(), SERVER)).isNotNull();
    }
  }
}
