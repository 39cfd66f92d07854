package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import dev.vouchsafe.keys.KeyFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.interfaces.ECPublicKey;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A home of the first release, opened by this one, also when that is interrupted. */
class MigrationTest {
  private static final Module MODULE = new Module("edgeHub", "1");
  private static final Grant GRANT = TokensTest.grant("hub");
  private static final TokenRequest REQUEST = TokensTest.request("hub");

  @TempDir Path folder;
  private TestCa ca;
  private String serial;

  @BeforeEach
  void makeAnOldHome() throws Exception {
    ca = TestCa.in(folder);
    serial = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).serial();
    ca.ca().close();
    FirstVersion.of(ca.settings.directory());
    assertThat(FirstVersion.versionOf(ca.settings.directory())).isEqualTo(1);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private Path home() {
    return ca.settings.directory();
  }

  private void assertWhole() throws Exception {
    assertThat(ca.ca().certificate(serial).orElseThrow().state())
        .isEqualTo(LedgerEntry.State.ISSUED);
    byte[] signature = ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]);
    String id = ca.token(GRANT, REQUEST).id();
    assertThat(home().resolve("jwks.json")).hasContent(ca.ca().tokens().jwks());
    ca.reopen();
    assertThat(ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1])).isEqualTo(signature);
    assertThat(ca.token(GRANT, REQUEST).id()).isNotEqualTo(id);
    assertThat(ca.ca().certificate(serial)).isPresent();
    ca.issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY));
    assertThat(FirstVersion.versionOf(home())).isEqualTo(LedgerVersions.NEWEST);
  }

  @Test
  void anOldHomeKeepsWhatItHasAndGetsWhatItLacks() throws Exception {
    ca.reopen();
    assertWhole();
  }

  /** The second release and the third made the very same tables. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void aHomeOfALaterReleaseKeepsWhatItHas(int version) throws Exception {
    ca.reopen();
    ca.ca().close();
    for (String later :
        List.of(
            "audit_key",
            "revocation",
            "crl",
            "denied_module",
            "denied_token",
            "archive",
            "authority_above",
            "authority_request",
            "rotation_step",
            "cross_certificate",
            "authority_issuer",
            "gap",
            "used_generation",
            "archive_entry",
            "token_archive")) {
      LedgerPeek.execute(home(), "DROP TABLE " + later);
    }
    LedgerPeek.execute(home(), "DROP INDEX certificate_end");
    LedgerPeek.execute(home(), "PRAGMA user_version = " + version);
    ca.reopen();
    assertWhole();
  }

  @Test
  void theAuditKeyIsMadeOnceAndStays() throws Exception {
    ca.reopen();
    ECPublicKey key = ca.ca().auditKey().publicKey().orElseThrow();
    ca.reopen();
    assertThat(ca.ca().auditKey().publicKey()).hasValue(key);
    assertThat(AuditKeyTest.verifies(key, ca.ca().auditKey())).isTrue();
  }

  @Test
  void whatIsUpToDateHasTheTablesOfANewOne(@TempDir Path other) throws Exception {
    ca.reopen();
    try (TestCa fresh = TestCa.in(other)) {
      assertThat(schema(home())).isEqualTo(schema(fresh.settings.directory()));
    }
  }

  private static String schema(Path folder) throws SQLException {
    StringBuilder schema = new StringBuilder();
    try (Connection connection = LedgerPeek.connect(folder);
        Statement statement = connection.createStatement();
        var rows =
            statement.executeQuery(
                "SELECT name || ': ' || sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name")) {
      while (rows.next()) {
        schema.append(rows.getString(1)).append('\n');
      }
    }
    return schema.toString();
  }

  @Test
  void withTheStoreAwayTheKeysAreMadeAtFirstUse() throws Exception {
    ca.store.setAway(true);
    ca.reopen();
    Refusals.assertRefused(
        Reason.KEY_STORE_UNAVAILABLE,
        () -> ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]));
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> ca.token(GRANT, REQUEST));
    assertThat(ca.ca().tokens().jwks()).isEqualTo("{\"keys\":[]}");
    ca.store.setAway(false);
    assertWhole();
  }

  @Test
  void aStoreLostBetweenTheTwoMastersLeavesNeither() throws Exception {
    ca.store.beforeSealing(purpose -> {
      if (purpose.parts().contains("module-data")) {
        throw new KeyFault.Unavailable("unplugged by the test");
      }
    });
    ca.reopen();
    Refusals.assertRefused(
        Reason.KEY_STORE_UNAVAILABLE,
        () -> ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]));
    try (Connection connection = LedgerPeek.connect(home());
        Statement statement = connection.createStatement();
        var rows = statement.executeQuery("SELECT COUNT(*) FROM sealed_secret")) {
      assertThat(rows.getInt(1)).isZero();
    }
    ca.store.beforeSealing(purpose -> {});
    assertWhole();
  }

  /** The files as a crash leaves them: everything written, and the commit not. */
  @Test
  void aCrashJustBeforeTheCommitLeavesTheOldVersionWhichIsMigratedNextTime() throws Exception {
    Path crashed = Files.createDirectory(folder.resolve("crashed"));
    try (Connection connection = LedgerSchema.connect(home().resolve("ca.db"));
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("PRAGMA cache_size = 1");
      LedgerSchema.update(statement, 1);
      copy(crashed);
      connection.rollback();
    }
    restore(crashed);
    assertThat(FirstVersion.versionOf(home())).isEqualTo(1);
    ca.reopen();
    assertWhole();
  }

  @Test
  void aCrashJustAfterTheCommitLeavesTheNewVersion() throws Exception {
    Path crashed = Files.createDirectory(folder.resolve("crashed"));
    try (Connection connection = LedgerSchema.connect(home().resolve("ca.db"));
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      LedgerSchema.update(statement, 1);
      connection.commit();
      // Still open: the new pages are in the log only.
      copy(crashed);
    }
    restore(crashed);
    assertThat(FirstVersion.versionOf(home())).isEqualTo(LedgerVersions.NEWEST);
    ca.reopen();
    assertWhole();
  }

  private void copy(Path to) throws IOException {
    try (var files = Files.list(home())) {
      for (Path file : files.filter(file -> file.toString().contains("ca.db")).toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }

  private void restore(Path from) throws IOException {
    for (String name : new String[] {"ca.db", "ca.db-wal", "ca.db-shm"}) {
      Files.deleteIfExists(home().resolve(name));
      if (Files.exists(from.resolve(name))) {
        Files.copy(from.resolve(name), home().resolve(name));
      }
    }
  }

  @Test
  void aDiskThatIsFullLeavesTheOldVersion() throws Exception {
    FullDisk disk = new FullDisk();
    disk.fill();
    assertThatThrownBy(() -> Ledger.open(home(), disk))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("ca.db");
    assertThat(FirstVersion.versionOf(home())).isEqualTo(1);
    ca.reopen();
    assertWhole();
  }

  /** Each round starts a process that migrates, and kills it a little later than the one before. */
  @Tag("fault")
  @Test
  void aProcessThatIsKilledWhileItMigratesLeavesOneVersionOrTheOther() throws Exception {
    Path before = Files.createDirectory(folder.resolve("before"));
    copy(before);
    boolean[] seen = new boolean[LedgerVersions.NEWEST + 1];
    for (int round = 0; round < 60; round++) {
      restore(before);
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-cp",
                  System.getProperty("java.class.path"),
                  LedgerHolder.class.getName(),
                  home().toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      process.waitFor(300 + 10L * round, TimeUnit.MILLISECONDS);
      process.destroyForcibly().waitFor();
      int version = FirstVersion.versionOf(home());
      assertThat(version).isIn(1, LedgerVersions.NEWEST);
      seen[version] = true;
      Ledger.open(home()).close();
      assertThat(FirstVersion.versionOf(home())).isEqualTo(LedgerVersions.NEWEST);
    }
    assertThat(seen[1] && seen[LedgerVersions.NEWEST]).as("killed before and after").isTrue();
    ca.reopen();
    assertWhole();
  }
}
