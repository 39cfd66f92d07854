package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jwt.SignedJWT;
import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import dev.vouchsafe.keys.KeyFault;
import java.nio.file.Path;
import java.security.interfaces.ECPublicKey;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the old store sealed, when the device CA moves to another: nothing is lost or left. */
class KeyStoreMoveTest {
  private static final Module MODULE = new Module("edgeHub", "1");
  private static final byte[] IV = {1, 2, 3};
  private static final byte[] DATA = {4, 5, 6};
  private static final Grant GRANT = TokensTest.grant("hub");

  @TempDir Path folder;
  private TestCa ca;
  private byte[] signature;
  private byte[] box;
  private String kid;
  private String jwks;
  private ECPublicKey auditKey;

  @BeforeEach
  void make() throws Exception {
    CaSettings settings = TestCa.settings(folder);
    ca = TestCa.with(settings, TestCa.stores(settings).choose(Role.ROOT, "root-pkcs11"));
    signature = ca.ca().moduleKeys().sign(MODULE, Which.SECONDARY, DATA);
    box = ca.ca().moduleKeys().encrypt(MODULE, IV, DATA);
    kid = kid();
    auditKey = ca.ca().auditKey().publicKey().orElseThrow();
    jwks = ca.ca().tokens().jwks();
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private String kid() throws Exception {
    String token = ca.token(GRANT, TokensTest.request("hub")).token();
    return SignedJWT.parse(token).getHeader().getKeyID();
  }

  private void assertNothingLost() throws Exception {
    assertThat(ca.ca().moduleKeys().sign(MODULE, Which.SECONDARY, DATA)).isEqualTo(signature);
    assertThat(ca.ca().moduleKeys().decrypt(MODULE, IV, box)).isEqualTo(DATA);
    assertThat(kid()).isEqualTo(kid);
    assertThat(ca.ca().tokens().jwks()).isEqualTo(jwks);
    ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER));
    assertThat(ca.ca().auditKey().publicKey()).hasValue(auditKey);
    assertThat(AuditKeyTest.verifies(auditKey, ca.ca().auditKey())).isTrue();
  }

  private void prepare(String keyStore) throws IssuanceException {
    assertThat(ca.ca().changes().prepare(Role.DEVICE, Optional.of(keyStore)).keyStore())
        .isEqualTo(keyStore);
  }

  private void activate(String id) throws IssuanceException {
    assertThat(ca.ca().changes().activate(id).state()).isEqualTo(State.ACTIVE);
  }

  /** A new process in which that store does not exist any more. */
  private void restartWithout(String keyStore) throws Exception {
    ca.ca().close();
    ca.stores.close();
    ca.stores.refuse(keyStore, new KeyFault.Failed("thrown away"));
    ca.reopen();
  }

  private List<String> blobs() throws SQLException {
    List<String> blobs = new ArrayList<>();
    try (Connection connection = LedgerPeek.connect(ca.settings.directory());
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT hex(sealed) FROM sealed_secret UNION ALL SELECT hex(sealed) FROM"
                    + " token_key UNION ALL SELECT hex(sealed) FROM audit_key")) {
      while (rows.next()) {
        blobs.add(rows.getString(1));
      }
    }
    return blobs;
  }

  /** Not in a free page, and not in the log. */
  @Test
  void whatTheOldStoreSealedIsInNoFileOfTheLedgerAnyMore() throws Exception {
    List<String> before = blobs();
    for (String blob : before) {
      assertThat(SecretGrep.filesWith(ca.settings.directory(), HexFormat.of().parseHex(blob)))
          .isNotEmpty();
    }
    prepare("pkcs11");
    activate("device-2");
    for (String blob : before) {
      assertThat(SecretGrep.filesWith(ca.settings.directory(), HexFormat.of().parseHex(blob)))
          .isEmpty();
    }
    assertNothingLost();
  }

  @Test
  void moduleKeysEncryptedDataAndTokenKeysAreTheSameWithoutTheOldStore() throws Exception {
    List<String> before = blobs();
    prepare("pkcs11");
    assertThat(blobs()).isEqualTo(before);
    activate("device-2");
    assertNothingLost();
    assertThat(blobs()).hasSize(5).doesNotContainAnyElementsOf(before);
    restartWithout("software");
    assertNothingLost();
  }

  @Test
  void thereAndBackAgain() throws Exception {
    prepare("pkcs11");
    activate("device-2");
    prepare("software");
    activate("device-3");
    assertNothingLost();
    restartWithout("pkcs11");
    assertNothingLost();
  }

  @Test
  void withinOneStoreNothingIsSealedAnew() throws Exception {
    List<String> before = blobs();
    prepare("software");
    activate("device-2");
    assertThat(blobs()).isEqualTo(before);
    ca.reopen();
    assertNothingLost();
  }

  @Test
  void whatIsInMemoryMovesWhileTheOldStoreIsAway() throws Exception {
    prepare("pkcs11");
    ca.store.setAway(true);
    activate("device-2");
    assertNothingLost();
    restartWithout("software");
    assertNothingLost();
  }

  @Test
  void whatIsStillSealedDoesNotMoveWhileTheOldStoreIsAway() throws Exception {
    prepare("pkcs11");
    List<String> before = blobs();
    ca.store.setAway(true);
    ca.reopen();
    Refusals.assertRefused(
        Reason.KEY_STORE_UNAVAILABLE, () -> ca.ca().changes().activate("device-2"));
    assertThat(blobs()).isEqualTo(before);
    ca.store.setAway(false);
    assertNothingLost();
    activate("device-2");
    assertNothingLost();
  }

  /** One after the other: each of the secrets is the one at which the new store gives up. */
  @Test
  void aStoreThatIsLostWhileItSealsChangesNothing() throws Exception {
    prepare("pkcs11");
    List<String> before = blobs();
    for (int last = 0; last < 10; last++) {
      AtomicInteger left = new AtomicInteger(last);
      ca.stores
          .get("pkcs11")
          .beforeSealing(purpose -> {
            if (left.getAndDecrement() == 0) {
              throw new KeyFault.Unavailable("unplugged by the test");
            }
          });
      Refusals.assertRefused(
          Reason.KEY_STORE_UNAVAILABLE, () -> ca.ca().changes().activate("device-2"));
      assertThat(blobs()).isEqualTo(before);
    }
    ca.stores.get("pkcs11").beforeSealing(purpose -> {});
    assertNothingLost();
    restartWithout("pkcs11");
    assertNothingLost();
  }

  @Test
  void tokenKeysMadeAfterTheMoveAreSealedByTheNewStore() throws Exception {
    prepare("pkcs11");
    activate("device-2");
    for (int month = 0; month < 3; month++) {
      ca.clock.pass(Duration.ofDays(31));
      String _ = kid();
      ca.clock.pass(Duration.ofHours(2));
      String _ = kid();
    }
    assertThat(kid()).isNotEqualTo(kid);
    String now = kid();
    restartWithout("software");
    assertThat(kid()).isEqualTo(now);
  }

  @Test
  void retiredTokenKeysLeaveNothingThatTheOldStoreCouldOpen() throws Exception {
    for (int month = 0; month < 2; month++) {
      ca.clock.pass(Duration.ofDays(31));
      String _ = kid();
      ca.clock.pass(Duration.ofHours(2));
      String _ = kid();
    }
    List<String> before = blobs();
    assertThat(before).hasSizeGreaterThan(5);
    String now = kid();
    String announced = ca.ca().tokens().jwks();
    prepare("pkcs11");
    activate("device-2");
    assertThat(blobs()).hasSameSizeAs(before).doesNotContainAnyElementsOf(before).contains("");
    assertThat(ca.ca().tokens().jwks()).isEqualTo(announced);
    restartWithout("software");
    assertThat(kid()).isEqualTo(now);
    assertThat(ca.ca().tokens().jwks()).isEqualTo(announced);
  }

  @Test
  void aHomeWithoutSecretsMakesThemWhenItMoves() throws Exception {
    ca.ca().close();
    FirstVersion.of(ca.settings.directory());
    ca.store.setAway(true);
    ca.reopen();
    prepare("pkcs11");
    ca.store.setAway(false);
    activate("device-2");
    byte[] made = ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, DATA);
    restartWithout("software");
    assertThat(ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, DATA)).isEqualTo(made);
  }
}
