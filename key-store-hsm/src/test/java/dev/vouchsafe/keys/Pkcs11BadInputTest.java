package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Libraries, tokens, PINs and folders that are not as they should be: named, nothing half made. */
class Pkcs11BadInputTest {
  @TempDir static Path compiled;
  private static Shim shim;
  private static SoftHsm.Token token;
  private static SoftHsm.Token twin;
  private static SoftHsm.Token twinToo;

  @TempDir Path home;
  private Pkcs11Place place;

  @BeforeAll
  static void makeTokens() throws Exception {
    shim = Shim.in(compiled);
    SoftHsm hsm = SoftHsm.here();
    token = hsm.token("bad");
    twin = hsm.token("twin");
    twinToo = hsm.token("twin");
  }

  @AfterAll
  static void removeTokens() throws Exception {
    for (SoftHsm.Token made : new SoftHsm.Token[] {token, twin, twinToo}) {
      SoftHsm.remove(made);
    }
  }

  @BeforeEach
  void begin() {
    shim.reset();
    place = new Pkcs11Place(home, token, shim.library());
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    shim.reset();
    writePin(token.pin(), "rw-------");
    try (TokenVisit visit = TokenVisit.to(token)) {
      assertThat(visit.count()).isZero();
    }
  }

  private Path writePin(String text, String mode) throws Exception {
    Files.deleteIfExists(token.pinFile());
    Files.writeString(token.pinFile(), text);
    return Files.setPosixFilePermissions(token.pinFile(), PosixFilePermissions.fromString(mode));
  }

  /** With other attributes than the token's own. */
  private Pkcs11Uri uri(Map<String, String> changes) {
    String uri = token.uri(shim.library());
    for (Map.Entry<String, String> change : changes.entrySet()) {
      uri = uri.replace(change.getKey(), change.getValue());
    }
    return Pkcs11Uri.parse(uri);
  }

  private void assertNotCreated(Pkcs11Uri uri, String... words) {
    assertThatThrownBy(() -> place.stores.create(place.folder, uri, Pkcs11Place.CRYPTO))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContainingAll(words)
        .hasMessageNotContaining(token.pin());
    assertThat(place.folder).doesNotExist();
  }

  private void assertNotCreated(String... words) {
    assertNotCreated(place.uri, words);
  }

  @Test
  void aLibraryThatIsNotThereIsNoLibraryOrIsNoPkcs11LibraryIsNamed() throws Exception {
    Path text = Files.writeString(home.resolve("text.so"), "no library");
    String library = shim.library().toString();
    assertNotCreated(uri(Map.of(library, home + "/none.so")), "module-path", "none.so", "exist");
    assertNotCreated(uri(Map.of(library, text.toString())), "module-path", "text.so", "loaded");
    assertNotCreated(uri(Map.of(library, home.toString())), "module-path", "not a regular file");
    Path libc = Path.of("/lib/x86_64-linux-gnu/libc.so.6");
    Path arm = Path.of("/lib/aarch64-linux-gnu/libc.so.6");
    assertNotCreated(
        uri(Map.of(library, (Files.exists(libc) ? libc : arm).toString())),
        "module-path",
        "no PKCS#11 library",
        "C_GetFunctionList");
  }

  @Test
  void aLibraryThatAnybodyMayWriteIsRefused() throws Exception {
    Path open = Files.copy(SoftHsm.library(), home.resolve("open.so"));
    SoftwareFolder.chmod(open, "rwxrwxrwx");
    assertNotCreated(
        uri(Map.of(shim.library().toString(), open.toString())), "module-path", "chmod o-w");
  }

  @Test
  void aLibraryInAFolderThatAnybodyMayWriteIsRefusedHoweverHigh() throws Exception {
    Path high = Files.createDirectories(home.resolve("high"));
    Path low = Files.createDirectories(high.resolve("middle/low"));
    Path file = Files.copy(SoftHsm.library(), low.resolve("p11.so"));
    Path link = Files.createSymbolicLink(home.resolve("link.so"), file);
    for (Path open : List.of(low, high)) {
      SoftwareFolder.chmod(open, "rwxrwxrwx");
      for (Path path : List.of(file, link)) {
        assertNotCreated(
            uri(Map.of(shim.library().toString(), path.toString())),
            "module-path",
            "chmod o-w " + open.toRealPath());
      }
      SoftwareFolder.chmod(open, "rwxr-xr-x");
    }
  }

