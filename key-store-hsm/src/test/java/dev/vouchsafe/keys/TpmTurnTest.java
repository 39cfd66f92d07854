package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static dev.vouchsafe.keys.TpmHome.MESSAGE;
import static dev.vouchsafe.keys.TpmHome.signs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.KeyStoreHealth.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A TPM that hangs, is reset or is left by a killed process at the worst moment. */
class TpmTurnTest {
  private static final List<String> TOOLS =
      List.of(
          "createprimary",
          "readpublic",
          "create",
          "load",
          "hmac",
          "sign",
          "getcap",
          "flushcontext",
          "evictcontrol",
          "startauthsession",
          "policypcr",
          "policysecret",
          "pcrread");

  @TempDir Path place;
  @TempDir Path bin;
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

  /** A home whose programs first do what a script says, if there is one for them. */
  private TpmHome through(String tool, String script) throws Exception {
    for (String name : TOOLS) {
      Path program = bin.resolve("tpm2_" + name);
      String real = "/usr/bin/tpm2_" + name;
      if (name.equals(tool)) {
        Files.writeString(program, "#!/bin/sh\n" + script + "\nexec " + real + " \"$@\"\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
      } else {
        Files.createSymbolicLink(program, Path.of(real));
      }
    }
    return new TpmHome(home, tpm.tcti(), List.of(bin));
  }

  /** Runs while a call is held up by {@link #held}. */
  private interface Meanwhile {
    void run() throws Exception;
  }

  private String held() {
    return "[ -e %1$s/hold ] && { mv %1$s/hold %1$s/held; while [ -e %1$s/held ]; do sleep 0.02; done; }"
        .formatted(bin);
  }

  private <T> T whileHeld(Callable<T> call, Meanwhile meanwhile) throws Exception {
    Files.createFile(bin.resolve("hold"));
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofPlatform().daemon().start(task);
    Eventually.isTrue("the call is held", () -> Files.exists(bin.resolve("held")));
    meanwhile.run();
    Files.delete(bin.resolve("held"));
    return task.get();
  }

  private void reset() throws Exception {
    tpm.kill();
    tpm.restart();
  }

  private static Duration unavailable(Callable<?> call) {
    long before = System.nanoTime();
    assertThatThrownBy(call::call).isInstanceOf(KeyFault.Unavailable.class);
    return Duration.ofNanos(System.nanoTime() - before);
  }

  private static void signsAtLast(TpmHome keys, PrivateKeyStore store) throws Exception {
    Eventually.isTrue(
        "the key is found and signs",
        () -> {
          keys.pause();
          try {
            return signs(store.find(CA).orElseThrow());
          } catch (KeyFault.Unavailable e) {
            return false;
          }
        });
  }

  @Test
  void aTpmThatHangsWhileAStoreIsOpenedHoldsTheStartUpForSecondsOnly() throws Exception {
    TpmHome keys = new TpmHome(home, tpm);
    try (PrivateKeyStore store = keys.create()) {
      store.make(CA, KeyType.EC_P256);
    }
    tpm.freeze();
    long before = System.nanoTime();
    try (PrivateKeyStore store = keys.open()) {
      assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(9));
      assertThat(store.health().state()).isEqualTo(State.GONE);
      assertThat(unavailable(() -> store.find(CA))).isLessThan(Duration.ofSeconds(2));
      tpm.thaw();
      signsAtLast(keys, store);
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
  }

  @Test
  void aTpmThatHangsAfterAResetHoldsItsCallerUpForTwoSecondsAndIsFoundAgain() throws Exception {
    TpmHome keys = through("createprimary", held());
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      reset();
      Files.createFile(bin.resolve("hold"));
      assertThat(unavailable(() -> key.sign(MESSAGE))).isLessThan(Duration.ofSeconds(3));
      assertThat(store.health().state()).isEqualTo(State.GONE);
      assertThat(store.health().reason()).contains("hangs");
      Files.delete(bin.resolve("held"));
      Eventually.isTrue("it is opened beside", () -> store.health().equals(KeyStoreHealth.UP));
      assertThat(signs(key)).isTrue();
    }
  }

  @Test
  void aTurnThatTakesLongIsSeenInTheHealthBeforeItEnds() throws Exception {
    TpmHome keys = through("create", held());
    try (PrivateKeyStore store = keys.create()) {
      StoredKey made =
          whileHeld(
              () -> store.make(CA, KeyType.EC_P256),
              () -> {
                assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
                keys.pause();
                assertThat(store.health().state()).isEqualTo(State.SUSPECT);
              });
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
      assertThat(signs(made)).isTrue();
    }
  }

