package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The masters when the store is away, another one, or failing; and who was shown a key. */
class ModuleMastersTest {
  private static final Module MODULE = new Module("edgeHub", "1");
  private static final byte[] DATA = "data".getBytes(StandardCharsets.UTF_8);

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

  private byte[] sign() throws IssuanceException {
    return ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, DATA);
  }

  private List<String> rows(String query) throws Exception {
    try (Connection connection = LedgerPeek.connect(ca.settings.directory());
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      List<String> texts = new ArrayList<>();
      while (rows.next()) {
        texts.add(rows.getString(1));
      }
      return texts;
    }
  }

  private List<String> masters() throws Exception {
    return rows("SELECT name || hex(sealed) FROM sealed_secret ORDER BY name");
  }

  @Test
  void theStoreIsNotNeededAfterTheStart() throws Exception {
    byte[] signature = sign();
    ca.store.setAway(true);
    assertThat(sign()).isEqualTo(signature);
    byte[] box = ca.ca().moduleKeys().encrypt(MODULE, DATA, DATA);
    assertThat(ca.ca().moduleKeys().decrypt(MODULE, DATA, box)).isEqualTo(DATA);
  }

  @Test
  void aStoreThatIsAwayAtTheStartIsUnsealedAtFirstUse() throws Exception {
    byte[] signature = sign();
    List<String> sealed = masters();
    ca.store.setAway(true);
    ca.reopen();
    ModuleKeys keys = ca.ca().moduleKeys();
    assertThat(keys.ready()).isFalse();
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, this::sign);
    Refusals.assertRefused(
        Reason.KEY_STORE_UNAVAILABLE, () -> keys.reveal(MODULE, Which.PRIMARY, "uid 0"));
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> keys.encrypt(MODULE, DATA, DATA));
    ca.store.setAway(false);
    assertThat(keys.ready()).as("asking does not unseal").isFalse();
    assertThat(sign()).isEqualTo(signature);
    assertThat(keys.ready()).isTrue();
    assertThat(masters()).isEqualTo(sealed);
  }

  @Test
  void whileOneUnsealsTheOthersAreToldUnavailableAtOnce() throws Exception {
    byte[] signature = sign();
    ca.store.setAway(true);
    ca.reopen();
    ca.store.setAway(false);
    AtomicInteger unsealed = new AtomicInteger();
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    ca.store.beforeSealing(purpose -> {
      unsealed.incrementAndGet();
      asked.countDown();
      await(answer);
    });
    CompletableFuture<byte[]> slow =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return sign();
              } catch (IssuanceException e) {
                throw new IllegalStateException(e);
              }
            },
            ca.executor);
    await(asked);
    for (int i = 0; i < 10; i++) {
      Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, this::sign);
    }
    answer.countDown();
    assertThat(slow.join()).isEqualTo(signature);
    assertThat(sign()).isEqualTo(signature);
    assertThat(unsealed).as("each master once").hasValue(2);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anotherStoreStopsTheStartAndNothingIsMadeAnew(@TempDir Path other) throws Exception {
    List<String> sealed = masters();
    ca.ca().close();
    try (PrivateKeyStore stranger = TestCa.newStore(other);
        Ledger ledger = Ledger.open(ca.settings.directory())) {
      NamedStore named = new NamedStore(AuthorityStores.single(stranger), "software");
      KeyServices services =
          new KeyServices(ca.settings, named, TestCa.CRYPTO, ledger, ca.clock, Pace.real());
      assertThatThrownBy(services::start)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("modules' keys")
          .hasMessageContaining("another key store")
          .hasMessageContaining("restore a backup of " + ca.settings.directory());
    }
    assertThat(masters()).isEqualTo(sealed);
    ca.reopen();
    assertThat(sign()).hasSize(32);
  }

  @Test
  void aStoreThatFailsLaterIsAFailureAndNothingIsMadeAnew() throws Exception {
    byte[] signature = sign();
    List<String> sealed = masters();
    ca.store.setAway(true);
    ca.reopen();
    ca.store.setAway(false);
    ca.store.beforeSealing(purpose -> {
      throw new KeyFault.Failed("another token was plugged in");
    });
    Refusals.assertRefused(Reason.SIGNATURE_FAILED, this::sign);
    ca.store.beforeSealing(purpose -> {
      throw new IllegalStateException("as providers throw it");
    });
    Refusals.assertRefused(Reason.SIGNATURE_FAILED, this::sign);
    assertThat(masters()).isEqualTo(sealed);
    ca.store.beforeSealing(purpose -> {});
    assertThat(sign()).isEqualTo(signature);
  }

  @Test
  void exchangedLostOrShortenedMastersAreFoundOutAtTheStart() throws Exception {
    byte[] signature = sign();
    for (String damage :
        List.of(
            "UPDATE sealed_secret SET sealed = (SELECT sealed FROM saved WHERE saved.name <>"
                + " sealed_secret.name)",
            "DELETE FROM sealed_secret WHERE name = 'module-data'",
            "UPDATE sealed_secret SET sealed = substr(sealed, 2)",
            "UPDATE sealed_secret SET sealed = x''")) {
      ca.ca().close();
      Path file = ca.settings.directory();
      LedgerPeek.execute(file, "CREATE TABLE saved AS SELECT * FROM sealed_secret");
      LedgerPeek.execute(file, damage);
      assertThatThrownBy(ca::reopen).as(damage).isInstanceOf(IOException.class);
      LedgerPeek.execute(file, "DELETE FROM sealed_secret");
      LedgerPeek.execute(file, "INSERT INTO sealed_secret SELECT * FROM saved");
      LedgerPeek.execute(file, "DROP TABLE saved");
      ca.reopen();
      assertThat(sign()).isEqualTo(signature);
    }
  }

  @Test
  void aDisclosureIsRecordedWithTimeAndNames() throws Exception {
    ca.clock.set(TestCa.NOW.plus(Duration.ofMinutes(3)));
    byte[] key = ca.ca().moduleKeys().reveal(MODULE, Which.SECONDARY, "uid 0; DROP TABLE x");
    assertThat(key).hasSize(32);
    String row =
        "SELECT at || '|' || administrator || '|' || action || '|' || name || '|' || generation ||"
            + " '|' || which FROM disclosure JOIN module ON module.id = disclosure.module";
    String expected =
        TestCa.NOW.plus(Duration.ofMinutes(3)).getEpochSecond()
            + "|uid 0; DROP TABLE x|reveal-signing-key|edgeHub|1|secondary";
    assertThat(rows(row)).as("before the key was returned").containsExactly(expected);
    ca.reopen();
    assertThat(rows(row)).containsExactly(expected);
    sign();
    assertThat(rows(row)).as("signing discloses nothing").hasSize(1);
  }

  @Test
  void whereTheDisclosureCannotBeRecordedThereIsNoKey() throws Exception {
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(),
        "CREATE TRIGGER refuse BEFORE INSERT ON disclosure"
            + " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
    ca.reopen();
    ModuleKeys keys = ca.ca().moduleKeys();
    Refusals.assertRefused(
        Reason.LEDGER_UNAVAILABLE, () -> keys.reveal(MODULE, Which.PRIMARY, "uid 0"));
    assertThat(sign()).hasSize(32);
    ca.ca().close();
    Refusals.assertRefused(
        Reason.LEDGER_UNAVAILABLE, () -> keys.reveal(MODULE, Which.PRIMARY, "uid 0"));
    ca.reopen();
  }

  @Test
  void nobodyIsShownAKeyAnonymously() throws Exception {
    for (String nobody : List.of("", "  ", "x".repeat(257))) {
      Refusals.assertRefused(
          Reason.REQUEST_INVALID, () -> ca.ca().moduleKeys().reveal(MODULE, Which.PRIMARY, nobody));
    }
    assertThat(rows("SELECT at FROM disclosure")).isEmpty();
  }
}
