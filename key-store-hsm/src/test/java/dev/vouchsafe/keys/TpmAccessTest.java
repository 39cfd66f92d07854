package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static dev.vouchsafe.keys.TpmHome.MESSAGE;
import static dev.vouchsafe.keys.TpmHome.signs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.SecureRandom;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Auth values, and the PCRs that the device CA's key is bound to. */
class TpmAccessTest {
  private static final String EXTENSION =
      "sha256=0000000000000000000000000000000000000000000000000000000000000001";

  @TempDir Path place;
  @TempDir Path home;
  private Swtpm tpm;
  private TpmHome keys;

  @BeforeEach
  void start() throws Exception {
    tpm = Swtpm.in(place);
    keys = new TpmHome(home, tpm);
  }

  @AfterEach
  void stop() {
    tpm.close();
  }

  private String counted() throws Exception {
    return tpm.run("tpm2_getcap", "properties-variable")
        .lines()
        .filter(line -> line.startsWith("TPM2_PT_LOCKOUT_COUNTER"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void withoutTheKeysAuthValueTheTpmSignsForNobody() throws Exception {
    keys.keyAuth(keys.generated());
    try (PrivateKeyStore store = keys.create()) {
      assertThat(signs(store.make(CA, KeyType.EC_P256))).isTrue();
      assertThat(store.describe().warnings()).noneMatch(line -> line.contains("no auth value"));
    }
    Files.delete(keys.generated().file());
    SealSecret.generate(keys.generated().file(), keys.stores.files(), new SecureRandom());
    assertThatThrownBy(keys::open)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("tpm-key-auth");
    // Nobody guesses 32 random octets: so a wrong file doesn't lock the TPM of the machine.
    assertThat(counted()).endsWith("0x0");
  }

  @Test
  void aWrongPassphraseIsTriedOnceAndANewOneIsTriedAgain() throws Exception {
    keys.keyAuth(keys.passphrase("correct horse battery staple"));
    keys.create().close();
    keys.passphrase("wrong");
    try (PrivateKeyStore store = openAway()) {
      tpm.restart();
      for (int i = 0; i < 5; i++) {
        keys.pause();
        assertThatThrownBy(() -> store.derive(CA))
            .isInstanceOf(KeyFault.Failed.class)
            .hasMessageContaining("tpm-key-auth");
        assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.LOCKED);
        assertThat(counted()).endsWith("0x1");
      }
      keys.passphrase("correct horse battery staple");
      assertThat(store.derive(CA)).hasSize(32);
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
  }

  /** While the TPM is away, since otherwise a wrong value is told at once. */
  private PrivateKeyStore openAway() throws Exception {
    // An orderly end, or the TPM itself counts the power cut as a failure.
    tpm.run("tpm2_shutdown", "--clear");
    tpm.kill();
    return keys.open();
  }

  @Test
  void theLastTryBeforeTheTpmLocksIsNotTaken() throws Exception {
    keys.keyAuth(keys.passphrase("correct horse battery staple"));
    keys.create().close();
    keys.passphrase("wrong");
    assertThatThrownBy(keys::open).hasMessageContaining("tpm-key-auth");
    assertThatThrownBy(keys::open).hasMessageContaining("tpm-key-auth");
    assertThat(counted()).endsWith("0x2");

    try (PrivateKeyStore store = keys.open()) {
      assertThatThrownBy(() -> store.derive(CA))
          .isInstanceOf(KeyFault.Unavailable.class)
          .hasMessageContaining("lock");
      assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.LOCKED);
      assertThat(counted()).endsWith("0x2");
      tpm.run("tpm2_dictionarylockout", "--clear-lockout");
      keys.passphrase("correct horse battery staple");
      keys.pause();
      assertThat(store.derive(CA)).hasSize(32);
    }
  }

  @Test
  void aTpmThatOthersHaveLockedStillServesKeysWithoutAGuessableAuthValue() throws Exception {
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      tpm.lockOut();
      assertThat(tpm.run("tpm2_getcap", "properties-variable")).containsPattern("inLockout: +1");
      assertThat(signs(key)).isTrue();
    }
  }

  @Test
  void aLockedTpmIsUnavailableAndTheMessageSaysWhatToDo() throws Exception {
    keys.keyAuth(keys.passphrase("correct horse battery staple"));
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(KeyLabel.of("token"), KeyType.EC_P256);
      tpm.lockOut();
      assertThatThrownBy(() -> key.sign(MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class)
          .hasMessageContaining("tpm2_dictionarylockout");
      assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.LOCKED);
      tpm.unlock();
      keys.pause();
      assertThat(signs(key)).isTrue();
    }
  }