  @Test
  void aResetAmidTheOpeningIsNoReasonToRefuseTheStore() throws Exception {
    TpmHome keys = through("load", held());
    try (PrivateKeyStore store = keys.create()) {
      store.make(CA, KeyType.EC_P256);
    }
    try (PrivateKeyStore store = whileHeld(keys::open, this::reset)) {
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
      assertThat(signs(store.find(CA).orElseThrow())).isTrue();
    }
  }

  @Test
  void aBlobThatTheRightTpmDoesNotLoadIsRefusedForGood() throws Exception {
    TpmHome keys = new TpmHome(home, tpm);
    keys.create().close();
    byte[] header = Files.readAllBytes(keys.header());
    // In the encrypted part of the sealing key, which is the end of the file.
    header[header.length - 40] ^= 1;
    Files.write(keys.header(), header);
    assertThatThrownBy(keys::open).isInstanceOf(KeyFault.Failed.class);
  }

  @Test
  void aProgramThatTheSystemKillsMakesAnUnavailableCallAndNoFailedOne() throws Exception {
    TpmHome keys = through("sign", "[ -e " + bin + "/kill ] && kill -9 $$");
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      Files.createFile(bin.resolve("kill"));
      unavailable(() -> key.sign(MESSAGE));
      Files.delete(bin.resolve("kill"));
      assertThat(signs(key)).isTrue();
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
  }

