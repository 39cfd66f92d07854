package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A token that goes away, and what comes back. */
class Pkcs11LossTest {
  private static final KeyLabel CA = Pkcs11Place.CA;
  private static final byte[] MESSAGE = Pkcs11Place.MESSAGE;

  @TempDir static Path compiled;
  private static Shim shim;
  private static SoftHsm.Token token;

  @TempDir Path home;
  private Pkcs11Place place;
  private PrivateKeyStore store;
  private StoredKey key;

  @BeforeAll
  static void makeToken() throws Exception {
    shim = Shim.in(compiled);
    token = SoftHsm.here().token("lost");
  }

  @AfterAll
  static void removeToken() throws Exception {
    SoftHsm.remove(token);
  }

  @BeforeEach
  void open() throws Exception {
    shim.reset();
    place = new Pkcs11Place(home, token, shim.library());
    store = place.create();
    key = store.make(CA, KeyType.EC_P256);
  }

  @AfterEach
  void close() {
    shim.reset();
    store.close();
  }

  private static void assertUnavailable(Callable<?> call) {
    assertThatThrownBy(call::call).isInstanceOf(KeyFault.Unavailable.class);
  }

  @Test
  void everyCodeAtASignatureIsUnavailableOrFailedByItsListAndTheNextSignatureIsGood()
      throws Exception {
    for (Ckr code : EnumSet.complementOf(EnumSet.of(Ckr.OK))) {
      Ckr.Kind kind = Ckr.kind(code.code());
      boolean passing = kind.isLost() || kind == Ckr.Kind.BUSY;
      shim.answerOnce(Function.SIGN, code);
      assertThatThrownBy(() -> key.sign(MESSAGE))
          .isInstanceOf(passing ? KeyFault.Unavailable.class : KeyFault.Failed.class)
          .hasMessageContainingAll(token.label(), "C_Sign", "CKR_" + code);
      place.pause();
      assertThat(Pkcs11Place.signs(key)).isTrue();
      assertThat(store.find(CA).orElseThrow()).isSameAs(key);
    }
  }

  @Test
  void aLibraryThatCouldNotBeFinalizedIsStillOursAndBeginsAnewBeforeItsNextUse() throws Exception {
    shim.reset();
    shim.answerOnce(Function.FINALIZE, Ckr.FUNCTION_FAILED);
    store.close();
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(1);
    store = place.open();
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(2);
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
    assertThat(Pkcs11Place.signs(store.find(CA).orElseThrow())).isTrue();

    shim.answer(Function.FINALIZE, Ckr.FUNCTION_FAILED);
    store.close();
    store = place.open();
    assertThat(Pkcs11Place.signs(store.find(CA).orElseThrow())).isTrue();
    shim.reset();
    store.close();
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(1);
    store = place.open();
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(1);
  }

  @Test
  void aLibraryThatIsFinalizedAlreadyIsNotFinalizedTwice() throws Exception {
    shim.reset();
    shim.finish();
    store.close();
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(1);
    store = place.open();
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(1);
    assertThat(Pkcs11Place.signs(store.find(CA).orElseThrow())).isTrue();
  }

  @Test
  void aCodeOfAVendorMeansALostToken() throws Exception {
    shim.answer(Function.SIGN_INIT, 0x80000042L, 0, 1);
    assertThatThrownBy(() -> key.sign(MESSAGE))
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContaining("0x80000042");
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();
  }

  @Test
  void whileTheTokenIsAwayEveryCallIsUnavailableAtOnceAndTheTokenIsNotAskedEachTime()
      throws Exception {
    byte[] sealed = store.seal(CA, MESSAGE);
    byte[] derived = store.derive(CA);
    for (Function function : List.of(Function.SIGN_INIT, Function.OPEN_SESSION)) {
      shim.answer(function, Ckr.DEVICE_REMOVED);
    }
    assertUnavailable(() -> key.sign(MESSAGE));
    assertUnavailable(() -> store.find(CA));
    place.pause();
    long before = shim.calls(Function.OPEN_SESSION);
    for (int i = 0; i < 100; i++) {
      assertUnavailable(() -> key.sign(MESSAGE));
      assertUnavailable(() -> store.find(CA));
      assertUnavailable(() -> store.make(KeyLabel.of("new"), KeyType.EC_P256));
      assertUnavailable(() -> store.derive(CA));
      assertUnavailable(() -> store.seal(CA, MESSAGE));
      assertUnavailable(() -> store.unseal(CA, sealed));
    }
    assertThat(shim.calls(Function.OPEN_SESSION)).isEqualTo(before);

    place.pause();
    assertThat(shim.calls(Function.OPEN_SESSION)).isEqualTo(before + 1);
    assertUnavailable(() -> key.sign(MESSAGE));

    shim.pass(Function.SIGN_INIT);
    shim.pass(Function.OPEN_SESSION);
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();
    assertThat(store.derive(CA)).isEqualTo(derived);
    assertThat(store.unseal(CA, sealed)).isEqualTo(MESSAGE);
  }

