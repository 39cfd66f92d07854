package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.RevocationOrder.Target;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.trust.TrustBundle;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509CRL;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was made, revoked or trusted after a backup, held against a restore that forgets it. */
class HostileRestoreTest {
  private static final CertificateRequest SERVER = CertificateRequest.of(Profile.SERVER);
  private static final OptionalLong NOBODY = OptionalLong.empty();
  private static final int PAGE = 4096;
  private static final Lifetimes SHORT =
      new Lifetimes(
          Duration.ofDays(300), Duration.ofDays(200), Duration.ofHours(1), Duration.ofDays(3));

  @TempDir Path folder;

  private TestCa ca() throws Exception {
    return TestCa.in(Files.createDirectory(folder.resolve("h")));
  }

  private Path copy(TestCa ca) throws IOException {
    return Restoring.copy(ca, folder.resolve("copy"));
  }

  private static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  @Test
  void oneBackupThatIsRestoredTwiceIntoLostHomesNeverNamesTwoAuthoritiesAlike() throws Exception {
    Set<String> ids = new HashSet<>();
    try (TestCa ca = ca()) {
      Path copy = copy(ca);
      for (int round = 0; round < 3; round++) {
        Path again = Files.createDirectory(folder.resolve("again" + round));
        copyTree(copy, again);
        List<String> _ = Restoring.restore(ca, again, Optional.empty(), NOBODY);
        assertThat(ids.add(ca.ca().recovery().accept(7))).isTrue();
        AuthorityInfo next = ca.ca().changes().prepare(Role.DEVICE, Optional.empty());
        assertThat(ids.add(next.id())).isTrue();
      }
    }
  }

  @Test
  void aDeviceCaOfTheGapIsKnownAgainWithoutItsKeyAndIsRevokedAsAWhole() throws Exception {
    try (TestCa ca = ca()) {
      Path copy = copy(ca);
      AuthorityInfo second = ca.ca().changes().prepare(Role.DEVICE, Optional.empty());
      AuthorityInfo _ = ca.ca().changes().activate(second.id());
      String leaf = ca.issue(TestCa.grant(), SERVER).serial();
      ca.ca().revocations().serve();
      ca.ca().revocations().revoke(Revoking.serials(leaf));
      assertThat(Restoring.restore(ca, copy, Optional.of(ca.settings.directory()), NOBODY))
          .singleElement()
          .asString()
          .contains("device-2 was made after the backup", "cert revoke --authority device-2");
      assertThat(ca.ca().authorities())
          .filteredOn(it -> it.id().equals("device-2"))
          .singleElement()
          .matches(it -> it.state() == State.RETIRED)
          .matches(it -> it.certificate().equals(second.certificate()));
      assertThat(ca.ca().revocations().find(leaf)).isPresent();

      ca.ca().revocations().serve();
      ca.ca()
          .revocations()
          .revoke(
              Revoking.order(
                  new Target.Authority("device-2", false), RevocationReason.CA_COMPROMISE));
      X509CRL list = Revoking.crl(ca, "root-1");
      assertThat(list.getRevokedCertificate(second.certificate())).isNotNull();
      ca.reopen();
      assertThat(ca.ca().recovery().accept(7)).isNotEqualTo("device-2");
      assertThat(ca.leaf(TestCa.grant(), SERVER)).isNotNull();
    }
  }

  @Test
  void anAuthorityThatTheRootDidNotSignIsNotTakenIn() throws Exception {
    try (TestCa ca = ca();
        TestCa other = TestCa.in(Files.createDirectory(folder.resolve("o")))) {
      Path copy = copy(ca);
      AuthorityInfo _ = ca.ca().changes().prepare(Role.DEVICE, Optional.empty());
      ca.ca().close();
      // Of the same names, by a root of the same name.
      byte[] foreign = other.device().getEncoded();
      byte[] serial = other.device().getSerialNumber().toByteArray();
      try (var connection = LedgerPeek.connect(ca.settings.directory());
          var update =
              connection.prepareStatement(
                  "UPDATE authority SET certificate = ?, serial = ?"
                      + " WHERE role = 'device' AND generation = 2")) {
        update.setBytes(1, foreign);
        update.setBytes(2, serial);
        assertThat(update.executeUpdate()).isEqualTo(1);
      }
      List<String> _ = Restoring.restore(ca, copy, Optional.of(ca.settings.directory()), NOBODY);
      assertThat(ca.ca().authorities())
          .extracting(AuthorityInfo::id)
          .containsExactly("root-1", "device-1");
      assertThat(ca.ca().recovery().accept(7)).isNotEqualTo("device-2");
    }
  }

