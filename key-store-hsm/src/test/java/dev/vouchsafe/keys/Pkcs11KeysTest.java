package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What others do to the objects of a store in its token, and what the token says of them. */
class Pkcs11KeysTest {
  private static final KeyLabel CA = Pkcs11Place.CA;

  @TempDir static Path compiled;
  private static Shim shim;
  private static SoftHsm.Token token;

  @TempDir Path home;
  private Pkcs11Place place;
  private PrivateKeyStore store;
  private byte[] id = new byte[0];

  @BeforeAll
  static void makeToken() throws Exception {
    shim = Shim.in(compiled);
    token = SoftHsm.here().token("keys");
  }

  @AfterAll
  static void removeToken() throws Exception {
    SoftHsm.remove(token);
  }

  @BeforeEach
  void create() throws Exception {
    shim.reset();
    place = new Pkcs11Place(home, token, shim.library());
    store = place.create();
    id = place.id().of(CA);
  }

  @AfterEach
  void destroy() throws Exception {
    shim.reset();
    store.close();
    place.stores.destroy(place.folder, place.uri);
  }

  private void assertNotFound(String... words) throws Exception {
    try (PrivateKeyStore again = place.open()) {
      assertThatThrownBy(() -> again.find(CA))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContainingAll(words);
    }
  }

  @Test
  void aTokenThatLiesAboutANewKeyKeepsNone() throws Exception {
    record Lie(long attribute, boolean value) {}
    for (Lie lie :
        List.of(
            new Lie(Ck.CKA_SENSITIVE, false),
            new Lie(Ck.CKA_EXTRACTABLE, true),
            new Lie(Ck.CKA_ALWAYS_SENSITIVE, false),
            new Lie(Ck.CKA_NEVER_EXTRACTABLE, false))) {
      shim.lie(lie.attribute(), lie.value());
      assertThatThrownBy(() -> store.make(CA, KeyType.EC_P256))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining(CA.toString());
      shim.reset();
      assertThat(store.find(CA)).isEmpty();
      try (TokenVisit visit = TokenVisit.to(token)) {
        assertThat(visit.find(Ck.CKO_PRIVATE_KEY, id)).isEmpty();
        assertThat(visit.find(Ck.CKO_PUBLIC_KEY, id)).isEmpty();
      }
    }
    store.make(CA, KeyType.EC_P256);
  }

  @Test
  void aNewKeyThatCanNotSignIsNotKept() throws Exception {
    shim.answer(Function.SIGN, Ckr.KEY_FUNCTION_NOT_PERMITTED);
    assertThatThrownBy(() -> store.make(CA, KeyType.EC_P256))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("CKR_KEY_FUNCTION_NOT_PERMITTED");
    shim.reset();
    assertThat(store.find(CA)).isEmpty();
  }