  @Test
  void sessionsOfProcessesThatWereKilledAreEndedUntilTheTpmHasRoomAgain() throws Exception {
    TpmHome keys = new TpmHome(home, tpm).pcrs("sha256:7").keyAuth(keys().generated());
    try (PrivateKeyStore store = keys.create()) {
      store.make(CA, KeyType.EC_P256);
    }
    int left = 0;
    for (boolean full = false; !full; left++) {
      Path work =
          Files.createDirectory(
              keys.folder.resolve(".work-" + left),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      full = !startsSession(work.resolve("session.ctx"));
    }
    assertThat(left).isGreaterThan(50);
    try (PrivateKeyStore store = keys.open()) {
      signsAtLast(keys, store);
    }
    assertThat(tpm.run("tpm2_getcap", "handles-saved-session")).isEmpty();
    assertThat(keys.files()).noneMatch(file -> file.getFileName().toString().startsWith(".work"));
  }

  private TpmHome keys() {
    return new TpmHome(home, tpm);
  }

  private boolean startsSession(Path file) throws InterruptedException {
    try {
      tpm.run("tpm2_startauthsession", "--policy-session", "-S", file.toString());
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aSessionThatCannotBeEndedNowIsEndedInTheNextTurn() throws Exception {
    TpmHome keys =
        through(
            "flushcontext", "[ -e " + bin + "/kill ] && [ \"$3\" = session.ctx ] && kill -9 $$");
    keys.pcrs("sha256:7").keyAuth(keys.generated());
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      Files.createFile(bin.resolve("kill"));
      unavailable(() -> key.sign(MESSAGE));
      assertThat(tpm.run("tpm2_getcap", "handles-saved-session").lines()).hasSize(1);
      Files.delete(bin.resolve("kill"));
      assertThat(store.derive(CA)).hasSize(32);
      assertThat(tpm.run("tpm2_getcap", "handles-saved-session")).isEmpty();
      assertThat(signs(key)).isTrue();
    }
  }

  @Test
  void whatCannotBeEvictedNowIsStillKnownToBeEvictedLater() throws Exception {
    TpmHome keys = through("hmac", "[ -e %1$s/kill ] && kill -9 $(cat %1$s/kill)".formatted(bin));
    Files.writeString(bin.resolve("kill"), Long.toString(tpm.pid()));
    keys.persistent();
    assertThatThrownBy(keys::create).isInstanceOf(KeyFault.Unavailable.class);
    assertThat(keys.header()).exists();
    Files.delete(bin.resolve("kill"));
    tpm.restart();
    assertThat(tpm.run("tpm2_getcap", "handles-persistent").lines()).hasSize(1);
    keys.destroy();
    assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEmpty();
  }

  @Test
  void aKeyThatCannotBeEvictedNowIsStillKnownToBeEvictedLater() throws Exception {
    TpmHome keys = through("sign", "[ -e %1$s/kill ] && kill -9 $(cat %1$s/kill)".formatted(bin));
    try (PrivateKeyStore store = keys.persistent().create()) {
      Files.writeString(bin.resolve("kill"), Long.toString(tpm.pid()));
      unavailable(() -> store.make(CA, KeyType.EC_P256));
      Files.delete(bin.resolve("kill"));
    }
    tpm.restart();
    assertThat(tpm.run("tpm2_getcap", "handles-persistent").lines()).hasSize(2);
    keys.destroy();
    assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEmpty();
  }

  @Test
  void theGeneratedSecretOfAMakingThatWasKilledIsClearedAwayAndNobodyElsesIs() throws Exception {
    TpmHome keys = through("create", held());
    keys.keyAuth(keys.generated());
    // What is there while the TPM makes the first key is what a kill leaves.
    Path copy = home.resolve("copy");
    try (PrivateKeyStore store =
        whileHeld(
            keys::create,
            () -> {
              assertThat(keys.generated().file()).exists();
              Files.createDirectory(
                  copy,
                  PosixFilePermissions.asFileAttribute(
                      PosixFilePermissions.fromString("rwx------")));
              Files.copy(
                  keys.folder.resolve(TpmStores.GENERATED), copy.resolve(TpmStores.GENERATED));
            })) {
      assertThat(keys.folder.resolve(TpmStores.GENERATED)).doesNotExist();
      assertThat(signs(store.make(CA, KeyType.EC_P256))).isTrue();
    }
    keys.destroy();
    assertThat(keys.generated().file()).exists();

    assertThat(PrivateKeyStores.isTpm(copy)).isTrue();
    TpmSettings elsewhere = keys.settings;
    keys.keyAuth(new SealSource.GeneratedFile(keys.write("other.key", "precious")));
    Path again =
        Files.createDirectory(
            home.resolve("again"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Files.copy(copy.resolve(TpmStores.GENERATED), again.resolve(TpmStores.GENERATED));
    keys.stores.destroy(again, keys.settings);
    assertThat(home.resolve("other.key")).exists();
    keys.stores.destroy(copy, elsewhere);
    assertThat(keys.generated().file()).doesNotExist();
    assertThat(copy).isEmptyDirectory();
  }

  @Test
  void aLockedDeviceCaIsSeenInTheHealthWhateverWorksBesideIt() throws Exception {
    TpmHome keys = new TpmHome(home, tpm).pcrs("sha256:7");
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      tpm.run("tpm2_pcrextend", "7:sha256=" + "01".repeat(32));
      unavailable(() -> key.sign(MESSAGE));
      assertThat(store.derive(CA)).hasSize(32);
      assertThat(store.health().state()).isEqualTo(State.LOCKED);
    }
    try (PrivateKeyStore store = keys.open()) {
      assertThat(store.health().state()).isEqualTo(State.LOCKED);
      assertThat(store.health().reason()).contains("PCR sha256:7 changed");
      // A new authority is the way on: what was locked before matters no more.
      assertThat(signs(store.make(KeyLabel.of("device-ca", "2"), KeyType.EC_P256))).isTrue();
      assertThatThrownBy(() -> store.find(CA)).isInstanceOf(KeyFault.Unavailable.class);
      assertThat(store.derive(CA)).hasSize(32);
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
    try (PrivateKeyStore store = keys.open()) {
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
  }

  @Test
  void ofCallersThatWaitForAPauseOnlyOneTriesTheTpm() throws Exception {
    KeyFault why = new KeyFault.Unavailable("gone");
    long[] now = {0};
    TpmState moved = new TpmState(() -> now[0]);
    moved.down(State.GONE, why, true);
    assertThatThrownBy(moved::enter).isInstanceOf(KeyFault.Unavailable.class);
    now[0] = Duration.ofSeconds(2).toNanos();
    assertThat(moved.enter()).isTrue();
    assertThatThrownBy(moved::enter).isInstanceOf(KeyFault.Unavailable.class);
    moved.begin(true);
    assertThatThrownBy(() -> moved.begin(false)).isInstanceOf(KeyFault.Unavailable.class);
    moved.up();
    assertThat(moved.enter()).isFalse();
  }

  @Test
  void aClosedStoreHasWipedWhatItKnew() throws Exception {
    TpmHome keys = new TpmHome(home, tpm);
    PrivateKeyStore store = keys.create();
    TpmConnection open = Objects.requireNonNull(((TpmStore) store).connection());
    assertThat(open.ofFiles()).isNotEqualTo(new byte[32]);
    store.close();
    assertThat(open.ofFiles()).isEqualTo(new byte[32]);
  }
}
