package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A new device CA: prepared, activated or given up, and what stands in the way of each. */
class AuthorityChangesTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void make() throws Exception {
    CaSettings settings = TestCa.settings(folder);
    ca = TestCa.with(settings, TestCa.stores(settings).choose(Role.ROOT, "root-pkcs11"));
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private AuthorityInfo prepare(String keyStore) throws IssuanceException {
    return ca.ca().changes().prepare(Role.DEVICE, Optional.of(keyStore));
  }

  private AuthorityInfo activate(String id) throws IssuanceException {
    return ca.ca().changes().activate(id);
  }

  private void assertStates(State... devices) {
    assertThat(ca.ca().authorities().stream().filter(it -> it.role() == Role.DEVICE))
        .extracting(AuthorityInfo::state)
        .containsExactly(devices);
  }

  /** The authority that issues now, by what it issues. */
  private X509Certificate issuer() throws Exception {
    List<X509Certificate> chain = TestCa.chain(ca.issue(TestCa.grant(), REQUEST));
    assertThat(chain).hasSize(2);
    chain.getFirst().verify(chain.getLast().getPublicKey());
    chain.getLast().verify(ca.root().getPublicKey());
    return chain.getLast();
  }

  @Test
  void aPreparedDeviceCaIsLikeTheFirstAndSignsNothing() throws Exception {
    X509Certificate first = ca.device();
    AuthorityInfo second = prepare("pkcs11");
    assertThat(tuple(second.id(), second.role(), second.state(), second.keyStore()))
        .isEqualTo(tuple("device-2", Role.DEVICE, State.PREPARED, "pkcs11"));
    X509Certificate certificate = second.certificate();
    certificate.verify(ca.root().getPublicKey());
    assertThat(certificate.getSubjectX500Principal().getName())
        .contains("CN=Vouchsafe Device CA 2 gw1");
    assertThat(certificate.getPublicKey()).isNotEqualTo(first.getPublicKey());
    assertThat(certificate.getBasicConstraints()).isEqualTo(first.getBasicConstraints());
    assertThat(certificate.getKeyUsage()).isEqualTo(first.getKeyUsage());
    assertThat(certificate.getSubjectAlternativeNames())
        .containsExactlyElementsOf(first.getSubjectAlternativeNames());
    assertThat(ca.stores.get("pkcs11").find(KeyLabel.of("device-ca", "2"))).isPresent();
    assertThat(issuer()).isEqualTo(first);
    ca.reopen();
    assertStates(State.ACTIVE, State.PREPARED);
    assertThat(issuer()).isEqualTo(first);
  }

  @Test
  void itEndsWithTheRootAtTheLatest() throws Exception {
    ca.clock.set(ca.root().getNotAfter().toInstant().minus(Duration.ofDays(9)));
    assertThat(prepare("software").certificate().getNotAfter()).isEqualTo(ca.root().getNotAfter());
  }