  @Test
  void anotherCaOfTheSameNamesIsNotTakenForThisOne() throws Exception {
    try (TestCa ca = ca();
        TestCa other = TestCa.in(Files.createDirectory(folder.resolve("o")))) {
      Path copy = copy(ca);
      other.ca().close();
      assertThat(Restoration.lost(copy, other.settings.directory(), List.of(other.root())))
          .anyMatch(line -> line.contains("root-1 is another one than that of this name"))
          .anyMatch(line -> line.contains("device-1 is another one than that of this name"))
          .anyMatch(line -> line.contains("it leaves the bundle"))
          .anyMatch(line -> line.contains("it comes back into it"));
      other.reopen();
    }
  }

  @Test
  void whicheverPageOfThePresentLedgerIsLostItIsRestoredAndNothingIsForgottenSilently()
      throws Exception {
    try (TestCa ca = ca()) {
      Path copy = copy(ca);
      List<String> revoked = new ArrayList<>();
      for (int i = 0; i < 150; i++) {
        revoked.add(ca.issue(TestCa.grant(), SERVER).serial());
      }
      ca.ca().revocations().revoke(Revoking.serials(revoked.toArray(String[]::new)));
      ca.ca().revocations().revoke(Revoking.module("another", "1"));
      ca.ca().close();
      Path present = Files.createDirectory(folder.resolve("present"));
      byte[] whole = Files.readAllBytes(ca.settings.directory().resolve("ca.db"));
      int saved = 0;
      for (int at = 0; at < whole.length; at += PAGE) {
        byte[] damaged = whole.clone();
        Arrays.fill(damaged, at, at + PAGE, (byte) 0);
        Files.write(present.resolve("ca.db"), damaged);
        Path again = folder.resolve("again" + at);
        Files.createDirectory(again);
        copyTree(copy, again);
        List<String> told = new ArrayList<>(Restoration.lost(again, present, List.of()));
        told.addAll(
            Restoration.prepare(
                again,
                Optional.of(present),
                Restoring.facts(ca.clock.instant(), ca.clock.instant(), NOBODY),
                TestCa.CRYPTO));
        int taken = LedgerPeek.count(again, "revocation");
        saved += taken == revoked.size() ? 1 : 0;
        boolean said =
            told.stream()
                .anyMatch(line ->
                    line.contains("damaged")
                        || line.contains("can't be read")
                        || line.contains("does not say"));
        assertThat(said || (taken == revoked.size() && denied(again) == 1))
            .as("page %d: %d revocations taken in, told %s", at / PAGE, taken, told)
            .isTrue();
        try (Ledger ledger = Ledger.open(again)) {
          assertThat(ledger.gaps().isOpen()).isTrue();
        }
      }
      assertThat(saved)
          .as("of %d pages", whole.length / PAGE)
          .isGreaterThan(whole.length / PAGE / 3);
      ca.reopen();
    }
  }

  private static int denied(Path ledger) throws Exception {
    return LedgerPeek.count(ledger, "denied_module");
  }

