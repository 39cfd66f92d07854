package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static dev.vouchsafe.keys.TpmHome.MESSAGE;
import static dev.vouchsafe.keys.TpmHome.signs;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.KeyStoreHealth.State;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A TPM that goes away and comes back, is reset or cleared, or another one in its place. */
class TpmLossTest {
  @TempDir Path place;
  @TempDir Path elsewhere;
  @TempDir Path home;
  private Swtpm tpm;

  @BeforeEach
  void start() throws Exception {
    tpm = Swtpm.in(place);
  }

  @AfterEach
  void stop() {
    tpm.close();
  }

  private TpmHome keys(TpmSettings.Objects objects) {
    TpmHome keys = new TpmHome(home, tpm);
    return objects == TpmSettings.Objects.PERSISTENT ? keys.persistent() : keys;
  }

  @ParameterizedTest
  @EnumSource
  void whileTheTpmIsAwayEveryCallSaysUnavailableAndWorksAgainWhenItIsBack(
      TpmSettings.Objects objects) throws Exception {
    TpmHome keys = keys(objects);
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      byte[] derived = store.derive(CA);
      byte[] sealed = store.seal(CA, MESSAGE);
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
      for (int round = 0; round < 2; round++) {
        tpm.kill();
        assertUnavailable(() -> key.sign(MESSAGE));
        assertThat(store.health().state()).isEqualTo(State.GONE);
        assertThat(store.health().reason()).contains("tpm-tcti");
        assertUnavailable(() -> store.derive(CA));
        assertUnavailable(() -> store.unseal(CA, sealed));
        assertUnavailable(() -> store.make(KeyLabel.of("new"), KeyType.EC_P256));
        keys.pause();
        assertUnavailable(() -> store.derive(CA));

        tpm.restart();
        keys.pause();
        assertThat(signs(key)).isTrue();
        assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
        assertThat(store.derive(CA)).isEqualTo(derived);
        assertThat(store.unseal(CA, sealed)).isEqualTo(MESSAGE);
        assertThat(store.find(KeyLabel.of("new"))).isEmpty();
      }
      assertThat(signs(store.make(KeyLabel.of("new"), KeyType.EC_P256))).isTrue();
    }
    if (objects == TpmSettings.Objects.PERSISTENT) {
      keys.destroy();
    }
    assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEmpty();
  }

  private static void assertUnavailable(Callable<?> call) {
    Instant before = Instant.now();
    assertThatThrownBy(call::call).isInstanceOf(KeyFault.Unavailable.class);
    assertThat(Duration.between(before, Instant.now())).isLessThan(Duration.ofSeconds(2));
  }

  @Test
  void aStoreOpensWhileItsTpmIsAwayAndFindsItsKeysLater() throws Exception {
    TpmHome keys = new TpmHome(home, tpm);
    try (PrivateKeyStore store = keys.create()) {
      store.make(CA, KeyType.EC_P256);
    }
    tpm.kill();
    try (PrivateKeyStore store = keys.open()) {
      assertUnavailable(() -> store.find(CA));
      assertThat(store.health().state()).isEqualTo(State.GONE);
      tpm.restart();
      keys.pause();
      assertThat(signs(store.find(CA).orElseThrow())).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource
  void anotherTpmInItsPlaceIsNeverUsedAndTheRightOneIsFoundAgain(TpmSettings.Objects objects)
      throws Exception {
    TpmHome keys = keys(objects);
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      tpm.kill();
      // At the same socket, with a key of its own under the same label and handles.
      try (Swtpm foreign = Swtpm.in(place, elsewhere.resolve("state"))) {
        TpmHome other = new TpmHome(elsewhere, foreign);
        other.settings = keys.settings;
        try (PrivateKeyStore foreignStore = other.create()) {
          StoredKey foreignKey = foreignStore.make(CA, KeyType.EC_P256);
          assertThat(foreignKey.publicKey()).isNotEqualTo(key.publicKey());
          assertUnavailable(() -> key.sign(MESSAGE));
          assertThat(store.health().state()).isEqualTo(State.GONE);
          keys.pause();
          assertUnavailable(() -> store.derive(CA));
          keys.pause();
          assertUnavailable(() -> store.make(KeyLabel.of("new"), KeyType.EC_P256));
          assertThatThrownBy(keys::open)
              .isInstanceOf(KeyFault.Failed.class)
              .hasMessageContaining(
                  objects == TpmSettings.Objects.PERSISTENT
                      ? "another key than the key store's"
                      : "another machine");
        }
      }
      tpm.restart();
      keys.pause();
      assertThat(signs(key)).isTrue();
      assertThat(store.find(CA).orElseThrow().publicKey()).isEqualTo(key.publicKey());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aClearedTpmIsToldFromThatOfAnotherMachine(TpmSettings.Objects objects) throws Exception {
    TpmHome keys = keys(objects);
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      tpm.run("tpm2_clear");
      assertThatThrownBy(() -> key.sign(MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class)
          .hasMessageContaining("was cleared");
      assertThatThrownBy(keys::open)
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("was cleared");
    }
    assertThat(keys.examine())
        .anyMatch(finding ->
            finding.outcome() == KeyStoreFinding.Outcome.FAILED
                && finding.detail().contains("was cleared"));
  }

  @Test
  void aPersistentObjectThatSomebodyEvictedIsMadeAgainOfItsBlob() throws Exception {
    TpmHome keys = new TpmHome(home, tpm).persistent();
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      byte[] derived = store.derive(CA);
      String before = tpm.run("tpm2_getcap", "handles-persistent");
      for (int handle : TpmHandles.parse(before.getBytes(UTF_8))) {
        tpm.run("tpm2_evictcontrol", "-C", "o", "-c", TpmHandles.text(handle));
      }
      assertThat(signs(key)).isTrue();
      assertThat(store.derive(CA)).isEqualTo(derived);
      assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEqualTo(before);
    }
  }

  @Test
  void aTpmThatHangsHoldsNoCallerUpForLong() throws Exception {
    TpmHome keys = new TpmHome(home, tpm);
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      assertThat(signs(key)).isTrue();
      tpm.freeze();
      List<Duration> waited = waitFor(key, 4);
      // Two seconds, and one for a loaded machine.
      assertThat(waited).allMatch(time -> time.compareTo(Duration.ofSeconds(3)) < 0);
      assertThat(store.health().state()).isEqualTo(State.GONE);
      assertThat(store.health().reason()).contains("hangs");
      assertUnavailable(() -> key.sign(MESSAGE));
      tpm.thaw();
      keys.pause();
      assertThat(signs(key)).isTrue();
    }
    assertThat(ProcessHandle.current().children().map(ProcessHandle::pid).toList())
        .containsExactly(tpm.pid());
  }

  /** How long each of so many callers waits until it is told that the TPM is unavailable. */
  private static List<Duration> waitFor(StoredKey key, int callers) throws Exception {
    CountDownLatch start = new CountDownLatch(callers);
    List<Callable<Duration>> work = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      work.add(() -> {
        start.countDown();
        start.await();
        long before = System.nanoTime();
        assertThatThrownBy(() -> key.sign(MESSAGE)).isInstanceOf(KeyFault.Unavailable.class);
        return Duration.ofNanos(System.nanoTime() - before);
      });
    }
    return AtOnce.run(work);
  }

  @Test
  void whoFindsTheKeyFirstEachTimeGetsToTheTpmToo() throws Exception {
    TpmHome keys = new TpmHome(home, tpm);
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      tpm.kill();
      assertThatThrownBy(() -> key.sign(MESSAGE)).isInstanceOf(KeyFault.Unavailable.class);
      tpm.restart();
      keys.pause();
      // Finding a key that is known asks the TPM nothing, and must not use up the one try for that.
      assertThat(signs(store.find(CA).orElseThrow())).isTrue();
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
  }

  /** Asks again while it is told that the TPM is busy with the other store. */
  private static boolean signsAtLast(StoredKey key) throws Exception {
    for (int left = 30; left > 0; left--) {
      try {
        return signs(key);
      } catch (KeyFault.Unavailable e) {
        assertThat(e).hasMessageContaining("busy");
      }
    }
    return false;
  }

  @Test
  void twoStoresOnOneTpmThatHasThreeSlotsDontGetInEachOthersWay() throws Exception {
    TpmHome first = new TpmHome(home, tpm);
    TpmHome second = new TpmHome(elsewhere, tpm);
    try (PrivateKeyStore one = first.create();
        PrivateKeyStore two = second.create()) {
      StoredKey a = one.make(CA, KeyType.EC_P256);
      StoredKey b = two.make(CA, KeyType.EC_P256);
      List<Callable<Boolean>> work = new ArrayList<>();
      for (StoredKey key : List.of(a, b)) {
        work.add(() -> {
          boolean good = true;
          for (int i = 0; i < 5; i++) {
            good &= signsAtLast(key);
          }
          return good;
        });
      }
      assertThat(AtOnce.run(work)).containsOnly(true);
    }
  }
}
