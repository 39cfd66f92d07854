package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.nio.file.Path;
import java.util.EnumSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A token that logs us out while it stays there, by itself or with its only session. */
class Pkcs11LogoutTest {
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
    token = SoftHsm.here().token("logout");
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
  void close() throws Exception {
    shim.reset();
    store.close();
    place.stores.destroy(place.folder, place.uri);
  }

  /** As a token that allows so many sessions. */
  private void openWith(int sessions) throws Exception {
    store.close();
    shim.sessions(sessions);
    store = place.open();
    key = store.find(CA).orElseThrow();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void whateverASignatureFailsWithTheNextOnesAreGoodHoweverFewSessionsThereAre(int sessions)
      throws Exception {
    openWith(sessions);
    for (Ckr code : EnumSet.complementOf(EnumSet.of(Ckr.OK))) {
      Ckr.Kind kind = Ckr.kind(code.code());
      boolean passing = kind.isLost() || kind == Ckr.Kind.BUSY;
      shim.answerOnce(Function.SIGN, code);
      assertThatThrownBy(() -> key.sign(MESSAGE))
          .as(code.name())
          .isInstanceOf(passing ? KeyFault.Unavailable.class : KeyFault.Failed.class);
      place.pause();
      assertThat(Pkcs11Place.signs(key)).as(code.name()).isTrue();
      assertThat(store.find(CA)).as(code.name()).contains(key);
      assertThat(store.derive(CA)).hasSize(32);
    }
  }

  @Test
  void withOneSessionAFailureIsToldOfOneCallOnlyAndTheOthersMeanwhileAreUnavailable()
      throws Exception {
    openWith(1);
    shim.answerOnce(Function.SIGN, Ckr.DATA_INVALID);
    shim.answer(Function.LOGIN, Ckr.DEVICE_ERROR);
    assertThatThrownBy(() -> key.sign(MESSAGE)).isInstanceOf(KeyFault.Failed.class);
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> key.sign(MESSAGE)).isInstanceOf(KeyFault.Unavailable.class);
      assertThatThrownBy(() -> store.find(CA)).isInstanceOf(KeyFault.Unavailable.class);
      place.pause();
    }
    shim.pass(Function.LOGIN);
    place.pause();
    assertThat(store.find(CA)).contains(key);
  }

  @Test
  void withOneSessionABadKeyDoesNotTakeTheOthersDown() throws Exception {
    StoredKey other = store.make(KeyLabel.of("other"), KeyType.EC_P256);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.destroy(Ck.CKO_PRIVATE_KEY, place.id().of(CA));
    }
    assertThat(Pkcs11Place.signs(other)).isTrue();
    store.close();
    shim.sessions(1);
    store = place.open();
    StoredKey found = store.find(other.label()).orElseThrow();
    long logins = shim.calls(Function.LOGIN);
    for (int i = 0; i < 3; i++) {
      assertThat(store.find(CA)).isEmpty();
      assertThatThrownBy(() -> store.make(other.label(), KeyType.EC_P256))
          .isInstanceOf(KeyFault.Failed.class);
      assertThat(Pkcs11Place.signs(found)).isTrue();
    }
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(logins);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aTokenThatHasLoggedUsOutIsUnavailableAndNeverEmpty(int sessions) throws Exception {
    openWith(sessions);
    for (int i = 0; i < 3; i++) {
      assertThat(Pkcs11Place.signs(key)).isTrue();
      shim.logout();
      assertThatThrownBy(() -> store.find(CA)).isInstanceOf(KeyFault.Unavailable.class);
      place.pause();
      assertThat(store.find(CA)).contains(key);
      assertThat(store.find(KeyLabel.of("none"))).isEmpty();
    }
  }

  @Test
  void aKeyThatIsMadeWhileWeAreLoggedOutDestroysNothing() throws Exception {
    assertThat(Pkcs11Place.signs(key)).isTrue();
    shim.logout();
    shim.reset();
    assertThatThrownBy(() -> store.make(CA, KeyType.EC_P256))
        .isInstanceOf(KeyFault.Unavailable.class);
    assertThat(shim.calls(Function.DESTROY_OBJECT)).isZero();
    place.pause();
    assertThatThrownBy(() -> store.make(CA, KeyType.EC_P256))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("already");
    assertThat(Pkcs11Place.signs(key)).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"KEY_FUNCTION_NOT_PERMITTED", "USER_NOT_LOGGED_IN", "KEY_HANDLE_INVALID"})
  void aSignatureThatFailsBecauseWeAreLoggedOutIsUnavailableAndTheNextIsGood(Ckr code)
      throws Exception {
    assertThat(Pkcs11Place.signs(key)).isTrue();
    shim.logout();
    shim.answerOnce(Function.SIGN_INIT, code);
    assertThatThrownBy(() -> key.sign(MESSAGE))
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContaining("CKR_" + code);
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();
    // Of a token that we are logged in to, the same is what it says.
    if (Ckr.kind(code.code()) == Ckr.Kind.PERMANENT) {
      shim.answerOnce(Function.SIGN_INIT, code);
      assertThatThrownBy(() -> key.sign(MESSAGE)).isInstanceOf(KeyFault.Failed.class);
      assertThat(Pkcs11Place.signs(key)).isTrue();
    }
  }
}
