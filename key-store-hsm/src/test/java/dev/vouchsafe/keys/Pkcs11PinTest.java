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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A token counts wrong PINs and locks: what a service that is started again and again gives it. */
class Pkcs11PinTest {
  private static final String WRONG = "wrong-pin-99";

  @TempDir static Path compiled;
  private static Shim shim;
  private static SoftHsm.Token token;

  @TempDir Path home;
  private Pkcs11Place place;
  private Path note;
  private int written;

  @BeforeAll
  static void makeToken() throws Exception {
    shim = Shim.in(compiled);
    token = SoftHsm.here().token("pinned");
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
    note = place.folder.resolve(RefusedPinNote.FILE);
    shim.reset();
  }

  @AfterEach
  void end() throws Exception {
    shim.reset();
    writePin(token.pin());
    place.stores.destroy(place.folder, place.uri);
  }

  /** As systemd does with a credential at each start: another file, with another time. */
  private void writePin(String pin) throws Exception {
    Files.deleteIfExists(token.pinFile());
    Files.writeString(token.pinFile(), pin);
    Files.setPosixFilePermissions(token.pinFile(), PosixFilePermissions.fromString("rw-------"));
    Files.setLastModifiedTime(token.pinFile(), FileTime.fromMillis(1_000_000L + written++));
  }

  private void assertNotTried(Path folder) {
    long before = shim.calls(Function.LOGIN);
    assertThatThrownBy(() -> place.stores.open(folder, place.uri, Pkcs11Place.CRYPTO))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContainingAll("not tried a second time", folder.toString())
        .hasMessageNotContaining(WRONG);
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(before);
  }

  /** What a process leaves that ends while it logs in. */
  private void cutOff() throws Exception {
    SecureRandom random = new SecureRandom();
    TokenInfo info = new TokenInfo(0, "", "", "", token.serial(), 0, 0);
    RefusedPinNote.in(place.folder, new SecureFiles(SoftwareStores.effectiveUser(), random))
        .trying(info, random);
  }

  @Test
  void aWrongPinIsTriedOnceThoughItsFileIsANewOneAtEachStart() throws Exception {
    writePin(WRONG);
    assertThatThrownBy(place::open)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("CKR_PIN_INCORRECT");
    for (int i = 0; i < 3; i++) {
      writePin(WRONG);
      assertNotTried(place.folder);
    }
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
    writePin(token.pin());
    place.open().close();
    assertThat(note).doesNotExist();
  }

  @Test
  void aRunningServiceTriesTheSamePinOnceMoreWhenItsFileIsWrittenAgain() throws Exception {
    try (PrivateKeyStore store = place.open()) {
      shim.answerOnce(Function.LOGIN, Ckr.PIN_INCORRECT);
      shim.answerOnce(Function.SIGN_INIT, Ckr.DEVICE_REMOVED);
      assertThatThrownBy(() -> store.derive(Pkcs11Place.CA))
          .isInstanceOf(KeyFault.Unavailable.class);
      place.pause();
      place.pause();
      assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.LOCKED);
      assertThat(note).exists();
      writePin(token.pin());
      place.pause();
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
      assertThat(note).doesNotExist();
    }
  }

  @Test
  void aLoginIsNotedBeforeItIsTriedWithNothingOfThePin() throws Exception {
    shim.hold(Function.LOGIN);
    AtOnce.run(
        List.of(
            () -> {
              place.open().close();
              return true;
            },
            () -> {
              shim.awaitHeld(1);
              try {
                assertThat(SoftwareFolder.mode(note)).isEqualTo("rw-------");
                assertThat(Files.readString(note)).contains("trying").doesNotContain(token.pin());
              } finally {
                shim.release(Function.LOGIN);
              }
              return true;
            }));
    assertThat(note).doesNotExist();
  }

  @Test
  void aLoginThatWasCutOffIsTriedOnceMoreAndNotAThirdTime() throws Exception {
    cutOff();
    place.open().close();
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
    assertThat(note).doesNotExist();
    cutOff();
    cutOff();
    assertNotTried(place.folder);
    Files.delete(note);
    place.open().close();
  }

  @Test
  void aLoginThatWasCutOffIsNotTriedAgainIfTheTokenHasCountedAWrongPin() throws Exception {
    cutOff();
    shim.flags(Ck.CKF_USER_PIN_COUNT_LOW, 0);
    assertNotTried(place.folder);
    shim.flags(0, 0);
    place.open().close();
  }

  @Test
  void anAnswerThatSaysNothingOfThePinChangesNothing() throws Exception {
    for (int i = 0; i < 3; i++) {
      shim.answerOnce(Function.LOGIN, Ckr.DEVICE_ERROR);
      place.open().close();
      assertThat(note).doesNotExist();
    }
    place.open().close();
  }

  @Test
  void twoStoresInOneTokenTryAWrongPinOnceAndTheRightOneOfEitherClearsIt() throws Exception {
    Path second = home.resolve("keys-2");
    place.stores.create(second, place.uri, Pkcs11Place.CRYPTO).close();
    shim.reset();
    writePin(WRONG);
    assertThatThrownBy(place::open).isInstanceOf(KeyFault.Failed.class);
    assertThatThrownBy(() -> place.stores.open(second, place.uri, Pkcs11Place.CRYPTO))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("not tried a second time");
    assertThat(shim.calls(Function.LOGIN)).isEqualTo(1);
    writePin(token.pin());
    place.stores.open(second, place.uri, Pkcs11Place.CRYPTO).close();
    place.open().close();
    place.stores.destroy(second, place.uri);
  }

  @Test
  void thatAnotherStoreOfTheProcessHasLoggedInSaysNothingOfThisOnesPin() throws Exception {
    Path second = home.resolve("keys-2");
    place.stores.create(second, place.uri, Pkcs11Place.CRYPTO).close();
    writePin(WRONG);
    assertThatThrownBy(place::open).isInstanceOf(KeyFault.Failed.class);
    String refused = Files.readString(note);
    writePin(token.pin());
    try (PrivateKeyStore other = place.stores.open(second, place.uri, Pkcs11Place.CRYPTO)) {
      writePin("another-wrong-one");
      place.open().close();
      assertThat(Files.readString(note)).isEqualTo(refused);
      assertThat(other.health()).isEqualTo(KeyStoreHealth.UP);
    }
    writePin(WRONG);
    shim.reset();
    assertNotTried(place.folder);
    writePin(token.pin());
    place.stores.destroy(second, place.uri);
  }
}
