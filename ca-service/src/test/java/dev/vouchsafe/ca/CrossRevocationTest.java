package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.LedgerFilter.Window;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The certificates by which roots vouch for roots: found by serial number, and taken back. */
class CrossRevocationTest {
  @TempDir Path folder;
  private RootHome home;

  @BeforeEach
  void make() throws Exception {
    home = RootHome.in(folder);
  }

  @AfterEach
  void close() {
    home.close();
  }

  private Revocations revocations() {
    return home.ca.ca().revocations();
  }

  private void assertOnTheListOfRoot1(String... serials) throws Exception {
    ((RevocationService) revocations()).look();
    assertThat(Revoking.serials(Revoking.crl(home.ca, "root-1")))
        .containsExactlyInAnyOrder(serials);
  }

  private List<LedgerEntry> found(Optional<String> serial, Optional<String> authority, int limit)
      throws Exception {
    LedgerFilter filter =
        new LedgerFilter(
            Optional.empty(),
            serial,
            Window.ALWAYS,
            Window.ALWAYS,
            Optional.empty(),
            authority,
            Optional.empty());
    List<LedgerEntry> found = new ArrayList<>();
    Optional<String> before = Optional.empty();
    do {
      LedgerPage page = home.ca.ca().certificates(new LedgerQuery(filter, limit, before));
      assertThat(page.items()).hasSizeLessThanOrEqualTo(limit);
      found.addAll(page.items());
      before = page.next();
    } while (before.isPresent());
    return found;
  }

  @Test
  void theyAreFoundBySerialNumberAndByTheRootThatSigned() throws Exception {
    home.activate();
    for (int i = 0; i < 3; i++) {
      var _ = home.issued();
    }
    List<X509Certificate> crosses = LedgerPeek.crosses(home.ca.settings.directory());
    for (int i = 0; i < 2; i++) {
      String serial = home.crosses().get(i);
      LedgerEntry entry = home.ca.ca().certificate(serial).orElseThrow();
      assertThat(entry.serial()).isEqualTo(serial);
      assertThat(entry.profile()).isEqualTo("cross");
      assertThat(entry.authority()).isEqualTo(i == 0 ? "root-1" : "root-2");
      assertThat(entry.subject()).isEqualTo(crosses.get(i).getSubjectX500Principal().getName());
      assertThat(entry.notAfter()).isEqualTo(crosses.get(i).getNotAfter().toInstant());
      assertThat(entry.state()).isEqualTo(LedgerEntry.State.ISSUED);
      assertThat(found(Optional.of(serial.substring(0, 30)), Optional.empty(), 10))
          .containsExactly(entry);
      assertThat(found(Optional.empty(), Optional.of(entry.authority()), 1)).containsExactly(entry);
    }
    for (int limit = 1; limit < 7; limit++) {
      assertThat(found(Optional.empty(), Optional.empty(), limit))
          .as("each once, %s at a time", limit)
          .extracting(LedgerEntry::serial)
          .hasSize(5)
          .doesNotHaveDuplicates()
          .containsAll(home.crosses());
    }
  }

  /** The version before did not record when they end. */
  @Test
  void oneOfTheVersionBeforeEndsWhenItSaysAndCanBeRevoked() throws Exception {
    home.activate();
    home.ca.ca().close();
    LedgerPeek.execute(
        home.ca.settings.directory(), "UPDATE cross_certificate SET not_after = NULL");
    home.ca.reopen();
    String serial = home.crosses().getFirst();
    assertThat(home.ca.ca().certificate(serial).orElseThrow().notAfter())
        .isEqualTo(
            LedgerPeek.crosses(home.ca.settings.directory()).getFirst().getNotAfter().toInstant());
    assertThat(revocations().revoke(Revoking.serials(serial)).fresh()).isEqualTo(1);
    assertOnTheListOfRoot1(serial);
  }

  @Test
  void oneThatWasOnlyAboutToBeSignedIsFoundTooAndTaken() throws Exception {
    home.ca.stores.get("root-pkcs11").behave((key, message) -> key.sign(new byte[1]));
    assertThatThrownBy(() -> home.changes().prepare(Role.ROOT, Optional.of("pkcs11")))
        .isInstanceOf(IssuanceException.class);
    try (var connection = LedgerPeek.connect(home.ca.settings.directory());
        var rows =
            connection.createStatement().executeQuery("SELECT serial FROM cross_certificate")) {
      assertThat(rows.next()).isTrue();
      String serial = Octets.hex(rows.getBytes(1));
      assertThat(home.ca.ca().certificate(serial).orElseThrow().state())
          .isEqualTo(LedgerEntry.State.INTENDED);
      home.ca.stores.get("root-pkcs11").behave((key, message) -> key.sign(message));
      assertThat(revocations().revoke(Revoking.serials(serial)).fresh()).isEqualTo(1);
      assertOnTheListOfRoot1(serial);
    }
  }

