package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.clock.TrustedClock.Trust;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509CertSelector;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The lists of what is revoked: their numbers, times and entries, and what others make of them. */
class RevocationListTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.IDENTITY);
  private static final Duration WEEK = Duration.ofDays(7);

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

  private String revoked() throws IssuanceException {
    String serial = ca.issue(TestCa.grant(), REQUEST).serial();
    revocations().revoke(Revoking.serials(serial));
    return serial;
  }

  /** What the publisher does every few seconds, done now. */
  private void look() {
    ((RevocationService) revocations()).look();
  }

  private RevocationListStatus status(String authority) {
    return revocations().lists().stream()
        .filter(it -> it.authority().equals(authority))
        .findAny()
        .orElseThrow();
  }

  @Test
  void rootAndDeviceCaHaveAnEmptyListWithNumberAndNextUpdateFromTheStart() throws Exception {
    look();

    for (String id : List.of("root-1", "device-1")) {
      X509CRL crl = Revoking.crl(ca, id);
      assertThat(Revoking.serials(crl)).isEmpty();
      assertThat(crl.getThisUpdate().toInstant()).isEqualTo("2026-11-05T10:19:30Z");
      assertThat(crl.getNextUpdate().toInstant()).isEqualTo("2026-11-12T10:20:30Z");
      assertThat(Revoking.number(crl)).isPositive();
      assertThat(crl.getExtensionValue("2.5.29.35")).as("authority key identifier").isNotNull();
      assertThat(crl.getCriticalExtensionOIDs()).isNullOrEmpty();
    }
  }

  @Test
  void theNumberRisesAlsoOverARestartAndAnOldBackupOfTheLedger() throws Exception {
    revoked();
    ca.ca().close();
    Path backup = folder.resolve("backup.db");
    Files.copy(ca.settings.directory().resolve("ca.db"), backup);
    ca.reopen();
    BigInteger first = Revoking.number(Revoking.crl(ca, "device-1"));
    revoked();
    revoked();
    BigInteger last = Revoking.number(Revoking.crl(ca, "device-1"));
    assertThat(last).isGreaterThan(first);

    ca.ca().close();
    for (String file : List.of("ca.db", "ca.db-wal", "ca.db-shm")) {
      Files.deleteIfExists(ca.settings.directory().resolve(file));
    }
    Files.copy(backup, ca.settings.directory().resolve("ca.db"));
    ca.reopen();
    look();

    assertThat(Revoking.number(Revoking.crl(ca, "device-1"))).isGreaterThan(last);
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1")))
        .as("what the list named that the ledger forgot")
        .hasSize(3);
    BigInteger before = Revoking.number(Revoking.crl(ca, "device-1"));
    ca.ca().close();
    Files.delete(ca.settings.directory().resolve("crl/device-1.crl"));
    Files.delete(ca.settings.directory().resolve("ca.db"));
    Files.copy(backup, ca.settings.directory().resolve("ca.db"));
    ca.clock.pass(Duration.ofMinutes(10));
    ca.reopen();
    look();
    assertThat(Revoking.number(Revoking.crl(ca, "device-1")))
        .as("also when the file is lost with it, by the time")
        .isGreaterThan(before);
  }

  @Test
  void aListIsServedAgainAfterARestartWithoutAnotherSignature() throws Exception {
    String serial = revoked();
    byte[] before = Revoking.list(ca, "device-1").der();
    ca.store.setAway(true);
    ca.reopen();

    look();

    assertThat(Revoking.list(ca, "device-1").der()).isEqualTo(before);
    assertThat(revocations().find(serial).orElseThrow().listed()).isTrue();
    assertThat(status("device-1").fault()).isEmpty();
  }

  @Test
  void aDamagedListOrAnotherAuthoritysIsNeverServed() throws Exception {
    revoked();
    Path file = ca.settings.directory().resolve("crl/device-1.crl");
    byte[] good = Files.readAllBytes(file);
    Random random = new Random(7);
    ca.store.setAway(true);
    for (int round = 0; round < 40; round++) {
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(file, bad);
      ca.reopen();
      assertThat(revocations().list("device-1")).isEmpty();
    }
    Files.copy(
        ca.settings.directory().resolve("crl/root-1.crl"),
        file,
        StandardCopyOption.REPLACE_EXISTING);
    ca.reopen();
    assertThat(revocations().list("device-1")).isEmpty();

    ca.store.setAway(false);
    look();
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).hasSize(1);
  }

  @Test
  void whileTheKeyStoreIsAwayTheLastListIsServedAndTheRevocationIsRecorded() throws Exception {
    String first = revoked();
    String second = ca.issue(TestCa.grant(), REQUEST).serial();
    ca.store.setAway(true);

    RevocationResult result = revocations().revoke(Revoking.serials(second));

    assertThat(result.fresh()).isEqualTo(1);
    assertThat(result.certificates().getFirst().listed()).isFalse();
    assertThat(result.unlisted()).singleElement().asString().contains("device-1", "unplugged");
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).containsExactly(first);
    assertThat(status("device-1").unlisted()).isEqualTo(1);

    ca.store.setAway(false);
    look();

    assertThat(Revoking.serials(Revoking.crl(ca, "device-1")))
        .containsExactlyInAnyOrder(first, second);
    assertThat(status("device-1").unlisted()).isZero();
    assertThat(status("device-1").fault()).isEmpty();
  }

  @Test
  void aRevocationThatWasNotPublishedBeforeTheEndIsPublishedAtTheNextStart() throws Exception {
    String serial = ca.issue(TestCa.grant(), REQUEST).serial();
    look();
    ca.store.setAway(true);
    revocations().revoke(Revoking.serials(serial));
    ca.reopen();
    ca.store.setAway(false);

    look();

    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).containsExactly(serial);
  }

  @Test
  void aListThatCantBeKeptIsServedAndKeptLater() throws Exception {
    Path file = ca.settings.directory().resolve("crl");
    Files.writeString(file, "in the way");
    String serial = revoked();
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).containsExactly(serial);
    assertThat(status("device-1").fault()).contains("is not a folder");
    byte[] served = Revoking.list(ca, "device-1").der();
    Files.delete(file);

    look();

    assertThat(status("device-1").fault()).isEmpty();
    assertThat(file.resolve("device-1.crl")).hasBinaryContent(served);
  }

  @Test
  void aListIsMadeAnewAtAboutHalfOfItsTime() throws Exception {
    look();
    RevocationList first = Revoking.list(ca, "device-1");
    ca.clock.pass(WEEK.multipliedBy(44).dividedBy(100));
    look();
    assertThat(Revoking.list(ca, "device-1")).isSameAs(first);

    ca.clock.pass(WEEK.multipliedBy(12).dividedBy(100));
    look();

    assertThat(Revoking.list(ca, "device-1").nextUpdate()).isAfter(first.nextUpdate());
  }

  @Test
  void byADoubtedClockOnlyARevocationMakesAListAndItPromisesNoLaterTime() throws Exception {
    look();
    RevocationList first = Revoking.list(ca, "device-1");
    ca.clock.trust(Trust.BOUNDED);
    ca.clock.pass(WEEK.multipliedBy(60).dividedBy(100));
    look();
    assertThat(Revoking.list(ca, "device-1")).isSameAs(first);

    String serial = revoked();
    RevocationList doubted = Revoking.list(ca, "device-1");
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).containsExactly(serial);
    assertThat(doubted.nextUpdate()).isEqualTo(first.nextUpdate());

    ca.clock.trust(Trust.TRUSTED);
    look();
    assertThat(Revoking.list(ca, "device-1").nextUpdate()).isAfter(first.nextUpdate());
  }

  @Test
  void aListFromAClockThatWasAheadIsReplacedWhenTheClockIsSetBack() throws Exception {
    ca.clock.pass(Duration.ofDays(300));
    look();
    BigInteger ahead = Revoking.number(Revoking.crl(ca, "device-1"));
    ca.clock.set(TestCa.NOW);

    look();

    assertThat(Revoking.list(ca, "device-1").thisUpdate()).isBefore(TestCa.NOW);
    assertThat(Revoking.number(Revoking.crl(ca, "device-1"))).isGreaterThan(ahead);
  }

  @Test
  void anEntryIsDroppedOnlyAfterOneListBeyondItsEnd() throws Exception {
    String serial = revoked();
    ca.clock.pass(Duration.ofHours(3));
    String second = revoked();
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1")))
        .as("the one list after its end")
        .containsExactlyInAnyOrder(serial, second);

    String third = revoked();

    assertThat(Revoking.serials(Revoking.crl(ca, "device-1")))
        .containsExactlyInAnyOrder(second, third);
    assertThat(revocations().find(serial)).as("the ledger forgets nothing").isPresent();
    ca.clock.set(TestCa.NOW);
    revoked();
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1")))
        .as("the clock was wrong: it lives, and is named again")
        .contains(serial);
  }

  @Test
  void aLeafOfAnIssuingCaIsRevokedAndDeniedButOnNoList() throws Exception {
    ca.close();
    Path other = Files.createDirectory(folder.resolve("two-speed"));
    IssuingCaSettings.Mode mode = IssuingCaSettings.Mode.ON;
    ca =
        TestCa.with(
            TestCa.settings(other, new IssuingCaSettings(mode, Duration.ofHours(24), Set.of())));
    String serial = ca.issue(TestCa.grant(), REQUEST).serial();
    assertThat(ca.ca().certificate(serial).orElseThrow().authority()).startsWith("issuing-");

    RevocationResult result = revocations().revoke(Revoking.serials(serial));

    assertThat(result.fresh()).isEqualTo(1);
    assertThat(result.unlisted())
        .singleElement()
        .asString()
        .contains("issuing-", "too short-lived");
    assertThat(revocations().find(serial).orElseThrow().listed()).isFalse();
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).isEmpty();
  }

  private CaSettings telling(RevocationSettings revocation) throws Exception {
    CaSettings plain = TestCa.settings(Files.createDirectory(folder.resolve("named")));
    return new CaSettings(
        plain.directory(),
        plain.identity(),
        plain.lifetimes(),
        plain.tokens(),
        plain.rootKey(),
        plain.deviceKey(),
        plain.leafKey(),
        plain.issuing(),
        plain.liveCertificates(),
        revocation,
        plain.ledger());
  }

  /** Where it is wanted: others must take it for what names it, and the root's has none. */
  @Test
  void aListThatSaysWhereItIsToBeFoundIsTakenForWhatNamesIt() throws Exception {
    ca.close();
    Instant now = InstantSource.system().instant();
    String base = "http://gateway.local/crl";
    ca =
        TestCa.with(
            telling(new RevocationSettings(WEEK, Optional.of(base), true, Optional.empty())), now);
    Program run = new Program(folder);
    IssuedCertificate bad = ca.issue(TestCa.grant(), REQUEST);
    IssuedCertificate good = ca.issue(TestCa.grant(), REQUEST);
    revocations().revoke(Revoking.serials(bad.serial()));
    look();
    keep(run, bad, good);

    assertThat(run.good("openssl", "crl", "-in", "device-1.pem", "-noout", "-text"))
        .contains("Issuing Distribution Point: critical")
        .contains("URI:" + base + "/device-1.crl");
    assertThat(Revoking.crl(ca, "root-1").getCriticalExtensionOIDs()).isNullOrEmpty();
    assertThat(verified(run, "good.pem", "-extended_crl").output()).contains("good.pem: OK");
    assertThat(verified(run, "bad.pem", "-extended_crl").output()).contains("certificate revoked");
    assertThat(verified(run, "good.pem").output()).contains("good.pem: OK");
    assertThat(isRevokedForTheJdk(bad)).isTrue();
    assertThat(isRevokedForTheJdk(good)).isFalse();
  }

  /** As a Java program checks it, by the list alone. */
  private boolean isRevokedForTheJdk(IssuedCertificate issued) throws Exception {
    PKIXBuilderParameters parameters =
        new PKIXBuilderParameters(Set.of(new TrustAnchor(ca.root(), null)), new X509CertSelector());
    parameters.setRevocationEnabled(true);
    parameters.addCertStore(
        CertStore.getInstance(
            "Collection",
            new CollectionCertStoreParameters(
                List.of(Revoking.crl(ca, "device-1"), Revoking.crl(ca, "root-1")))));
    CertPath path = CertificateFactory.getInstance("X.509").generateCertPath(TestCa.chain(issued));
    try {
      var _ = CertPathValidator.getInstance("PKIX").validate(path, parameters);
      return false;
    } catch (CertPathValidatorException e) {
      assertThat(e.getReason()).isEqualTo(CertPathValidatorException.BasicReason.REVOKED);
      return true;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 60, 110, 200, 256})
  void aLeafNamesTheListOfItsIssuerOnlyWhereThatIsWanted(int length) throws Exception {
    assertThat(ca.leaf(TestCa.grant(), REQUEST).getExtensionValue("2.5.29.31")).isNull();
    ca.close();
    String base = "http://gateway.local/" + "x".repeat(length);
    CaSettings named =
        telling(new RevocationSettings(WEEK, Optional.of(base), false, Optional.of(base)));
    ca = TestCa.with(named);
    IssuedCertificate issued = ca.issue(TestCa.grant(), REQUEST);
    write("named.pem", first(issued));

    assertThat(
            new Program(folder)
                .good("openssl", "x509", "-in", "named.pem", "-noout", "-text", "-nameopt", "utf8"))
        .contains("X509v3 CRL Distribution Points")
        .contains("URI:" + base + "/device-1.crl")
        .contains("Authority Information Access")
        .contains("OCSP - URI:" + base);
  }

  @Test
  void opensslAndGnutlsTakeTheListAndRefuseWhatItNames() throws Exception {
    ca.close();
    Instant now = InstantSource.system().instant();
    ca = TestCa.with(TestCa.settings(Files.createDirectory(folder.resolve("now"))), now);
    Program run = new Program(folder);
    IssuedCertificate bad = ca.issue(TestCa.grant(), REQUEST);
    IssuedCertificate good = ca.issue(TestCa.grant(), REQUEST);
    revocations().revoke(Revoking.serials(bad.serial()));
    keep(run, bad, good);
    assertThat(run.good("openssl", "crl", "-in", "device-1.pem", "-CAfile", "device.pem", "-noout"))
        .contains("verify OK");
    assertThat(verified(run, "good.pem").output()).contains("good.pem: OK");
    assertThat(verified(run, "bad.pem").output()).contains("certificate revoked");

    Files.writeString(
        folder.resolve("cas.pem"),
        Files.readString(folder.resolve("device.pem"))
            + Files.readString(folder.resolve("root.pem")));
    assertThat(
            run.good(
                "certtool",
                "--verify-crl",
                "--load-ca-certificate",
                "cas.pem",
                "--infile",
                "device-1.pem"))
        .contains("Verified");
    assertThat(run.good("certtool", "--crl-info", "--infile", "device-1.pem"))
        .contains("Revoked certificates (1)")
        .contains(bad.serial());
  }

  /** Two certificates, those over them and the lists, as files. */
  private void keep(Program run, IssuedCertificate bad, IssuedCertificate good) throws Exception {
    write("root.pem", Pem.certificate(ca.root().getEncoded()));
    write("device.pem", Pem.certificate(ca.device().getEncoded()));
    write("bad.pem", first(bad));
    write("good.pem", first(good));
    for (String id : List.of("device-1", "root-1")) {
      Files.write(folder.resolve(id + ".crl"), Revoking.list(ca, id).der());
      run.good("openssl", "crl", "-inform", "DER", "-in", id + ".crl", "-out", id + ".pem");
    }
    Files.writeString(
        folder.resolve("crls.pem"),
        Files.readString(folder.resolve("device-1.pem"))
            + Files.readString(folder.resolve("root-1.pem")));
  }

  private Program.Ended verified(Program run, String leaf, String... more) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("verify"));
    arguments.addAll(List.of(more));
    arguments.addAll(
        List.of(
            "-x509_strict",
            "-crl_check_all",
            "-CRLfile",
            "crls.pem",
            "-CAfile",
            "root.pem",
            "-untrusted",
            "device.pem",
            leaf));
    return run.ended("openssl", arguments.toArray(String[]::new));
  }

  private static String first(IssuedCertificate issued) {
    String chain = issued.certificatePem();
    return chain.substring(0, chain.indexOf("-----BEGIN", 1));
  }

  private void write(String file, String content) throws Exception {
    Files.writeString(folder.resolve(file), content);
  }
}