  @Test
  void afterALossTheLibraryBeginsAnewAndThePinIsTriedOnce() throws Exception {
    shim.reset();
    shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
    assertUnavailable(() -> key.sign(MESSAGE));
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(1);
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();
    assertThat(shim.calls(Function.INITIALIZE)).isEqualTo(1);
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
  }

  @Test
  void aTokenWhoseFolderIsMovedAwayAndBackIsUsedAgain() throws Exception {
    Path away = token.folder().resolve("../../away").normalize();
    for (int round = 0; round < 5; round++) {
      Files.move(token.folder(), away);
      assertUnavailable(() -> key.sign(MESSAGE));
      place.pause();
      assertThatThrownBy(() -> key.sign(MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class)
          .hasMessageContainingAll(token.label(), "not found");
      Files.move(away, token.folder());
      place.pause();
      assertThat(Pkcs11Place.signs(key)).isTrue();
    }
  }

  @Test
  void aStoreOpensWhileItsTokenIsAwayAndWorksWhenItIsThere() throws Exception {
    store.close();
    Path away = token.folder().resolve("../../away").normalize();
    Files.move(token.folder(), away);
    store = place.open();
    assertUnavailable(() -> store.find(CA));
    assertThat(store.describe().location()).contains(token.label());
    Files.move(away, token.folder());
    place.pause();
    StoredKey found = store.find(CA).orElseThrow();
    assertThat(found.publicKey()).isEqualTo(key.publicKey());
    assertThat(Pkcs11Place.signs(found)).isTrue();
  }

  @Test
  void anotherKeyThatWasPutUnderTheSameIdMeanwhileIsNeverUsedAndTheRightOneIsWhenItIsBack()
      throws Exception {
    Path kept = Folders.copy(token.folder(), home.resolve("kept"));
    byte[] derived = store.derive(CA);
    byte[] id = place.id().of(CA);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.destroy(Ck.CKO_PRIVATE_KEY, id);
      visit.destroy(Ck.CKO_PUBLIC_KEY, id);
      visit.makePair(id);
    }
    assertUnavailable(() -> key.sign(MESSAGE));
    for (int i = 0; i < 3; i++) {
      place.pause();
      assertThatThrownBy(() -> key.sign(MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class)
          .hasMessageContainingAll("another key", CA.toString(), token.label());
      assertUnavailable(() -> store.find(CA));
      assertUnavailable(() -> store.derive(CA));
      assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.GONE);
      assertThat(store.health().reason()).contains("another key");
    }
    Folders.delete(token.folder());
    place.pause();
    assertThat(store.health().reason()).contains("not found");
    Folders.copy(kept, token.folder());
    place.pause();
    assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    assertThat(Pkcs11Place.signs(key)).isTrue();
    assertThat(store.derive(CA)).isEqualTo(derived);
  }