  @Test
  void oneIsPreparedAtATimeAndNoIssuingCa() throws Exception {
    prepare("pkcs11");
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> prepare("pkcs11"));
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> prepare("software"));
    Refusals.assertRefused(
        Reason.AUTHORITY_STATE,
        () -> ca.ca().changes().prepare(Role.ISSUING, Optional.of("software")));
    assertStates(State.ACTIVE, State.PREPARED);
  }

  @Test
  void itsIntentIsInTheLedgerBeforeTheRootSigns() throws Exception {
    List<String> seen = new ArrayList<>();
    ca.stores
        .get("root-pkcs11")
        .behave((key, message) -> {
          seen.add(LedgerPeek.authorityOf(ca.settings.directory(), message));
          return key.sign(message);
        });
    prepare("pkcs11");
    assertThat(seen).containsExactly("device");
  }

  @Test
  void withoutTheRootsStoreNothingIsMade() throws Exception {
    ca.stores.get("root-pkcs11").setAway(true);
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> prepare("pkcs11"));
    assertThat(ca.stores.isOpen("pkcs11")).isFalse();
    ca.stores.get("root-pkcs11").setAway(false);
    assertThat(prepare("pkcs11").id()).as("no generation is used up").isEqualTo("device-2");
  }

  @Test
  void aStoreThatIsNotThereOrNotConfiguredIsNamed() throws Exception {
    ca.stores.refuse("tpm", new KeyFault.Unavailable("no TPM answers"));
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> prepare("tpm"));
    ca.stores.refuse("tpm", new KeyFault.Failed("[keys] tpm-tcti is not set"));
    Refusals.assertRefused(Reason.REQUEST_INVALID, () -> prepare("tpm"));
    assertThat(prepare("software").id()).isEqualTo("device-2");
  }

  @Test
  void withoutANameItGoesWhereTheConfigurationSaysNow() throws Exception {
    ca.stores.choose(Role.DEVICE, "pkcs11");
    assertThat(ca.ca().changes().prepare(Role.DEVICE, Optional.empty()).keyStore())
        .isEqualTo("pkcs11");
  }

  @Test
  void aStoreThatIsOpenIsAskedWhetherItsSettingsStillHold() throws Exception {
    ca.stores.refuse("software", new KeyFault.Failed("[keys] seal: restart the service"));
    assertThatThrownBy(() -> prepare("software")).hasMessageContaining("restart the service");
    Refusals.assertRefused(Reason.REQUEST_INVALID, () -> prepare("software"));
    assertThat(issuer()).as("what is open goes on").isEqualTo(ca.device());
    ca.stores.allow("software");
    assertThat(prepare("software").id()).isEqualTo("device-2");
  }

  @Test
  void namesOfStoresThatCannotBeHadAreForgotten() throws Exception {
    for (int i = 0; i < 20; i++) {
      String name = "none-" + i;
      ca.stores.refuse(name, new KeyFault.Failed("there is no such store"));
      Refusals.assertRefused(Reason.REQUEST_INVALID, () -> prepare(name));
    }
    assertThat(ca.ca().keyStores()).containsOnlyKeys("software", "root-pkcs11");
    prepare("pkcs11");
    assertThat(ca.ca().keyStores()).containsOnlyKeys("software", "root-pkcs11", "pkcs11");
  }

  @Test
  void aTypeOfKeyThatTheStoreDoesNotMakeIsNamedBeforeAGenerationIsUsedUp() throws Exception {
    String _ = ca.stores.openOrMake("pkcs11").describe().kind();
    ca.stores.get("pkcs11").limitTo(KeyType.RSA_2048);
    Refusals.assertRefused(Reason.REQUEST_INVALID, () -> prepare("pkcs11"));
    assertThatThrownBy(() -> prepare("pkcs11"))
        .hasMessageContaining("pkcs11 makes keys of type rsa-2048 only")
        .hasMessageContaining("[keys] device-type is ec-p256");
    ca.stores.chooseType(KeyType.RSA_2048);
    AuthorityInfo second = prepare("pkcs11");
    assertThat(second.id()).isEqualTo("device-2");
    assertThat(KeyType.of(second.certificate().getPublicKey())).contains(KeyType.RSA_2048);
  }

  /** The caller is told in time; what hangs in a token's library does so on a thread of its own. */
  @Test
  void aStoreThatHangsWhileItMakesAKeyHoldsUpNoOtherThanTheStep() throws Exception {
    String _ = ca.stores.openOrMake("pkcs11").describe().kind();
    CountDownLatch making = new CountDownLatch(1);
    CountDownLatch given = new CountDownLatch(1);
    List<String> threads = new CopyOnWriteArrayList<>();
    ca.stores
        .get("pkcs11")
        .beforeMaking(label -> {
          threads.add(Thread.currentThread().getName());
          making.countDown();
          await(given);
        });
    Thread asking = Thread.currentThread();
    CompletableFuture<IssuanceException> interrupted = new CompletableFuture<>();
    Thread interrupter =
        Thread.ofPlatform()
            .start(() -> {
              await(making);
              asking.interrupt();
            });
    try {
      String _ = prepare("pkcs11").id();
    } catch (IssuanceException e) {
      interrupted.complete(e);
    }
    assertThat(Thread.interrupted()).isTrue();
    interrupter.join();
    assertThat(interrupted.join().reason()).isEqualTo(Reason.AUTHORITY_UNAVAILABLE);
    Refusals.assertRefused(Reason.AUTHORITY_UNAVAILABLE, () -> prepare("software"));
    assertThat(issuer()).isEqualTo(ca.device());
    given.countDown();
    ca.ca().close();
    ca.reopen();
    assertThat(threads).containsExactly("vouchsafe-authority-step");
    assertStates(State.ACTIVE, State.PREPARED);
  }

  @Test
  void aRootThatSignsWronglyUsesUpAGenerationAndItsLabel() throws Exception {
    InsecureFaultyStore root = ca.stores.get("root-pkcs11");
    root.behave((key, message) -> key.sign("other".getBytes(StandardCharsets.UTF_8)));
    Refusals.assertRefused(Reason.SIGNATURE_FAILED, () -> prepare("pkcs11"));
    assertStates(State.ACTIVE);
    root.behave((key, message) -> key.sign(message));
    assertThat(prepare("pkcs11").id()).isEqualTo("device-3");
    assertThat(ca.stores.get("pkcs11").find(KeyLabel.of("device-ca", "2"))).isPresent();
    assertThat(activate("device-3").state()).isEqualTo(State.ACTIVE);
  }

  @Test
  void whatACrashLeftHalfPreparedIsGivenUpAtTheNextStart() throws Exception {
    ca.ca().close();
    try (Ledger ledger = Ledger.open(ca.settings.directory())) {
      ledger.reserve(
          new NewAuthority(Role.DEVICE, "pkcs11", KeyType.EC_P256, State.PREPARED), new byte[16]);
    }
    ca.reopen();
    assertStates(State.ACTIVE);
    assertThat(prepare("pkcs11").id()).isEqualTo("device-3");
    ca.reopen();
    assertStates(State.ACTIVE, State.PREPARED);
  }

  @Test
  void theActivatedOneIssuesAndWhatTheOldOneIssuedStaysGood() throws Exception {
    X509Certificate before = issuer();
    IssuedCertificate old = ca.issue(TestCa.grant(), REQUEST);
    AuthorityInfo second = prepare("pkcs11");
    assertThat(activate("device-2"))
        .isEqualTo(
            new AuthorityInfo(
                "device-2", Role.DEVICE, State.ACTIVE, "pkcs11", second.certificate()));
    assertStates(State.RETIRING, State.ACTIVE);
    assertThat(issuer()).isEqualTo(second.certificate());
    assertThat(TestCa.chain(old).getLast()).isEqualTo(before);
    assertThat(ca.ca().certificate(old.serial()).orElseThrow().authority()).isEqualTo("device-1");
    ca.reopen();
    assertStates(State.RETIRING, State.ACTIVE);
    assertThat(issuer()).isEqualTo(second.certificate());
  }

  @Test
  void aRetiringOneIsNeitherProvedNorActivatedAgain() throws Exception {
    prepare("pkcs11");
    activate("device-2");
    assertThat(ca.ca().prove())
        .extracting(AuthorityProof::authority)
        .containsExactly("root-1", "device-2");
    for (String id : List.of("device-1", "device-2", "root-1", "device-3", "", "x\n")) {
      Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> activate(id));
    }
    for (String id : List.of("device-1", "root-1", "device-3", "", "x\n")) {
      Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> ca.ca().changes().abort(id));
    }
  }

  @Test
  void oneThatWasGivenUpNeverIssues() throws Exception {
    prepare("pkcs11");
    assertThat(ca.ca().changes().abort("device-2").state()).isEqualTo(State.RETIRED);
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> activate("device-2"));
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> ca.ca().changes().abort("device-2"));
    ca.reopen();
    assertStates(State.ACTIVE, State.RETIRED);
    assertThat(prepare("pkcs11").id()).isEqualTo("device-3");
    assertThat(activate("device-3").state()).isEqualTo(State.ACTIVE);
  }

  @Test
  void aNewKeyThatDoesNotWorkIsNotActivated() throws Exception {
    prepare("pkcs11");
    InsecureFaultyStore token = ca.stores.get("pkcs11");
    token.setAway(true);
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> activate("device-2"));
    token.setAway(false);
    token.behave((key, message) -> key.sign("other".getBytes(StandardCharsets.UTF_8)));
    Refusals.assertRefused(Reason.SIGNATURE_FAILED, () -> activate("device-2"));
    assertStates(State.ACTIVE, State.PREPARED);
    assertThat(issuer()).isEqualTo(ca.ca().authorities().get(1).certificate());
    token.behave((key, message) -> key.sign(message));
    assertThat(activate("device-2").state()).isEqualTo(State.ACTIVE);
  }

  @Test
  void oneThatHasEndedIsNotActivated() throws Exception {
    AuthorityInfo second = prepare("pkcs11");
    ca.clock.set(second.certificate().getNotAfter().toInstant().plus(1, ChronoUnit.SECONDS));
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> activate("device-2"));
    assertThatThrownBy(() -> activate("device-2"))
        .hasMessageStartingWith("device-2 ended at ")
        .hasMessageContaining("`vouchsafe ca abort`");
  }

  /** The trigger breaks the transaction at its end, after the states were changed in it. */
  @Test
  void aStepThatTheLedgerRefusesInTheMiddleLeavesAllAsItWas() throws Exception {
    ModuleKeys.Module module = new ModuleKeys.Module("m", "1");
    byte[] signature = ca.ca().moduleKeys().sign(module, ModuleKeys.Which.PRIMARY, new byte[1]);
    X509Certificate first = ca.device();
    prepare("pkcs11");
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(),
        "CREATE TRIGGER broken BEFORE UPDATE ON token_key"
            + " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
    ca.reopen();
    Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> activate("device-2"));
    assertStates(State.ACTIVE, State.PREPARED);
    assertThat(issuer()).isEqualTo(first);
    ca.ca().close();
    LedgerPeek.execute(ca.settings.directory(), "DROP TRIGGER broken");
    ca.reopen();
    assertStates(State.ACTIVE, State.PREPARED);
    assertThat(activate("device-2").state()).isEqualTo(State.ACTIVE);
    assertThat(ca.ca().moduleKeys().sign(module, ModuleKeys.Which.PRIMARY, new byte[1]))
        .isEqualTo(signature);
  }

  @Test
  void whatIsUnderWayIsFinishedByTheOneItWasPreparedFor() throws Exception {
    X509Certificate first = ca.device();
    prepare("pkcs11");
    CountDownLatch signing = new CountDownLatch(1);
    CountDownLatch activated = new CountDownLatch(1);
    ca.store.behave((key, message) -> {
      signing.countDown();
      await(activated);
      return key.sign(message);
    });
    CompletableFuture<IssuedCertificate> slow = ca.ca().issue(TestCa.grant(), REQUEST);
    await(signing);
    X509Certificate second = activate("device-2").certificate();
    assertThat(issuer()).isEqualTo(second);
    activated.countDown();
    List<X509Certificate> chain = TestCa.chain(slow.join());
    assertThat(chain.getLast()).isEqualTo(first);
    chain.getFirst().verify(first.getPublicKey());
    assertThat(ca.ca().certificate(slow.join().serial()).orElseThrow().state())
        .isEqualTo(LedgerEntry.State.ISSUED);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void whileOneStepIsUnderWayNoOtherBegins() throws Exception {
    prepare("pkcs11");
    CountDownLatch sealing = new CountDownLatch(1);
    CountDownLatch given = new CountDownLatch(1);
    ca.stores
        .get("pkcs11")
        .beforeSealing(purpose -> {
          sealing.countDown();
          await(given);
        });
    CompletableFuture<AuthorityInfo> first =
        CompletableFuture.supplyAsync(() -> {
          try {
            return activate("device-2");
          } catch (IssuanceException e) {
            throw new IllegalStateException(e);
          }
        });
    await(sealing);
    Refusals.assertRefused(Reason.AUTHORITY_UNAVAILABLE, () -> activate("device-2"));
    Refusals.assertRefused(Reason.AUTHORITY_UNAVAILABLE, () -> ca.ca().changes().abort("device-2"));
    assertThat(issuer()).isEqualTo(ca.ca().authorities().get(1).certificate());
    given.countDown();
    assertThat(first.join().state()).isEqualTo(State.ACTIVE);
  }

  @Test
  void afterClosingNothingChanges() throws Exception {
    prepare("pkcs11");
    ca.ca().close();
    Refusals.assertRefused(Reason.AUTHORITY_UNAVAILABLE, () -> activate("device-2"));
    ca.reopen();
    assertStates(State.ACTIVE, State.PREPARED);
  }
}