  @Test
  void oneThatIsRevokedIsOnItsRootsListAndInNoChain() throws Exception {
    home.activate();
    assertThat(home.issued().isBelievedBy(home.first)).isTrue();
    String newWithOld = home.crosses().getFirst();
    RevocationResult result = revocations().revoke(Revoking.serials(newWithOld));
    assertThat(result.fresh()).isEqualTo(1);
    assertOnTheListOfRoot1(newWithOld);
    assertThat(home.issued().size()).isEqualTo(2);
    assertThat(home.issued().isBelievedBy(home.first)).isFalse();
    assertThat(home.issued().isBelievedBy(home.root("root-2"))).isTrue();
    assertThat(revocations().distrusted()).as("the root itself goes on").isEmpty();
    home.ca.reopen();
    assertThat(home.issued().size()).as("after a start").isEqualTo(2);
    assertThat(revocations().revoke(Revoking.serials(newWithOld)).fresh()).isZero();
    assertThat(revocations().find(newWithOld).orElseThrow().listed()).isTrue();
  }

  @Test
  void aRootThatHasRetiredListsWhatItVouchedForAsLongAsSomebodyMayBelieveIt() throws Exception {
    home.activate();
    home.changes().retire("root-1", true);
    home.ca.clock.pass(Duration.ofDays(30));
    String newWithOld = home.crosses().getFirst();
    assertThat(revocations().revoke(Revoking.serials(newWithOld)).unlisted()).isEmpty();
    assertOnTheListOfRoot1(newWithOld);
    home.ca.clock.pass(Duration.ofDays(30));
    home.ca.reopen();
    assertOnTheListOfRoot1(newWithOld);
    assertThat(Revoking.list(home.ca, "root-1").nextUpdate()).isAfter(home.ca.clock.instant());
    home.ca.clock.set(home.first.getNotAfter().toInstant().plusSeconds(1));
    long last = Revoking.list(home.ca, "root-1").number();
    ((RevocationService) revocations()).look();
    assertThat(Revoking.list(home.ca, "root-1").number()).as("it has ended").isEqualTo(last);
  }

  @Test
  void whereTheKeyOfARetiredRootIsAwayItIsSaidThatNobodyIsTold() throws Exception {
    home.activate();
    home.changes().retire("root-1", true);
    home.ca.stores.get("root-pkcs11").setAway(true);
    String newWithOld = home.crosses().getFirst();
    assertThat(revocations().revoke(Revoking.serials(newWithOld)).unlisted())
        .singleElement()
        .asString()
        .startsWith("root-1: no list can be made now, and nobody is told as long as that is so: ");
    home.ca.stores.get("root-pkcs11").setAway(false);
    assertOnTheListOfRoot1(newWithOld);
  }

  @Test
  void aPublishedRootThatIsGivenUpIsVouchedForNoLonger() throws Exception {
    home.prepareAndPublish();
    home.changes().abort("root-2");
    assertOnTheListOfRoot1(home.crosses().getFirst());
    assertThat(home.issued().size()).isEqualTo(2);
    assertThat(home.changes().prepare(Role.ROOT, Optional.empty()).id()).isEqualTo("root-3");
    assertOnTheListOfRoot1(home.crosses().getFirst());
  }

  @Test
  void anActiveRootThatIsTakenBackIsVouchedForNoLongerAndOpensslSeesIt() throws Exception {
    home.activate();
    WholeChain under = home.issued();
    home.changes().abort("root-2", Optional.of(AuthorityInfo.State.ACTIVE));
    assertOnTheListOfRoot1(home.crosses().getFirst());
    assertThat(home.issued().isBelievedBy(home.first)).isTrue();
    OpensslCa openssl = new OpensslCa(folder);
    openssl.write("root.pem", Pem.certificate(home.first.getEncoded()));
    openssl.write("cross.pem", Pem.certificate(under.certificates().getLast().getEncoded()));
    openssl.write(
        "list.pem",
        "-----BEGIN X509 CRL-----\n"
            + Base64.getMimeEncoder().encodeToString(Revoking.list(home.ca, "root-1").der())
            + "\n-----END X509 CRL-----\n");
    assertThat(Files.exists(folder.resolve("list.pem"))).isTrue();
    String at = Long.toString(home.ca.clock.instant().getEpochSecond());
    assertThat(openssl.openssl("verify", "-attime", at, "-CAfile", "root.pem", "cross.pem"))
        .contains("OK");
    assertThatThrownBy(() ->
            openssl.openssl(
                "verify",
                "-attime",
                at,
                "-crl_check",
                "-CRLfile",
                "list.pem",
                "-CAfile",
                "root.pem",
                "cross.pem"))
        .hasMessageContaining("certificate revoked");
  }

