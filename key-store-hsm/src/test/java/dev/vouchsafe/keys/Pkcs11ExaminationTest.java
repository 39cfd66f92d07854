package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vouchsafe.keys.Cryptoki.Function;
import dev.vouchsafe.keys.KeyStoreFinding.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is found where a PKCS#11 store stands, stands badly, or is yet to be made. */
class Pkcs11ExaminationTest {
  @TempDir static Path compiled;
  private static Shim shim;
  private static SoftHsm.Token token;

  @TempDir Path home;
  private Pkcs11Place place;

  @BeforeAll
  static void makeToken() throws Exception {
    shim = Shim.in(compiled);
    token = SoftHsm.here().token("examined");
  }

  @AfterAll
  static void removeToken() throws Exception {
    SoftHsm.remove(token);
  }

  @BeforeEach
  void begin() throws Exception {
    shim.reset();
    place = new Pkcs11Place(home, token, shim.library());
    place.create().close();
    shim.reset();
  }

  @AfterEach
  void end() throws Exception {
    shim.reset();
    writePin(token.pin());
    place.stores.destroy(place.folder, place.uri);
  }

  private static void writePin(String pin) throws Exception {
    Files.writeString(token.pinFile(), pin + "\n");
    Files.setPosixFilePermissions(token.pinFile(), PosixFilePermissions.fromString("rw-------"));
  }

  private List<KeyStoreFinding> examine(Pkcs11Uri uri) {
    List<KeyStoreFinding> found = place.stores.examine(place.folder, uri);
    assertThat(found.toString()).doesNotContain(token.pin());
    assertThat(found)
        .allSatisfy(
            one -> assertThat(one.remedy().isEmpty()).isEqualTo(one.outcome() == Outcome.OK));
    return found;
  }

  /** The one finding that isn't OK. */
  private static KeyStoreFinding bad(List<KeyStoreFinding> found) {
    List<KeyStoreFinding> bad = found.stream().filter(one -> one.outcome() != Outcome.OK).toList();
    assertThat(bad).as(found.toString()).hasSize(1);
    return bad.getFirst();
  }

  private Pkcs11Uri with(String old, String changed) {
    return Pkcs11Uri.parse(token.uri(shim.library()).replace(old, changed));
  }

  @Test
  void aStoreThatIsWellIsFoundStepByStepWithOneLoginAndNothingIsMade() throws Exception {
    try (PrivateKeyStore store = place.open()) {
      store.make(Pkcs11Place.CA, KeyType.EC_P256);
      store.make(KeyLabel.of("rsa"), KeyType.RSA_2048);
    }
    shim.reset();
    List<KeyStoreFinding> found = examine(place.uri);
    assertThat(found)
        .extracting(KeyStoreFinding::outcome, KeyStoreFinding::subject)
        .containsExactly(
            tuple(Outcome.OK, "folder"),
            tuple(Outcome.OK, "PIN file"),
            tuple(Outcome.OK, "library"),
            tuple(Outcome.OK, "token"),
            tuple(Outcome.OK, "mechanisms"),
            tuple(Outcome.OK, "PIN"),
            tuple(Outcome.OK, "login"),
            tuple(Outcome.OK, "store"));
    assertThat(found.get(3).detail()).contains("slot", "'examined'", token.serial(), "SoftHSM");
    assertThat(found.getLast().detail()).contains("each of 2 keys signs");
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
    assertThat(shim.calls(Function.GENERATE_KEY) + shim.calls(Function.GENERATE_KEY_PAIR)).isZero();
    assertThat(shim.calls(Function.DESTROY_OBJECT)).isZero();
  }

  @Test
  void beforeInitThatThereIsNoStoreIsNoFault() throws Exception {
    List<KeyStoreFinding> found = place.stores.examine(home.resolve("none"), place.uri);
    assertThat(found).extracting(KeyStoreFinding::outcome).containsOnly(Outcome.OK);
    assertThat(found.getFirst().detail()).contains("not there yet");
    assertThat(home.resolve("none")).doesNotExist();
  }