  @Test
  void anOwnerAuthValueIsNeededWhereTheOwnerHasSetOne() throws Exception {
    tpm.run("tpm2_changeauth", "-c", "o", "str:owner's \"secret\" $(id)");
    assertThatThrownBy(keys::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("tpm-owner-auth is not set");
    assertThat(keys.folder).doesNotExist();

    keys.ownerAuth(keys.passphrase("wrong"));
    assertThatThrownBy(keys::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("tpm-owner-auth");
    assertThat(keys.folder).doesNotExist();

    keys.passphrase("owner's \"secret\" $(id)");
    try (PrivateKeyStore store = keys.persistent().create()) {
      assertThat(signs(store.make(CA, KeyType.EC_P256))).isTrue();
    }
    keys.destroy();
    assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEmpty();
  }

  @Test
  void aChangedPcrMakesTheDeviceCaUnavailableAndNothingElse() throws Exception {
    keys.pcrs("sha256:0,7");
    try (PrivateKeyStore store = keys.create()) {
      StoredKey ca = store.make(CA, KeyType.EC_P256);
      StoredKey other = store.make(KeyLabel.of("token-key"), KeyType.EC_P256);
      assertThat(signs(ca)).isTrue();
      tpm.run("tpm2_pcrextend", "7:" + EXTENSION);

      assertThatThrownBy(() -> ca.sign(MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class)
          .hasMessageContaining("PCR sha256:7 changed");
      assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.LOCKED);
      assertThat(signs(other)).isTrue();
      assertThat(store.derive(CA)).hasSize(32);
      assertThat(keys.examine())
          .anyMatch(finding ->
              finding.outcome() == KeyStoreFinding.Outcome.UNAVAILABLE
                  && finding.detail().contains("sha256:7"));

      tpm.kill();
      tpm.restart();
      keys.pause();
      assertThat(signs(ca)).isTrue();
    }
  }

  /** The way that the docs name: a new key takes the place of the one that is bound to the past. */
  @Test
  void anOlderKeyThatTheChangedPcrLocksIsAWarningOnceANewerOneWorks() throws Exception {
    keys.pcrs("sha256:7");
    KeyLabel second = KeyLabel.of("device-ca", "2");
    try (PrivateKeyStore store = keys.create()) {
      store.make(CA, KeyType.EC_P256);
      tpm.run("tpm2_pcrextend", "7:" + EXTENSION);
      Files.setLastModifiedTime(keys.file(CA), FileTime.fromMillis(0));
      store.make(second, KeyType.EC_P256);
    }
    assertThat(keys.examine())
        .noneMatch(finding -> finding.outcome() == KeyStoreFinding.Outcome.UNAVAILABLE)
        .noneMatch(finding -> finding.outcome() == KeyStoreFinding.Outcome.FAILED)
        .anyMatch(finding ->
            finding.outcome() == KeyStoreFinding.Outcome.WARNING
                && finding.subject().equals("key")
                && finding.detail().contains("sha256:7")
                && finding.detail().contains("a later key"))
        .anyMatch(
            finding -> finding.subject().equals("keys") && finding.detail().startsWith("1 signs"));
    tpm.run("tpm2_pcrextend", "7:" + EXTENSION);
    assertThat(keys.examine())
        .as("the newest is locked as well")
        .anyMatch(finding ->
            finding.outcome() == KeyStoreFinding.Outcome.UNAVAILABLE
                && finding.subject().equals("key"));
  }

  /** A TPM has few places: the setting that its message names does help. */
  @Test
  void newKeysAreWhereTheSettingSaysAndOldOnesStay() throws Exception {
    KeyLabel second = KeyLabel.of("device-ca", "2");
    TpmSettings blobs = keys.settings;
    try (PrivateKeyStore store = keys.persistent().create()) {
      store.make(CA, KeyType.EC_P256);
    }
    String before = tpm.run("tpm2_getcap", "handles-persistent");
    keys.settings = blobs;
    try (PrivateKeyStore store = keys.open()) {
      assertThat(signs(store.make(second, KeyType.EC_P256))).isTrue();
      assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEqualTo(before);
    }
    try (PrivateKeyStore store = keys.persistent().open()) {
      assertThat(signs(store.find(CA).orElseThrow())).isTrue();
      assertThat(signs(store.find(second).orElseThrow())).isTrue();
      assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEqualTo(before);
    }
    keys.destroy();
    assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEmpty();
  }

  @Test
  void whoOnlyLooksMakesNothingAnewInTheTpm() throws Exception {
    try (PrivateKeyStore store = keys.persistent().create()) {
      store.make(CA, KeyType.EC_P256);
    }
    String handles = tpm.run("tpm2_getcap", "handles-persistent");
    for (String handle : handles.replace("- ", "").lines().toList()) {
      tpm.run("tpm2_evictcontrol", "-Q", "-C", "o", "-c", handle);
    }
    try (PrivateKeyStore store =
        keys.stores.openUnchanged(keys.folder, keys.settings, TpmHome.CRYPTO)) {
      assertThat(signs(store.find(CA).orElseThrow())).isTrue();
    }
    assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEmpty();
    try (PrivateKeyStore store = keys.open()) {
      assertThat(signs(store.find(CA).orElseThrow())).isTrue();
    }
    assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEqualTo(handles);
  }

  @Test
  void aKeyBoundToPcrsAsksForTheAuthValueAsWell() throws Exception {
    keys.pcrs("sha256:7").keyAuth(keys.generated());
    try (PrivateKeyStore store = keys.create()) {
      StoredKey ca = store.make(CA, KeyType.EC_P256);
      assertThat(signs(ca)).isTrue();
      Files.move(keys.generated().file(), home.resolve("away"));
      assertThatThrownBy(() -> ca.sign(MESSAGE))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("auth.key");
      Files.move(home.resolve("away"), keys.generated().file());
      assertThat(signs(ca)).isTrue();
      tpm.run("tpm2_pcrextend", "7:" + EXTENSION);
      assertThatThrownBy(() -> ca.sign(MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class)
          .hasMessageContaining("PCR sha256:7 changed");
    }
    assertThat(tpm.run("tpm2_getcap", "handles-loaded-session")).isEmpty();
    assertThat(tpm.run("tpm2_getcap", "handles-saved-session")).isEmpty();
  }

  @Test
  void registersThatProtectNothingAreRefusedOrWarnedOf() throws Exception {
    for (String open : List.of("sha256:16", "sha256:0,23")) {
      assertThatThrownBy(() -> PcrSelection.parse(open))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("protects nothing");
    }
    tpm.run("tpm2_pcrextend", "7:" + EXTENSION);
    keys.pcrs("sha256:7");
    assertThat(keys.examine())
        .anyMatch(finding ->
            finding.subject().equals("PCRs") && finding.outcome() == KeyStoreFinding.Outcome.OK);
    for (String empty : List.of("sha256:7,9", "sha256:17")) {
      keys.pcrs(empty);
      assertThat(keys.examine())
          .anyMatch(finding ->
              finding.outcome() == KeyStoreFinding.Outcome.WARNING
                  && finding.detail().contains("nothing was measured"));
    }
  }

  @Test
  void aBankThatTheTpmLacksIsRefusedAtInit() throws Exception {
    tpm.run("tpm2_pcrallocate", "sha256:all+sha384:none");
    tpm.run("tpm2_shutdown", "--clear");
    tpm.kill();
    tpm.restart();
    keys.pcrs("sha384:0");
    assertThatThrownBy(keys::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("tpm-pcrs");
    assertThat(keys.folder).doesNotExist();
  }
}