  @Test
  void aLibraryInAStickyFolderIsTakenAsLongAsWhatIsInItBelongsToUs() throws Exception {
    SecureFiles files = new SecureFiles(SoftwareStores.effectiveUser(), new SecureRandom());
    Path sticky = Files.createDirectories(home.resolve("sticky"));
    Path own = Files.createDirectories(sticky.resolve("own"));
    Path file = Files.writeString(own.resolve("p11.so"), "").toRealPath();
    Files.setAttribute(sticky, "unix:mode", 01777);
    files.checkProgram(file);
    if (SoftwareStores.effectiveUser() == 0) {
      Files.setAttribute(own, "unix:uid", 12345);
      assertThatThrownBy(() -> files.checkProgram(file))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContainingAll("chown", own.toString());
    } else {
      SecureFiles others = new SecureFiles(SoftwareStores.effectiveUser() + 1, new SecureRandom());
      assertThatThrownBy(() -> others.checkProgram(file)).isInstanceOf(KeyFault.Failed.class);
    }
  }

  @Test
  void aTokenThatIsNotThereIsFailedAndTheOthersAreNamed() {
    assertNotCreated(
        uri(Map.of("token=bad", "token=nobody")),
        "token 'nobody' not found",
        "'bad' (serial " + token.serial() + ")",
        "'twin'");
    assertNotCreated(uri(Map.of("token=bad", "token=bad;serial=0")), "not found");
    assertNotCreated(uri(Map.of("token=bad", "token=bad;manufacturer=Acme")), "not found");
    assertNotCreated(uri(Map.of("token=bad", "token=bad;model=x")), "not found");
    assertNotCreated(uri(Map.of("token=bad", "token=bad;slot-id=999999")), "none");
  }