  @Test
  void whereTheProcessHasLoggedInThePinIsNotSaidToBeRight() throws Exception {
    try (PrivateKeyStore store = place.open()) {
      writePin("wrong-pin-99");
      KeyStoreFinding login =
          examine(place.uri).stream()
              .filter(one -> one.subject().equals("login"))
              .findFirst()
              .orElseThrow();
      assertThat(login.outcome()).isEqualTo(Outcome.OK);
      assertThat(login.detail()).contains("not tried").doesNotContain("takes the PIN");
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
  }

  @Test
  void aWrongPinIsTriedOnceAndNamed() throws Exception {
    writePin("wrong-pin-99");
    KeyStoreFinding bad = bad(examine(place.uri));
    assertThat(bad.subject()).isEqualTo("login");
    assertThat(bad.detail()).contains("refused").doesNotContain("wrong-pin-99");
    assertThat(bad.remedy()).contains("pin-source", "pkcs11-uri");
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      longs = {
        Ck.CKF_USER_PIN_LOCKED,
        Ck.CKF_USER_PIN_FINAL_TRY,
        Ck.CKF_USER_PIN_TO_BE_CHANGED,
        Ck.CKF_PROTECTED_AUTHENTICATION_PATH
      })
  void thePinIsNotTriedWhereTheTokensFlagsSayThatItMayLock(long flag) {
    shim.flags(flag, 0);
    KeyStoreFinding bad = bad(examine(place.uri));
    assertThat(bad.subject()).isEqualTo("PIN");
    assertThat(bad.remedy()).contains("pin-source");
    assertThat(shim.calls(Function.LOGIN)).isZero();
  }

  @Test
  void aPinFileThatOthersReadIsNamedAndThePinNotTried() throws Exception {
    Files.setPosixFilePermissions(token.pinFile(), PosixFilePermissions.fromString("rw-r--r--"));
    KeyStoreFinding bad = bad(examine(place.uri));
    assertThat(bad.detail()).contains("chmod 640", token.pinFile().toString());
    assertThat(bad.remedy()).contains("pin-source");
    assertThat(shim.calls(Function.LOGIN)).isZero();
  }

  @Test
  void aLibraryOrTokenThatIsNotThereIsNamedByItsAttribute() {
    KeyStoreFinding library = bad(examine(with(shim.library().toString(), home + "/none.so")));
    assertThat(library.subject()).isEqualTo("library");
    assertThat(library.remedy()).contains("module-path", "pkcs11-uri");
    KeyStoreFinding other = bad(examine(with("token=examined", "token=renamed")));
    assertThat(other.subject()).isEqualTo("token");
    assertThat(other.detail()).contains("'renamed' not found", "'examined'");
    assertThat(other.remedy()).contains("token=");
    assertThat(shim.calls(Function.LOGIN)).isZero();
  }

  @Test
  void aTokenThatIsAwayOrDoesNotAnswerIsUnavailable() {
    shim.answer(Function.GET_TOKEN_INFO, Ckr.GENERAL_ERROR);
    assertThat(bad(examine(place.uri)).outcome()).isEqualTo(Outcome.UNAVAILABLE);
    shim.reset();
    shim.answer(Function.INITIALIZE, Ckr.DEVICE_ERROR);
    KeyStoreFinding bad = bad(examine(place.uri));
    assertThat(bad.outcome()).isEqualTo(Outcome.UNAVAILABLE);
    assertThat(bad.subject()).isEqualTo("library");
  }

  @Test
  void aMechanismThatIsMissingIsNamed() {
    shim.answer(Function.GET_MECHANISM_INFO, Ckr.MECHANISM_INVALID.code(), 1, 1);
    KeyStoreFinding bad = bad(examine(place.uri));
    assertThat(bad.subject()).isEqualTo("mechanisms");
    assertThat(bad.detail()).contains("CKM_ECDSA").doesNotContain("HMAC");
  }

  @Test
  void aTokenThatIsNotTheStoresOwnIsNamed() throws Exception {
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.destroy(Ck.CKO_SECRET_KEY, place.id().ofSealingKey());
    }
    KeyStoreFinding bad = bad(examine(place.uri));
    assertThat(bad.subject()).isEqualTo("store");
    assertThat(bad.detail()).contains("another token, or was emptied");
    assertThat(bad.remedy()).contains("token=", "backup");
  }

  @Test
  void aKeyIdThatIsUsedTwiceIsNamed() throws Exception {
    try (PrivateKeyStore store = place.open()) {
      store.make(Pkcs11Place.CA, KeyType.EC_P256);
    }
    byte[] id = place.id().of(Pkcs11Place.CA);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.makePair(id);
    }
    KeyStoreFinding bad = bad(examine(place.uri));
    assertThat(bad.detail())
        .contains("several private keys", java.util.HexFormat.of().formatHex(id));
  }

  @Test
  void aFolderThatOthersReadAndADamagedStoreFileAreNamed() throws Exception {
    SoftwareFolder.chmod(place.folder, "rwxr-xr-x");
    assertThat(bad(examine(place.uri)).detail()).contains("chmod 700");
    SoftwareFolder.chmod(place.folder, "rwx------");
    Path file = place.folder.resolve(StoreId.FILE);
    byte[] good = Files.readAllBytes(file);
    Files.write(file, new byte[] {1});
    assertThat(bad(examine(place.uri)).detail()).contains("damaged", file.toString());
    Files.write(file, good);
  }
}
