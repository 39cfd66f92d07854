package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tokens that are really taken away and put back, in real time and without anybody's help. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Pkcs11RecoveryTest {
  private static final KeyLabel CA = Pkcs11Place.CA;
  private static final byte[] MESSAGE = Pkcs11Place.MESSAGE;
  private static final int FEW = 6;
  private static final int MANY = 50;

  /** Far more than any should take, and far less than a hang. */
  private static final Duration NEVER_A_HANG = Duration.ofSeconds(5);

  /** Nobody waits a second for "unavailable", and something for a busy machine. */
  private static final Duration SOON = Duration.ofMillis(1500);

  private static SoftHsm.Token token;
  private static SoftHsm.Token other;

  @TempDir Path home;

  @BeforeAll
  static void makeTokens() throws Exception {
    token = SoftHsm.here().token("comes-back");
    other = SoftHsm.here().token("stays");
  }

  @AfterAll
  static void removeTokens() throws Exception {
    SoftHsm.remove(token);
    SoftHsm.remove(other);
  }

  /** A way to lose a token. */
  private interface Loss {
    void lose() throws Exception;

    void comeBack() throws Exception;
  }

  private Pkcs11Uri uri(SoftHsm.Token of, Path library) {
    return Pkcs11Uri.parse(of.uri(library));
  }

  private PrivateKeyStore create(String name, Pkcs11Uri uri) throws Exception {
    return PrivateKeyStores.createPkcs11(home.resolve(name), uri, Pkcs11Place.CRYPTO);
  }

  private static Duration assertUnavailableSoon(StoredKey key) {
    long start = System.nanoTime();
    assertThatThrownBy(() -> key.sign(MESSAGE)).isInstanceOf(KeyFault.Unavailable.class);
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    assertThat(took).isLessThan(SOON);
    return took;
  }

  /** Loses it and waits that often; nothing may grow. */
  private static void cycles(
      String name, int count, PrivateKeyStore store, StoredKey key, Loss loss) throws Exception {
    List<Duration> back = new ArrayList<>();
    List<Duration> told = new ArrayList<>();
    Footprint before = Footprint.now();
    for (int i = 0; i < count; i++) {
      if (i == 2) {
        before = Footprint.now();
      }
      loss.lose();
      told.add(assertUnavailableSoon(key));
      Eventually.isTrue("gone", () -> store.health().state() == KeyStoreHealth.State.GONE);
      told.add(assertUnavailableSoon(key));
      loss.comeBack();
      back.add(Eventually.signs(key));
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
    Footprint after = Footprint.now();
    back.sort(Comparator.naturalOrder());
    System.out.printf(
        "%s: %d losses; first signature after the return: middle %d ms, longest %d ms; longest"
            + " 'unavailable' %d ms; file descriptors %+d, threads %+d, maps %+d, resident %+d KiB%n",
        name,
        count,
        back.get(count / 2).toMillis(),
        back.getLast().toMillis(),
        told.stream().max(Comparator.naturalOrder()).orElseThrow().toMillis(),
        after.files() - before.files(),
        after.threads() - before.threads(),
        after.maps() - before.maps(),
        (after.resident() - before.resident()) / 1024);
    assertThat(back.getLast()).isLessThan(NEVER_A_HANG);
    // What the JVM itself makes now and then is in it: a leak would be one for each loss or more.
    assertThat(after.files() - before.files()).isLessThan(Math.max(4, count / 2));
    assertThat(after.threads() - before.threads()).isLessThan(Math.max(8, count / 2));
    assertThat(after.maps() - before.maps()).isLessThan(Math.max(40, count));
  }

  private Loss movedFolder(SoftHsm.Token of) {
    Path away = home.resolve("away");
    return new Loss() {
      @Override
      public void lose() throws Exception {
        Files.move(of.folder(), away);
      }

      @Override
      public void comeBack() throws Exception {
        Files.move(away, of.folder());
      }
    };
  }

  private void softHsmMovedAwayAndBack(int count) throws Exception {
    Shim shim = Shim.in(Files.createDirectory(home.resolve("shim")));
    try (PrivateKeyStore store = create("keys", uri(token, shim.library()))) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      cycles("SoftHSM2 moved away", count, store, key, movedFolder(token));
    } finally {
      PrivateKeyStores.destroyPkcs11(home.resolve("keys"), uri(token, shim.library()));
    }
  }

  @Test
  void aTokenWhoseFolderIsMovedAwayComesBackByItself() throws Exception {
    softHsmMovedAwayAndBack(FEW);
  }

  @Test
  @Tag("fault")
  void aTokenWhoseFolderIsMovedAwayComesBackByItselfFiftyTimes() throws Exception {
    softHsmMovedAwayAndBack(MANY);
  }

  /** A copy of p11-kit's client that talks to that server, whatever the others talk to. */
  private Path client(P11KitServer server) throws Exception {
    Path copy = Files.copy(P11KitServer.client(), home.resolve("p11-kit-client.so"));
    ProcessEnvironment.set("P11_KIT_SERVER_ADDRESS", server.address());
    try {
      CryptokiLibrary.at(
          copy, new SecureFiles(SoftwareStores.effectiveUser(), new java.security.SecureRandom()));
    } finally {
      ProcessEnvironment.set("P11_KIT_SERVER_ADDRESS", null);
    }
    return copy;
  }

  private static Loss killed(P11KitServer server) {
    return new Loss() {
      @Override
      public void lose() {
        server.kill();
      }

      @Override
      public void comeBack() throws Exception {
        server.start();
      }
    };
  }

  private void serverKilledAndStarted(int count) throws Exception {
    try (P11KitServer server = new P11KitServer(home.resolve("s"), SoftHsm.here())) {
      server.start();
      Path library = client(server);
      try (PrivateKeyStore store = create("keys", uri(token, library))) {
        StoredKey key = store.make(CA, KeyType.EC_P256);
        cycles("p11-kit server killed", count, store, key, killed(server));
      } finally {
        PrivateKeyStores.destroyPkcs11(home.resolve("keys"), uri(token, library));
      }
    }
  }

  @Test
  void aTokenBehindAServerThatIsKilledComesBackByItself() throws Exception {
    serverKilledAndStarted(FEW);
  }

  @Test
  @Tag("fault")
  void aTokenBehindAServerThatIsKilledComesBackByItselfFiftyTimes() throws Exception {
    serverKilledAndStarted(MANY);
  }

  private void removedDevice(int count) throws Exception {
    Shim shim = Shim.in(Files.createDirectory(home.resolve("shim")));
    Ckr[] codes = {
      Ckr.DEVICE_REMOVED,
      Ckr.SESSION_HANDLE_INVALID,
      Ckr.USER_NOT_LOGGED_IN,
      Ckr.OBJECT_HANDLE_INVALID,
      Ckr.TOKEN_NOT_PRESENT
    };
    int[] round = {0};
    try (PrivateKeyStore store = create("keys", uri(token, shim.library()))) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      Loss loss =
          new Loss() {
            @Override
            public void lose() {
              Ckr code = codes[round[0]++ % codes.length];
              for (Function function : List.of(Function.SIGN_INIT, Function.OPEN_SESSION)) {
                shim.answer(function, code);
              }
            }

            @Override
            public void comeBack() {
              shim.reset();
            }
          };
      cycles("answers of a removed device", count, store, key, loss);
    } finally {
      shim.reset();
      PrivateKeyStores.destroyPkcs11(home.resolve("keys"), uri(token, shim.library()));
    }
  }

  @Test
  void aDeviceThatIsRemovedAndPutInComesBackByItself() throws Exception {
    removedDevice(FEW);
  }

  @Test
  @Tag("fault")
  void aDeviceThatIsRemovedAndPutInComesBackByItselfFiftyTimes() throws Exception {
    removedDevice(MANY);
  }

  /** Work in a store. */
  private interface Check {
    boolean holds() throws Exception;
  }

  /** On a busy machine the token is open again too late for some, and they are told so. */
  private static void showsToNobody(Shim shim, Function call, Ckr code, Check check)
      throws Exception {
    Eventually.isTrue(
        code + " in " + call + " shows to nobody",
        () -> {
          shim.answerOnce(call, code);
          try {
            return check.holds();
          } catch (KeyFault.Unavailable late) {
            return false;
          }
        });
  }

  @Test
  void aSessionThatEndsShowsToNobody() throws Exception {
    Shim shim = Shim.in(Files.createDirectory(home.resolve("shim")));
    try (PrivateKeyStore store = create("keys", uri(token, shim.library()))) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      for (Ckr code :
          List.of(Ckr.SESSION_HANDLE_INVALID, Ckr.USER_NOT_LOGGED_IN, Ckr.DEVICE_REMOVED)) {
        showsToNobody(shim, Function.SIGN, code, () -> Pkcs11Place.signs(key));
        showsToNobody(shim, Function.SIGN_INIT, code, () -> store.derive(CA).length == 32);
        showsToNobody(
            shim, Function.FIND_OBJECTS_INIT, code, () -> store.find(CA).equals(Optional.of(key)));
      }
    } finally {
      PrivateKeyStores.destroyPkcs11(home.resolve("keys"), uri(token, shim.library()));
    }
  }

  @Test
  void aWrongPinIsTriedOnceHoweverLongTheWatcherTriesAndMendedByItsFile() throws Exception {
    Shim shim = Shim.in(Files.createDirectory(home.resolve("shim")));
    try (PrivateKeyStore store = create("keys", uri(token, shim.library()))) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      Files.writeString(token.pinFile(), "not-the-pin\n");
      shim.reset();
      shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
      assertThatThrownBy(() -> key.sign(MESSAGE)).isInstanceOf(KeyFault.Unavailable.class);
      Eventually.isTrue("locked", () -> store.health().state() == KeyStoreHealth.State.LOCKED);
      long asked = shim.calls(Function.GET_TOKEN_INFO);
      Eventually.isTrue("tried again", () -> shim.calls(Function.GET_TOKEN_INFO) > asked + 5);
      assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
      Files.writeString(token.pinFile(), token.pin() + "\n");
      Eventually.signs(key);
      assertThat(shim.calls(Function.LOGIN)).isEqualTo(2);
    } finally {
      Files.writeString(token.pinFile(), token.pin() + "\n");
      PrivateKeyStores.destroyPkcs11(home.resolve("keys"), uri(token, shim.library()));
    }
  }

  @Test
  void twoTokensOfOneLibraryAreUsedSideBySideAndOneIsLostWhileTheOtherSignsOn() throws Exception {
    Shim shim = Shim.in(Files.createDirectory(home.resolve("shim")));
    Loss loss = movedFolder(token);
    try (PrivateKeyStore lost = create("lost", uri(token, shim.library()));
        PrivateKeyStore kept = create("kept", uri(other, shim.library()))) {
      StoredKey lostKey = lost.make(CA, KeyType.EC_P256);
      StoredKey keptKey = kept.make(CA, KeyType.EC_P256);
      for (int i = 0; i < 3; i++) {
        loss.lose();
        assertUnavailableSoon(lostKey);
        for (int n = 0; n < 200; n++) {
          assertThat(Pkcs11Place.signs(keptKey)).isTrue();
        }
        loss.comeBack();
        Duration back = Eventually.signs(lostKey);
        System.out.println("beside a token that stays, the other was back after " + back);
        assertThat(Pkcs11Place.signs(keptKey)).isTrue();
      }
    } finally {
      PrivateKeyStores.destroyPkcs11(home.resolve("lost"), uri(token, shim.library()));
      PrivateKeyStores.destroyPkcs11(home.resolve("kept"), uri(other, shim.library()));
    }
  }

  @Test
  void twoLibrariesInOneProcessDoNotKnowOfEachOther() throws Exception {
    try (P11KitServer server = new P11KitServer(home.resolve("s"), SoftHsm.here())) {
      server.start();
      Path library = client(server);
      try (PrivateKeyStore lost = create("lost", uri(token, library));
          PrivateKeyStore kept = create("kept", uri(other, SoftHsm.library()))) {
        StoredKey lostKey = lost.make(CA, KeyType.EC_P256);
        StoredKey keptKey = kept.make(CA, KeyType.EC_P256);
        server.kill();
        assertUnavailableSoon(lostKey);
        for (int n = 0; n < 200; n++) {
          assertThat(Pkcs11Place.signs(keptKey)).isTrue();
        }
        server.start();
        Eventually.signs(lostKey);
      } finally {
        PrivateKeyStores.destroyPkcs11(home.resolve("lost"), uri(token, library));
        PrivateKeyStores.destroyPkcs11(home.resolve("kept"), uri(other, SoftHsm.library()));
      }
    }
  }

  @Test
  void twoStoresBehindOneServerComeBackThoughOnlyOneOfThemIsUsed() throws Exception {
    try (P11KitServer server = new P11KitServer(home.resolve("s"), SoftHsm.here())) {
      server.start();
      Path library = client(server);
      try (PrivateKeyStore used = create("used", uri(token, library));
          PrivateKeyStore idle = create("idle", uri(other, library))) {
        StoredKey usedKey = used.make(CA, KeyType.EC_P256);
        StoredKey idleKey = idle.make(CA, KeyType.EC_P256);
        for (int i = 0; i < 3; i++) {
          server.kill();
          assertUnavailableSoon(usedKey);
          server.start();
          Duration back = Eventually.signs(usedKey);
          System.out.println("beside an idle store of the same library: back after " + back);
        }
        Eventually.isTrue("idle one up", () -> idle.health().equals(KeyStoreHealth.UP));
        assertThat(Pkcs11Place.signs(idleKey)).isTrue();
      } finally {
        PrivateKeyStores.destroyPkcs11(home.resolve("used"), uri(token, library));
        PrivateKeyStores.destroyPkcs11(home.resolve("idle"), uri(other, library));
      }
    }
  }
}