  @Test
  void aKeyThatCouldBeReadOutIsNotUsed() throws Exception {
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.makePair(id, false);
    }
    assertNotFound(CA.toString(), "could be read out");
  }

  @Test
  void twoPrivateKeysUnderOneIdAreRefused() throws Exception {
    store.make(CA, KeyType.EC_P256);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.makePair(id);
    }
    assertNotFound(CA.toString(), "several private keys", "CKA_ID");
    assertThatThrownBy(() -> store.make(CA, KeyType.EC_P256)).isInstanceOf(KeyFault.Failed.class);
  }

  @Test
  void twoPublicKeysUnderOneIdAreRefused() throws Exception {
    store.make(CA, KeyType.EC_P256);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.session().destroy(visit.makePair(id).privateKey());
    }
    assertNotFound(CA.toString(), "several public keys");
  }

  @Test
  void aPublicKeyThatWasExchangedBesideThePrivateOneIsNoticed() throws Exception {
    store.make(CA, KeyType.EC_P256);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.destroy(Ck.CKO_PUBLIC_KEY, id);
      visit.session().destroy(visit.makePair(id).privateKey());
    }
    assertNotFound(CA.toString(), "don't belong together");
  }

  @Test
  void aPublicKeyThatIsGoneIsFailed() throws Exception {
    store.make(CA, KeyType.EC_P256);
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.destroy(Ck.CKO_PUBLIC_KEY, id);
    }
    assertNotFound(CA.toString(), "no public key");
  }

  @Test
  void aKeyOfATypeThatWeDoNotMakeIsFailed() throws Exception {
    byte[] p521 = {6, 5, 43, -127, 4, 0, 35};
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit
          .session()
          .generateKeyPair(
              Ck.CKM_EC_KEY_PAIR_GEN,
              new Template()
                  .with(Ck.CKA_TOKEN, true)
                  .with(Ck.CKA_ID, id)
                  .with(Ck.CKA_EC_PARAMS, p521),
              new Template()
                  .with(Ck.CKA_TOKEN, true)
                  .with(Ck.CKA_ID, id)
                  .with(Ck.CKA_SENSITIVE, true)
                  .with(Ck.CKA_EXTRACTABLE, false)
                  .with(Ck.CKA_SIGN, true));
    }
    assertNotFound(CA.toString(), "of no type that we make");
  }

  @Test
  void halfAPairThatAKillLeftIsInNobodysWay() throws Exception {
    try (TokenVisit visit = TokenVisit.to(token)) {
      visit.session().destroy(visit.makePair(id).privateKey());
    }
    assertThat(store.find(CA)).isEmpty();
    assertThat(Pkcs11Place.signs(store.make(CA, KeyType.EC_P256))).isTrue();
  }

  @Test
  void twoStoresOfOneFolderMakeOneLabelOnce() throws Exception {
    try (PrivateKeyStore second = place.open()) {
      for (int round = 0; round < 5; round++) {
        KeyLabel label = KeyLabel.of("raced", Integer.toString(round));
        List<Optional<StoredKey>> results =
            AtOnce.run(List.of(() -> make(store, label), () -> make(second, label)));
        assertThat(results.stream().flatMap(Optional::stream)).hasSize(1);
      }
    }
  }

  private static Optional<StoredKey> make(PrivateKeyStore store, KeyLabel label) throws KeyFault {
    try {
      return Optional.of(store.make(label, KeyType.EC_P256));
    } catch (KeyFault.Failed e) {
      return Optional.empty();
    }
  }

  @Test
  void destroyingAStoreLeavesTheOthersInTheToken() throws Exception {
    Pkcs11Place other =
        new Pkcs11Place(Files.createDirectory(home.resolve("other")), token, shim.library());
    try (PrivateKeyStore second = other.create()) {
      StoredKey kept = second.make(CA, KeyType.EC_P256);
      store.make(CA, KeyType.RSA_2048);
      store.close();
      try (TokenVisit visit = TokenVisit.to(token)) {
        assertThat(visit.count()).isEqualTo(6);
        place.stores.destroy(place.folder, place.uri);
        assertThat(visit.count()).isEqualTo(3);
      }
      assertThat(Pkcs11Place.signs(kept)).isTrue();
      assertThat(second.derive(CA)).hasSize(32);
    }
    other.stores.destroy(other.folder, other.uri);
  }

  @Test
  void theStoresFolderHoldsTheStoreIdAndNothingElse() throws Exception {
    store.make(CA, KeyType.EC_P256);
    store.seal(CA, new byte[] {1});
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(place.folder)) {
      all.forEach(file -> names.add(file.getFileName().toString()));
    }
    assertThat(names).containsExactly(StoreId.FILE);
    assertThat(Files.size(place.folder.resolve(StoreId.FILE))).isLessThan(100);
    assertThat(SoftwareFolder.mode(place.folder)).isEqualTo("rwx------");
    assertThat(SoftwareFolder.mode(place.folder.resolve(StoreId.FILE))).isEqualTo("rw-------");
  }

  @Test
  void signingAndOpeningAgainAndAgainLeavesNoFileOpen() throws Exception {
    StoredKey key = store.make(CA, KeyType.EC_P256);
    round(key);
    long before = openFiles();
    for (int i = 0; i < 50; i++) {
      round(key);
    }
    assertThat(openFiles()).isLessThanOrEqualTo(before + 2);
  }

  /** 100 signatures, a loss, and an opening and closing. */
  private void round(StoredKey key) throws Exception {
    for (int i = 0; i < 100; i++) {
      key.sign(Pkcs11Place.MESSAGE);
    }
    shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
    assertThatThrownBy(() -> key.sign(Pkcs11Place.MESSAGE))
        .isInstanceOf(KeyFault.Unavailable.class);
    place.pause();
    try (PrivateKeyStore again = place.open()) {
      assertThat(again.find(CA)).isPresent();
    }
    assertThat(Pkcs11Place.signs(key)).isTrue();
  }

  private static long openFiles() throws IOException {
    long count = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path file : all) {
        count += file.toString().isEmpty() ? 0 : 1;
      }
    }
    return count;
  }
}