  /** Whoever asked may have stopped to wait: it is revoked all the same. */
  @Test
  void oneThatIsRevokedAfterItsAdministratorGaveUpIsInNoChain() throws Exception {
    home.activate();
    GatedDisk disk = new GatedDisk();
    home.ca.reopen(disk, Duration.ofSeconds(30));
    assertThat(home.issued().isBelievedBy(home.first)).isTrue();
    var _ = home.ca.ca().certificates(new LedgerQuery(Optional.empty(), 1, Optional.empty()));
    disk.gate();
    FutureTask<RevocationResult> revoking =
        new FutureTask<>(() -> revocations().revoke(Revoking.serials(home.crosses().getFirst())));
    Thread administrator = Thread.ofPlatform().daemon().start(revoking);
    disk.awaitCommit();
    administrator.interrupt();
    assertThatThrownBy(() -> revoking.get(30, TimeUnit.SECONDS))
        .hasMessageContaining("interrupted");
    disk.open();
    LedgerRows.await(() -> home.issued().size() == 2);
  }

  /** Its serial number is known as soon as it is about to be signed. */
  @Test
  void oneThatIsRevokedWhileItIsBeingSignedIsInNoChain() throws Exception {
    Path ledger = home.ca.settings.directory();
    home.ca
        .stores
        .get("root-pkcs11")
        .behave((key, message) -> {
          byte[] signature = key.sign(message);
          if (CrossPeek.of(ledger, message).equals("cross")) {
            revokeThatIsAboutToBeSigned(ledger);
          }
          return signature;
        });
    home.prepareAndPublish();
    home.ca.clock.pass(RootHome.REFRESH.multipliedBy(5));
    assertThat(home.changes().activate("root-2", true).breaks())
        .anyMatch(line -> line.contains("it does not vouch for the new one"));
    assertThat(home.issued().size()).isEqualTo(2);
    assertThat(home.issued().isBelievedBy(home.first)).isFalse();
  }

  private void revokeThatIsAboutToBeSigned(Path ledger) {
    try (var connection = LedgerPeek.connect(ledger);
        var rows =
            connection
                .createStatement()
                .executeQuery("SELECT serial FROM cross_certificate WHERE certificate IS NULL")) {
      assertThat(rows.next()).isTrue();
      String serial = Octets.hex(rows.getBytes(1));
      assertThat(revocations().revoke(Revoking.serials(serial)).fresh()).isEqualTo(1);
    } catch (SQLException | IssuanceException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void whoAsksByOcspIsToldAtOnceThatAGivenUpRootIsVouchedForNoLonger() throws Exception {
    try (RootHome one = RootHome.inOneStore(Files.createDirectory(folder.resolve("one")))) {
      one.prepareAndPublish();
      byte[] question =
          OcspQuestions.of(one.first, Octets.unhex(one.crosses().getFirst()).orElseThrow());
      OcspAnswer good = one.ca.ca().revocations().ocsp(question, "one");
      assertThat(OcspQuestions.status(good).getTagNo()).isZero();
      assertThat(one.ca.ca().revocations().ocsp(question, "two")).as("kept").isSameAs(good);

      one.changes().abort("root-2");

      assertThat(OcspQuestions.status(one.ca.ca().revocations().ocsp(question, "one")).getTagNo())
          .isEqualTo(1);
    }
  }

  @Test
  void aPreparedRootThatIsGivenUpNeedsTheOldRootsKeyForNothing() throws Exception {
    home.changes().prepare(Role.ROOT, Optional.empty());
    home.changes().abort("root-2");
    assertThat(LedgerPeek.count(home.ca.settings.directory(), "revocation")).isZero();
  }

  @Test
  void theirSerialNumbersSayWhenTheLedgerWasLastUsed() throws Exception {
    home.changes().prepare(Role.ROOT, Optional.empty());
    Instant later = home.ca.clock.instant().plusSeconds(3600);
    home.ca.ca().close();
    LedgerPeek.execute(
        home.ca.settings.directory(),
        "UPDATE cross_certificate SET serial = x'"
            + Octets.hex(new Serials().next(later))
            + "' WHERE id = 1");
    assertThat(CertificateAuthorities.newest(home.ca.settings.directory()).orElseThrow())
        .isAfter(later.minusSeconds(1));
  }
}