  @Test
  void ofTwoTokensWithOneLabelTheSerialChooses() throws Exception {
    Pkcs11Uri both = Pkcs11Uri.parse(twinToo.uri(shim.library()));
    assertNotCreated(both, "means several", "serial=", twin.serial(), twinToo.serial());
    Pkcs11Uri one =
        Pkcs11Uri.parse(
            twinToo.uri(shim.library()).replace("token=twin", "serial=" + twinToo.serial()));
    try (PrivateKeyStore store = place.stores.create(place.folder, one, Pkcs11Place.CRYPTO)) {
      assertThat(store.describe().location()).contains(twinToo.serial());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {Ck.CKF_TOKEN_INITIALIZED, Ck.CKF_USER_PIN_INITIALIZED})
  void aTokenThatIsNotReadyForUsIsNeverLoggedInTo(long flag) {
    shim.flags(0, flag);
    assertNotCreated("token 'bad'", flag == Ck.CKF_TOKEN_INITIALIZED ? "initialized" : "user PIN");
    assertThat(shim.calls(Function.LOGIN)).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      longs = {
        Ck.CKF_USER_PIN_LOCKED,
        Ck.CKF_USER_PIN_FINAL_TRY,
        Ck.CKF_USER_PIN_TO_BE_CHANGED,
        Ck.CKF_PROTECTED_AUTHENTICATION_PATH
      })
  void aTokenWhosePinIsLockedOrOneTryFromItIsNeverLoggedInTo(long flag) {
    shim.flags(flag, 0);
    assertNotCreated("token 'bad'", "PIN");
    assertThat(shim.calls(Function.LOGIN)).isZero();
  }

  @Test
  void aWriteProtectedTokenTakesNoNewStoreAndNoNewKey() throws Exception {
    shim.flags(Ck.CKF_WRITE_PROTECTED, 0);
    assertNotCreated("token 'bad'", "write-protected");
    shim.reset();
    try (PrivateKeyStore store = place.create()) {
      store.make(Pkcs11Place.CA, KeyType.EC_P256);
    }
    shim.flags(Ck.CKF_WRITE_PROTECTED, 0);
    try (PrivateKeyStore store = place.open()) {
      assertThat(Pkcs11Place.signs(store.find(Pkcs11Place.CA).orElseThrow())).isTrue();
      assertThatThrownBy(() -> store.make(KeyLabel.of("new"), KeyType.EC_P256))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("write-protected");
    }
    shim.reset();
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aWrongPinIsTriedOnceAtCreateAndAtOpen() throws Exception {
    writePin("wrong-pin-99", "rw-------");
    assertNotCreated("pin-source", token.pinFile().toString(), "refused", "CKR_PIN_INCORRECT");
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
    writePin(token.pin(), "rw-------");
    place.create().close();
    writePin("wrong-pin-99", "rw-------");
    shim.reset();
    assertThatThrownBy(place::open)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("pin-source")
        .hasMessageNotContaining("wrong-pin-99");
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
    writePin(token.pin(), "rw-------");
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aPinThatBecameWrongIsTriedOnceUntilTheFileIsCorrected() throws Exception {
    try (PrivateKeyStore store = place.create()) {
      StoredKey key = store.make(Pkcs11Place.CA, KeyType.EC_P256);
      writePin("wrong-pin-99", "rw-------");
      shim.reset();
      shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
      assertThatThrownBy(() -> key.sign(Pkcs11Place.MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class);
      for (int i = 0; i < 20; i++) {
        place.pause();
        assertThatThrownBy(() -> key.sign(Pkcs11Place.MESSAGE))
            .isInstanceOf(KeyFault.Unavailable.class)
            .hasMessageContaining("pin-source")
            .hasMessageNotContaining("wrong-pin-99");
      }
      assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
      assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.LOCKED);
      assertThat(store.health().reason())
          .contains("pin-source", "not tried a second time")
          .doesNotContain("wrong-pin-99");
      writePin("wrong-pin-98", "rw-------");
      place.pause();
      assertThatThrownBy(() -> key.sign(Pkcs11Place.MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class);
      assertThat(shim.calls(Function.LOGIN)).isEqualTo(2);
      writePin(token.pin(), "rw-------");
      place.pause();
      assertThat(Pkcs11Place.signs(key)).isTrue();
      assertThat(shim.calls(Function.LOGIN)).isEqualTo(3);
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aWrongPinIsTriedOnceHoweverOftenTheServiceIsStartedOrExamined() throws Exception {
    place.create().close();
    writePin("wrong-pin-99", "rw-------");
    shim.reset();
    for (int i = 0; i < 5; i++) {
      assertThatThrownBy(place::open)
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("pin-source")
          .hasMessageNotContaining("wrong-pin-99");
      assertThat(place.stores.examine(place.folder, place.uri).getLast().detail())
          .contains("not tried a second time");
    }
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
    Path note = place.folder.resolve(RefusedPinNote.FILE);
    assertThat(SoftwareFolder.mode(note)).isEqualTo("rw-------");
    assertThat(Files.readString(note)).doesNotContain("wrong-pin-99", token.serial());
    writePin(token.pin(), "rw-------");
    assertThat(place.stores.examine(place.folder, place.uri))
        .extracting(KeyStoreFinding::outcome)
        .doesNotContain(KeyStoreFinding.Outcome.FAILED);
    assertThat(note).exists();
    place.open().close();
    assertThat(note).doesNotExist();
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aWrongPinIsTriedOnceMoreWhenItsFileIsWrittenAgain() throws Exception {
    try (PrivateKeyStore store = place.create()) {
      StoredKey key = store.make(Pkcs11Place.CA, KeyType.EC_P256);
      shim.reset();
      shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
      // Meanwhile the token has another PIN than the file; then it gets that of the file.
      for (Ckr wrong : List.of(Ckr.PIN_INCORRECT, Ckr.PIN_INVALID, Ckr.PIN_LEN_RANGE)) {
        long before = shim.calls(Function.LOGIN);
        shim.answerOnce(Function.LOGIN, wrong);
        for (int i = 0; i < 5; i++) {
          assertThatThrownBy(() -> key.sign(Pkcs11Place.MESSAGE)).isInstanceOf(KeyFault.class);
          place.pause();
        }
        assertThat(shim.calls(Function.LOGIN)).isEqualTo(before + 1);
        FileTime written = Files.getLastModifiedTime(token.pinFile());
        writePin(token.pin(), "rw-------");
        Files.setLastModifiedTime(
            token.pinFile(), FileTime.fromMillis(written.toMillis() + 60_000));
      }
      place.pause();
      assertThat(Pkcs11Place.signs(key)).isTrue();
    }
    place.stores.destroy(place.folder, place.uri);
  }

  @ParameterizedTest
  @EnumSource(names = {"PIN_LOCKED", "PIN_EXPIRED", "USER_PIN_NOT_INITIALIZED"})
  void aPinThatTheTokenMendsIsTakenAgainWithoutAChangeOfItsFile(Ckr code) throws Exception {
    try (PrivateKeyStore store = place.create()) {
      StoredKey key = store.make(Pkcs11Place.CA, KeyType.EC_P256);
      shim.reset();
      shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
      shim.answerOnce(Function.LOGIN, code);
      assertThatThrownBy(() -> key.sign(Pkcs11Place.MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class);
      place.pause();
      assertThatThrownBy(() -> key.sign(Pkcs11Place.MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class)
          .hasMessageContaining("CKR_" + code);
      // As long as its flags say so, nothing is tried.
      shim.flags(Ck.CKF_USER_PIN_LOCKED, 0);
      for (int i = 0; i < 5; i++) {
        place.pause();
        assertThatThrownBy(() -> key.sign(Pkcs11Place.MESSAGE))
            .isInstanceOf(KeyFault.Unavailable.class);
      }
      assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
      assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.LOCKED);
      shim.flags(0, 0);
      place.pause();
      assertThat(Pkcs11Place.signs(key)).isTrue();
    }
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aTokenThatAnotherProgramIsLoggingInToIsAskedOnceMoreAndThenUnavailable() throws Exception {
    shim.answer(Function.GET_TOKEN_INFO, Ckr.GENERAL_ERROR);
    assertThatThrownBy(place::create)
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContaining("C_GetTokenInfo");
    assertThat(shim.calls(Function.GET_TOKEN_INFO)).isEqualTo(2);
    assertThat(place.folder).doesNotExist();
    shim.reset();
    shim.answerOnce(Function.GET_TOKEN_INFO, Ckr.GENERAL_ERROR);
    place.create().close();
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aPinFileThatIsMissingOpenToOthersEmptyOrNoLineIsNamedAndNothingIsTried() throws Exception {
    String file = token.pinFile().toString();
    Files.delete(token.pinFile());
    assertNotCreated("pin-source", file, "does not exist");
    writePin(token.pin(), "rw-r--r--");
    assertNotCreated("pin-source", file, "chmod 640");
    writePin(token.pin(), "rw--w----");
    assertNotCreated("pin-source", file, "chmod 640");
    writePin("", "rw-------");
    assertNotCreated("pin-source", file, "one line");
    writePin("\n", "rw-------");
    assertNotCreated("pin-source", file, "one line");
    writePin(token.pin() + "\n\n", "rw-------");
    assertNotCreated("pin-source", file, "one line");
    writePin("1".repeat(257), "rw-------");
    assertNotCreated("pin-source", file, "256 octets");
    writePin("1".repeat(100_000), "rw-------");
    assertNotCreated("pin-source", file, "larger");
    assertThat(shim.calls(Function.LOGIN)).isZero();
  }

  @Test
  void aPinFileThatItsGroupReadsIsTakenWithAWarning() throws Exception {
    writePin(token.pin() + "\r\n", "rw-r-----");
    try (PrivateKeyStore store = place.create()) {
      assertThat(store.describe().warnings())
          .singleElement()
          .asString()
          .contains(token.pinFile().toString(), "group");
      writePin(token.pin(), "rw-------");
      assertThat(store.describe().warnings()).isEmpty();
      assertThat(store.describe().location())
          .contains("'bad'", token.serial(), "SoftHSM", shim.library().toString());
      assertThat(store.describe().toString() + store).doesNotContain(token.pin());
    }
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aPinFileInsideTheStoresFolderIsRefused() {
    assertNotCreated(
        uri(Map.of(token.pinFile().toString(), place.folder + "/pin")), "pin-source", "inside");
  }

  @Test
  void aTokenThatMissesAMechanismIsFailedWithItsCode() {
    shim.answer(Function.GENERATE_KEY, Ckr.MECHANISM_INVALID);
    assertNotCreated("token 'bad'", "C_GenerateKey", "CKR_MECHANISM_INVALID");
    shim.pass(Function.GENERATE_KEY);
    shim.answer(Function.SIGN_INIT, Ckr.MECHANISM_INVALID);
    assertNotCreated("C_SignInit", "CKR_MECHANISM_INVALID");
  }

  @Test
  void aFullTokenIsFailedAtTheSealingKeyAndAtAnyKeyAndNothingIsHalfMade() throws Exception {
    shim.answer(Function.GENERATE_KEY, Ckr.DEVICE_MEMORY);
    assertNotCreated("no room", "sealing key");
    shim.reset();
    try (PrivateKeyStore store = place.create()) {
      store.make(KeyLabel.of("first"), KeyType.EC_P256);
      shim.answer(Function.GENERATE_KEY_PAIR, Ckr.DEVICE_MEMORY.code(), 1, 1);
      store.make(KeyLabel.of("second"), KeyType.EC_P256);
      assertThatThrownBy(() -> store.make(Pkcs11Place.CA, KeyType.EC_P256))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContainingAll("no room", Pkcs11Place.CA.toString());
      assertThat(store.find(Pkcs11Place.CA)).isEmpty();
      assertThat(store.find(KeyLabel.of("first"))).isPresent();
    }
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aTokenThatLiesAboutASealingKeyGetsNone() {
    for (long attribute :
        new long[] {Ck.CKA_SENSITIVE, Ck.CKA_ALWAYS_SENSITIVE, Ck.CKA_NEVER_EXTRACTABLE}) {
      shim.lie(attribute, false);
      assertNotCreated("sealing key");
    }
    shim.lie(Ck.CKA_EXTRACTABLE, true);
    assertNotCreated("sealing key");
  }

  @Test
  void aTokenThatIsLostWhileTheStoreIsMadeIsUnavailableAndLeavesAWayToCleanUp() throws Exception {
    // The sealing key is made; then nothing more works, not even its removal.
    shim.answer(Function.SIGN_INIT, Ckr.DEVICE_REMOVED);
    shim.answer(Function.DESTROY_OBJECT, Ckr.DEVICE_REMOVED);
    assertThatThrownBy(place::create).isInstanceOf(KeyFault.Unavailable.class);
    assertThat(place.folder.resolve(StoreId.FILE)).exists();
    shim.reset();
    try (TokenVisit visit = TokenVisit.to(token)) {
      assertThat(visit.count()).isEqualTo(1);
    }
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aTokenThatCanNotWriteMakesNothing() throws Exception {
    // What SoftHSM2 answers on a full disk.
    shim.answer(Function.GENERATE_KEY, Ckr.FUNCTION_FAILED);
    assertThatThrownBy(place::create)
        .isInstanceOf(KeyFault.class)
        .hasMessageContainingAll("token 'bad'", "C_GenerateKey", "full, or read-only");
    assertThat(place.folder).doesNotExist();
    shim.reset();
    try (PrivateKeyStore store = place.create()) {
      shim.answerOnce(Function.GENERATE_KEY_PAIR, Ckr.FUNCTION_FAILED);
      assertThatThrownBy(() -> store.make(Pkcs11Place.CA, KeyType.EC_P256))
          .isInstanceOf(KeyFault.class)
          .hasMessageContainingAll("token 'bad'", "C_GenerateKeyPair", "full, or read-only");
      place.pause();
      assertThat(store.find(Pkcs11Place.CA)).isEmpty();
    }
    place.stores.destroy(place.folder, place.uri);
  }

  @Test
  void aFolderThatExistsIsRefusedBeforeThePinIsTried() throws Exception {
    Files.createDirectory(place.folder);
    assertThatThrownBy(place::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("exists already");
    assertThat(place.folder).isEmptyDirectory();
    assertThat(shim.calls(Function.LOGIN)).isZero();
  }

  @Test
  void aFolderThatIsMissingDamagedOrOpenToOthersIsNotOpened() throws Exception {
    assertThatThrownBy(place::open).isInstanceOf(KeyFault.Failed.class);
    place.create().close();
    Path file = place.folder.resolve(StoreId.FILE);
    byte[] good = Files.readAllBytes(file);
    Files.write(file, new byte[] {1});
    assertThatThrownBy(place::open)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContainingAll(file.toString(), "damaged");
    assertThatThrownBy(() -> place.stores.destroy(place.folder, place.uri))
        .isInstanceOf(KeyFault.Failed.class);
    Files.write(file, good);
    SoftwareFolder.chmod(place.folder, "rwxr-xr-x");
    assertThatThrownBy(place::open).isInstanceOf(KeyFault.Failed.class);
    SoftwareFolder.chmod(place.folder, "rwx------");
    assertThat(SoftwareFolder.mode(file)).isEqualTo("rw-------");
    place.stores.destroy(place.folder, place.uri);
    place.stores.destroy(place.folder, place.uri);
    Files.delete(file);
    place.stores.destroy(place.folder, place.uri);
  }
}