  @Test
  void aTokenWithAnotherSealingKeyUnderTheIdOfOursIsNeverUsed() throws Exception {
    Path kept = Folders.copy(token.folder(), home.resolve("kept"));
    byte[] sealed = store.seal(CA, MESSAGE);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.destroy(Ck.CKO_SECRET_KEY, place.id().ofSealingKey());
      new TokenObjects(place.id(), "foreign", Pkcs11Place.CRYPTO).makeSealingKey(visit.session());
    }
    shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
    assertUnavailable(() -> key.sign(MESSAGE));
    place.pause();
    assertThatThrownBy(() -> store.seal(CA, MESSAGE))
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContaining("another sealing key");
    Folders.delete(token.folder());
    Folders.copy(kept, token.folder());
    place.pause();
    assertThat(store.unseal(CA, sealed)).isEqualTo(MESSAGE);
  }

  @Test
  void aSecondKeyUnderTheSameIdIsNamedAndNeitherIsUsedUntilItIsRemoved() throws Exception {
    Path kept = Folders.copy(token.folder(), home.resolve("kept"));
    byte[] id = place.id().of(CA);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.makePair(id);
    }
    shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
    assertUnavailable(() -> key.sign(MESSAGE));
    place.pause();
    assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.GONE);
    assertThat(store.health().reason())
        .contains("several private keys", java.util.HexFormat.of().formatHex(id));
    assertUnavailable(() -> key.sign(MESSAGE));
    Folders.delete(token.folder());
    Folders.copy(kept, token.folder());
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();
  }

  @Test
  void aTokenThatWasRenamedIsGoneUnderItsNewNameAndTheSettingIsNamed() throws Exception {
    shim.rename("renamed");
    shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
    assertUnavailable(() -> key.sign(MESSAGE));
    place.pause();
    assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.GONE);
    assertThat(store.health().reason())
        .contains("renamed to 'renamed'", "pkcs11-uri", "token=", token.serial());
    shim.rename("");
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();
  }

  @Test
  void aKeyThatWasDestroyedMeanwhileIsFailedAndDoesNotTakeTheOthersDown() throws Exception {
    StoredKey other = store.make(KeyLabel.of("other"), KeyType.EC_P256);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.destroy(Ck.CKO_PRIVATE_KEY, place.id().of(CA));
    }
    assertUnavailable(() -> key.sign(MESSAGE));
    place.pause();
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> key.sign(MESSAGE))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("no longer in the token");
      assertThat(Pkcs11Place.signs(other)).isTrue();
    }
    assertThat(store.find(CA)).isEmpty();
  }

  @Test
  void aTokenThatCameBackEmptyIsFailed() throws Exception {
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.destroy(Ck.CKO_SECRET_KEY, place.id().ofSealingKey());
    }
    assertUnavailable(() -> store.derive(CA));
    place.pause();
    assertThatThrownBy(() -> store.derive(CA))
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContainingAll(token.label(), "holds no keys of this key store");
    assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.GONE);
    store.close();
    assertThatThrownBy(() -> place.open())
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("holds no keys of this key store");
  }

  @Test
  void twoStoresInOneLibraryAreLostAndComeBackTogether() throws Exception {
    Path otherHome = Files.createDirectory(home.resolve("other"));
    Pkcs11Place other = new Pkcs11Place(otherHome, token, shim.library());
    try (PrivateKeyStore second = other.create()) {
      StoredKey secondKey = second.make(CA, KeyType.EC_P256);
      Path away = token.folder().resolve("../../away").normalize();
      Files.move(token.folder(), away);
      assertUnavailable(() -> key.sign(MESSAGE));
      assertUnavailable(() -> secondKey.sign(MESSAGE));
      Files.move(away, token.folder());
      place.pause();
      other.pause();
      assertThat(Pkcs11Place.signs(key)).isTrue();
      assertThat(Pkcs11Place.signs(secondKey)).isTrue();
    }
    assertThat(Pkcs11Place.signs(key)).isTrue();
  }

  @Test
  void aStoreThatOpensAnewPullsNothingFromUnderAnotherOne() throws Exception {
    Path otherHome = Files.createDirectory(home.resolve("other"));
    Pkcs11Place other = new Pkcs11Place(otherHome, token, shim.library());
    try (PrivateKeyStore second = other.create()) {
      StoredKey secondKey = second.make(CA, KeyType.EC_P256);
      shim.reset();
      shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
      assertUnavailable(() -> key.sign(MESSAGE));
      place.pause();
      assertThat(Pkcs11Place.signs(key)).isTrue();
      assertThat(Pkcs11Place.signs(secondKey)).isTrue();
      assertThat(shim.calls(Function.FINALIZE)).isZero();
      store.close();
      assertThat(Pkcs11Place.signs(secondKey)).isTrue();
    }
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(1);
  }

  @Test
  void whileTheTokenIsOpenedAnewCallersAreToldAtOnce() throws Exception {
    shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
    assertUnavailable(() -> key.sign(MESSAGE));
    assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.SUSPECT);
    shim.hold(Function.LOGIN);
    AtOnce.run(
        List.of(
            () -> {
              place.pause();
              return true;
            },
            () -> {
              shim.awaitHeld(1);
              for (int i = 0; i < 50; i++) {
                assertUnavailable(() -> key.sign(MESSAGE));
                assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.REOPENING);
              }
              shim.release(Function.LOGIN);
              return true;
            }));
    assertThat(Pkcs11Place.signs(key)).isTrue();
    assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
  }

  @Test
  void aCloseWhileTheTokenIsOpenedAnewLeavesNothingOpen() throws Exception {
    shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
    assertUnavailable(() -> key.sign(MESSAGE));
    shim.hold(Function.LOGIN);
    AtOnce.run(
        List.of(
            () -> {
              place.pause();
              return true;
            },
            () -> {
              shim.awaitHeld(1);
              store.close();
              shim.release(Function.LOGIN);
              return true;
            }));
    assertUnavailable(() -> key.sign(MESSAGE));
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(shim.calls(Function.INITIALIZE));
  }

  @Test
  void aLossBesideManySignersYieldsSignaturesOrUnavailableAndHeals() throws Exception {
    Callable<Boolean> signer =
        () -> {
          int good = 0;
          while (good < 200) {
            try {
              if (!Pkcs11Place.signs(key)) {
                return false;
              }
              good++;
            } catch (KeyFault.Unavailable e) {
              place.pause();
            }
          }
          return true;
        };
    shim.answer(Function.SIGN, Ckr.DEVICE_ERROR.code(), 100, 3);
    shim.answer(Function.SIGN_INIT, Ckr.SESSION_HANDLE_INVALID.code(), 250, 5);
    assertThat(AtOnce.run(List.of(signer, signer, signer, signer))).containsOnly(true);
  }

  @Test
  void moreSignersThanSessionsWaitForOneAndAreAllServed() throws Exception {
    shim.reset();
    List<Boolean> results =
        AtOnce.everyThread(
            20,
            () -> {
              boolean good = true;
              for (int i = 0; i < 10; i++) {
                good &= Pkcs11Place.signs(key);
              }
              return good;
            });
    assertThat(results).hasSize(20).containsOnly(true);
    assertThat(shim.calls(Function.OPEN_SESSION))
        .isLessThanOrEqualTo(Runtime.getRuntime().availableProcessors());
  }
}
