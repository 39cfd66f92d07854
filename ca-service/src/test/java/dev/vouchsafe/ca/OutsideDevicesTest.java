package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.trust.BundleAdditions;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.TrustBundleStore;
import dev.vouchsafe.trust.TrustBundles;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A device CA that others certify is replaced while the service runs. */
class OutsideDevicesTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);
  private static final Duration REFRESH = Duration.ofHours(1);

  private final Instant now = Instant.now().plusSeconds(60);

  @TempDir Path folder;
  private OpensslCa openssl;
  private TrustBundles bundles;
  private BundleReaders readers;
  private TestCa ca;

  @BeforeEach
  void make() throws Exception {
    openssl = new OpensslCa(folder).root("top");
    CaSettings settings = TestCa.settings(folder);
    List<X509Certificate> anchors = new ArrayList<>();
    try (InsecureStores stores = TestCa.stores(settings)) {
      CertificateAuthorities.create(
          settings, stores, TestCa.CRYPTO, () -> now, new RootSource.Request());
      answer(CertificateAuthorities.requests(settings.directory()).getFirst(), "top");
      CertificateAuthorities.accept(
          settings,
          stores,
          TestCa.CRYPTO,
          TrustedClocks.believing(() -> now),
          openssl.together("device.pem", "top.pem"),
          anchors::add);
    }
    ca = TestCa.reopened(settings, now);
    bundles = TrustBundleStore.create(folder.resolve("bundle.json"), REFRESH, anchors);
    readers =
        TrustBundleStore.readers(folder.resolve("readers.json"), 1, ca.clock, ca.clock::nanoTime);
    ca.reopen(new RootBundle(bundles, readers));
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private void answer(AuthorityRequest request, String by) throws Exception {
    openssl.write("device.csr", request.pem());
    openssl.answered("device", by);
  }

  private AuthorityChanges changes() {
    return ca.ca().changes().by("uid 0");
  }

  private StepTaken accept(boolean waitForNobody, String... above) throws Exception {
    List<String> files = new ArrayList<>(List.of("device.pem"));
    files.addAll(List.of(above));
    return changes().accept(openssl.together(files.toArray(String[]::new)), waitForNobody);
  }

  /** As `vouchsafe bundle add` does. */
  private void add(String top) throws Exception {
    List<X509Certificate> added =
        OutsideFiles.read(openssl.read(top + ".pem"), null).certificates();
    bundles.change(content -> {
      try {
        return BundleAdditions.add(content, added, List.of(), "uid 0", now);
      } catch (dev.vouchsafe.trust.CaRefusedException e) {
        throw new IllegalStateException(e);
      }
    });
  }

  private void assertBelieved(String top) throws Exception {
    openssl.write("chain.pem", ca.issue(TestCa.grant(), REQUEST).certificatePem());
    assertThat(
            openssl.openssl(
                "verify",
                "-x509_strict",
                "-purpose",
                "sslserver",
                "-attime",
                Long.toString(ca.clock.instant().getEpochSecond()),
                "-CAfile",
                top + ".pem",
                "-untrusted",
                "chain.pem",
                "chain.pem"))
        .contains("chain.pem: OK");
  }

  private void assertStates(Role role, State... states) {
    assertThat(ca.ca().authorities().stream().filter(it -> it.role() == role))
        .extracting(AuthorityInfo::state)
        .containsExactly(states);
  }

  @Test
  void requestAndAnswerTakeNoRestartAndNoRequestOfAModuleFailsMeanwhile() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    CompletableFuture<Integer> load =
        CompletableFuture.supplyAsync(() -> {
          int issued = 0;
          while (!over.get() || issued < 50) {
            issued += ca.ca().issue(TestCa.grant(), REQUEST).join().serial().isEmpty() ? 0 : 1;
          }
          return issued;
        });
    AuthorityRequest request = changes().request(Optional.empty());
    assertThat(request.id()).isEqualTo("device-2");
    assertThat(changes().requests()).containsExactly(request);
    answer(request, "top");
    StepTaken taken = accept(false, "top.pem");
    assertThat(taken.authority().id()).isEqualTo("device-2");
    assertThat(taken.breaks()).isEmpty();
    over.set(true);
    assertThat(load.join()).isGreaterThanOrEqualTo(50);
    assertBelieved("top");
    assertStates(Role.ROOT, State.ACTIVE);
    assertStates(Role.DEVICE, State.RETIRING, State.ACTIVE);
    assertThat(changes().requests()).isEmpty();
    assertThat(changes().standing().journal())
        .extracting(it -> it.step() + " " + it.authority() + " " + it.by() + " " + it.outcome())
        .containsExactly("ACTIVATE device-2 uid 0 DONE", "PREPARE device-2 uid 0 DONE");
    ca.reopen();
    assertBelieved("top");
    assertThat(ca.active(Role.DEVICE).id()).isEqualTo("device-2");
  }

  @Test
  void thePlanSaysWhatAPersonIsToDoAndWhatIsWaitedFor() throws Exception {
    RotationPlan.Coming request = changes().standing().device().steps().getFirst();
    assertThat(request.step()).isEqualTo(RotationStep.PREPARE);
    assertThat(request.automatic()).isFalse();
    assertThat(request.from()).hasValueSatisfying(due -> assertThat(due).isAfter(now));
    assertThat(request.waitsFor()).isEmpty();
    assertThat(changes().rotate(Role.DEVICE)).as("a person's").isEmpty();
    answer(changes().request(Optional.empty()), "top");
    assertThat(changes().standing().device().steps())
        .singleElement()
        .satisfies(step -> assertThat(step.step()).isEqualTo(RotationStep.ACTIVATE))
        .satisfies(step -> assertThat(step.authority()).isEqualTo("device-2"))
        .satisfies(step ->
            assertThat(step.waitsFor())
                .singleElement()
                .asString()
                .contains("vouchsafe ca request"));
    assertThat(changes().rotate(Role.DEVICE)).isEmpty();
    assertThat(changes().standing().root().steps())
        .singleElement()
        .satisfies(step -> assertThat(step.affects()).isEmpty());
    String _ = accept(false, "top.pem").authority().id();
    assertThat(changes().standing().device().steps().getFirst().authority()).isEqualTo("device-1");
  }

  @Test
  void whatIsNotTheAnswerIsRefusedAndTheRequestGoesOnWaiting() throws Exception {
    Refusals.assertRefused(Reason.REQUEST_INVALID, () -> changes().accept(new byte[] {1}, false));
    answer(changes().request(Optional.empty()), "top");
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().request(Optional.empty()));
    openssl.root("stranger");
    Refusals.assertRefused(
        Reason.REQUEST_INVALID,
        () -> changes().accept(openssl.together("device.pem", "stranger.pem"), true));
    assertThatThrownBy(
            () -> changes().accept(openssl.together("device.pem", "stranger.pem"), false))
        .hasMessageContaining("put the whole chain into it");
    assertThat(changes().requests()).hasSize(1);
    assertStates(Role.DEVICE, State.ACTIVE);
    assertBelieved("top");
  }

  @Test
  void aTopThatNobodyKnowsYetIsWaitedForUntilItWasFetchedOrNow() throws Exception {
    readers.heard("pump");
    openssl.root("newtop");
    answer(changes().request(Optional.empty()), "newtop");
    assertThatThrownBy(() -> accept(false, "newtop.pem"))
        .hasMessageContaining("the trust bundle lacks 'CN=newtop,O=Plant'")
        .hasMessageContaining("bundle add");
    add("newtop");
    assertThatThrownBy(() -> accept(false, "newtop.pem"))
        .hasMessageContaining("pump has not fetched the trust bundle");
    ca.clock.pass(REFRESH.multipliedBy(5).minusSeconds(1));
    readers.heard("pump");
    assertThatThrownBy(() -> accept(false, "newtop.pem"))
        .hasMessageContaining("nobody knows by name have until")
        .hasMessageContaining("pump has not fetched the trust bundle");
    ca.clock.pass(Duration.ofSeconds(1));
    assertThatThrownBy(() -> accept(false, "newtop.pem"))
        .hasMessageContaining("pump has not fetched the trust bundle")
        .message()
        .doesNotContain("nobody knows by name");
    readers.fetched("pump", bundles.current().sequence());
    assertThat(accept(false, "newtop.pem").breaks()).isEmpty();
    assertBelieved("newtop");
    assertStates(Role.ROOT, State.RETIRING, State.ACTIVE);
    assertThat(bundles.current().content().roots())
        .extracting(root -> root.certificate().getSubjectX500Principal().getName())
        .containsExactly("CN=newtop,O=Plant", "CN=top,O=Plant");
    assertThat(bundles.current().content().added()).isEmpty();
  }

  /** The old top signs nothing here; the device CA under it did, until a moment ago. */
  @Test
  void rightAfterAnotherTopTookOverNothingUnderTheOldOneIsTakenForEnded() throws Exception {
    openssl.root("newtop");
    answer(changes().request(Optional.empty()), "newtop");
    String _ = accept(true, "newtop.pem").authority().id();
    Refusals.assertRefused(Reason.AUTHORITY_WAITS, () -> changes().retire("root-1", false));
    assertThat(changes().rotate(Role.ROOT)).as("it is left for later").isEmpty();
    assertThat(changes().standing().root().steps().getFirst())
        .satisfies(step -> assertThat(step.waitsFor()).containsExactly(JustStopped.WAITS))
        .satisfies(step ->
            assertThat(step.from()).hasValue(ca.clock.instant().plus(DeviceSteps.UNDER_WAY)));
    assertStates(Role.DEVICE, State.RETIRING, State.ACTIVE);
    ca.clock.pass(DeviceSteps.UNDER_WAY);
    assertThat(changes().retire("root-1", false).authority().state()).isEqualTo(State.RETIRED);
    assertStates(Role.DEVICE, State.RETIRED, State.ACTIVE);
  }

  @Test
  void whereNobodyIsKnownByNameATopWaitsAllTheSame() throws Exception {
    openssl.root("newtop");
    answer(changes().request(Optional.empty()), "newtop");
    add("newtop");
    assertThatThrownBy(() -> accept(false, "newtop.pem"))
        .hasMessageContaining("readers of the trust bundle that nobody knows by name have until")
        .hasMessageContaining("or use --now");
    ca.clock.doubt(true);
    ca.clock.pass(REFRESH.multipliedBy(5));
    assertThatThrownBy(() -> accept(false, "newtop.pem"))
        .as("the clock may only be ahead")
        .hasMessageContaining("while the time is in doubt");
    assertThat(changes().requests()).hasSize(1);
    ca.clock.doubt(false);
    assertThat(accept(false, "newtop.pem").breaks()).isEmpty();
    assertBelieved("newtop");
  }

  @Test
  void nowTakesATopThatWasJustAddedAndSaysWhoMayBreak() throws Exception {
    openssl.root("newtop");
    answer(changes().request(Optional.empty()), "newtop");
    add("newtop");
    assertThat(accept(true, "newtop.pem").breaks())
        .singleElement()
        .asString()
        .startsWith("readers of the trust bundle that nobody knows by name have until");
    assertBelieved("newtop");
  }

  @Test
  void nowTakesItAtOnceAndSaysWhoMayBreak() throws Exception {
    openssl.root("newtop");
    answer(changes().request(Optional.empty()), "newtop");
    assertThat(accept(true, "newtop.pem").breaks()).hasSize(1);
    assertBelieved("newtop");
    assertThat(bundles.current().content().roots()).hasSize(2);
  }

  @Test
  void anotherKeyStoreTakesOverWhatThePresentOneHasSealed() throws Exception {
    ModuleKeys.Module module = new ModuleKeys.Module("edgeHub", "1");
    byte[] before = ca.ca().moduleKeys().reveal(module, ModuleKeys.Which.PRIMARY, "uid 0");
    answer(changes().request(Optional.of("tpm")), "top");
    assertThat(accept(false, "top.pem").authority().keyStore()).isEqualTo("tpm");
    ca.stores.get("software").setAway(true);
    assertBelieved("top");
    ca.reopen();
    assertBelieved("top");
    assertThat(ca.ca().moduleKeys().reveal(module, ModuleKeys.Which.PRIMARY, "uid 0"))
        .isEqualTo(before);
  }

  @Test
  void aRequestIsGivenUpAndARestartForgetsNoneThatWaits() throws Exception {
    AuthorityRequest request = changes().request(Optional.empty());
    ca.reopen();
    assertThat(changes().requests())
        .extracting(AuthorityRequest::pem)
        .containsExactly(request.pem());
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().giveUp("device-1"));
    changes().giveUp("device-2");
    assertThat(changes().requests()).isEmpty();
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().giveUp("device-2"));
    assertThat(changes().request(Optional.empty()).id()).isEqualTo("device-3");
    assertBelieved("top");
  }

  @Test
  void byATimeThatIsNotTrustedNothingIsTaken() throws Exception {
    answer(changes().request(Optional.empty()), "top");
    ca.clock.trust(TrustedClock.Trust.BOUNDED);
    Refusals.assertRefused(Reason.CLOCK_UNTRUSTED, () -> accept(true, "top.pem"));
    changes().giveUp("device-2");
    Refusals.assertRefused(Reason.CLOCK_UNTRUSTED, () -> changes().request(Optional.empty()));
    assertThat(changes().requests()).isEmpty();
    ca.clock.trust(TrustedClock.Trust.TRUSTED);
    assertBelieved("top");
  }

  @Test
  void aHomeWithItsOwnRootRequestsNothing() throws Exception {
    Path other = java.nio.file.Files.createDirectory(folder.resolve("other"));
    try (TestCa own = TestCa.in(other)) {
      Refusals.assertRefused(
          Reason.AUTHORITY_STATE, () -> own.ca().changes().request(Optional.empty()));
      assertThat(own.ca().changes().requests()).isEmpty();
      Refusals.assertRefused(
          Reason.REQUEST_INVALID, () -> own.ca().changes().accept(new byte[0], true));
    }
  }

  @Test
  void aTopThatWasRenewedWithItsKeyIsKnownToThoseWhoKnewTheOneBefore() throws Exception {
    openssl.openssl("x509", "-in", "top.pem", "-out", "before.pem");
    openssl.lasting(390).selfSigned("top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    openssl.lasting(0);
    answer(changes().request(Optional.empty()), "top");
    assertThat(accept(false, "top.pem").breaks()).isEmpty();
    assertBelieved("top");
    assertBelieved("before");
    assertStates(Role.ROOT, State.RETIRING, State.ACTIVE);
    assertThat(bundles.current().content().roots()).hasSize(2);
  }
}