  @Test
  void aLedgerWhoseRevocationsAreDamagedInTheMiddleGivesThoseBeforeAndBehind() throws Exception {
    try (TestCa ca = ca()) {
      Path copy = copy(ca);
      List<String> revoked = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        revoked.add(ca.issue(TestCa.grant(), SERVER).serial());
      }
      ca.ca().revocations().revoke(Revoking.serials(revoked.toArray(String[]::new)));
      ca.ca().close();
      Path file = ca.settings.directory().resolve("ca.db");
      byte[] octets = Files.readAllBytes(file);
      List<String> inOrder = revocations(ca.settings.directory());
      int page = leafOf("revocation", octets, inOrder.get(200));
      Arrays.fill(octets, page, page + PAGE, (byte) 0);
      Files.write(file, octets);
      // Else a list that is kept brings all of them back.
      Files.deleteIfExists(ca.settings.directory().resolve("crl/device-1.crl"));
      assertThat(Restoration.lost(copy, ca.settings.directory(), List.of()))
          .anyMatch(line -> line.contains("is damaged, and may know more than can be read"));
      List<String> told = Restoring.restore(ca, copy, Optional.of(ca.settings.directory()), NOBODY);
      assertThat(told).anyMatch(line -> line.contains("of its table revocation"));
      assertThat(revocations(ca.settings.directory()))
          .contains(inOrder.getFirst(), inOrder.getLast())
          .doesNotContain(inOrder.get(200))
          .hasSizeGreaterThan(200);
    }
  }

  /** The serial numbers of those that are revoked, in the order of the table. */
  private static List<String> revocations(Path folder) throws Exception {
    List<String> serials = new ArrayList<>();
    try (Connection connection = LedgerPeek.connect(folder);
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT serial FROM revocation ORDER BY id")) {
      while (rows.next()) {
        serials.add(Octets.hex(rows.getBytes(1)));
      }
    }
    return serials;
  }

  /** Where the page of a table's rows begins that has that serial number, but no names. */
  private static int leafOf(String table, byte[] octets, String serial) {
    byte[] wanted = Octets.unhex(serial).orElseThrow();
    for (int at = 0; at < octets.length; at += PAGE) {
      byte[] page = Arrays.copyOfRange(octets, at, at + PAGE);
      if (page[0] == 0x0d && indexOf(page, wanted) > 0 && !hasNames(page)) {
        return at;
      }
    }
    throw new AssertionError("no page of " + table + " has " + serial);
  }

  private static boolean hasNames(byte[] page) {
    return indexOf(page, "gateway.local".getBytes(StandardCharsets.US_ASCII)) > 0;
  }

  private static int indexOf(byte[] octets, byte[] wanted) {
    for (int at = 0; at + wanted.length <= octets.length; at++) {
      if (Arrays.equals(octets, at, at + wanted.length, wanted, 0, wanted.length)) {
        return at;
      }
    }
    return -1;
  }

  @Test
  void noRootLeavesTheTrustBundleNorComesBackBeforeTheGapIsAccepted() throws Exception {
    try (RootHome home = RootHome.in(Files.createDirectory(folder.resolve("h")))) {
      TestCa ca = home.ca;
      Path copy = copy(ca);
      home.activate();
      ca.clock.pass(RootHome.REFRESH.multipliedBy(6));
      StepTaken _ = home.changes().retire("root-1", true);
      TrustBundle before = home.bundles.current();
      assertThat(before.roots()).containsExactly(home.root("root-2"));
      ca.ca().close();
      assertThat(Restoration.lost(copy, ca.settings.directory(), before.roots()))
          .anyMatch(line -> line.contains("root-1 is retired, and active in the backup"))
          .anyMatch(line -> line.contains("it leaves the bundle"))
          .anyMatch(line -> line.startsWith("root-1 (") && line.contains("trusted again"));

      // Of the present ledger nothing is left; what modules trust stays until somebody says so.
      List<String> _ = Restoring.restore(ca, copy, Optional.empty(), NOBODY);
      assertThat(home.bundles.current()).isEqualTo(before);
      String id = ca.ca().recovery().accept(7);
      assertThat(home.bundles.current().roots()).containsExactly(home.first);
      assertThat(home.bundles.current().sequence()).isGreaterThan(before.sequence());
      assertThat(home.authority(id).state()).isEqualTo(State.ACTIVE);
      assertThat(ca.leaf(TestCa.grant(), SERVER)).isNotNull();
    }
  }

  @Test
  void theGapIsAsLongAsTheLongestThatAnyProfileMayIssue() {
    CaSettings plain = TestCa.settings(folder);
    assertThat(plain.longestLife()).isEqualTo(Duration.ofDays(730));
    assertThat(TestCa.settings(folder, SHORT, KeyType.EC_P256, 1).longestLife())
        .isEqualTo(SHORT.deviceCa());
  }
}
