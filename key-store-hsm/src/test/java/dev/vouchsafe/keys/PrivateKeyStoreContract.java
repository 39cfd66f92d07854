package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every key store keeps, whatever it stands on: a backend's test extends this. */
public abstract class PrivateKeyStoreContract {
  private static final KeyLabel CA = KeyLabel.of("device-ca", "1");
  private static final byte[] MESSAGE = "to be signed".getBytes(UTF_8);
  private static final int THREADS = 4;
  private static final int MOST_TRIES = 30;

  private PrivateKeyStore store;

  /** What this backend can do, as data. */
  protected abstract Capabilities capabilities();

  /** A new, empty store. */
  protected abstract PrivateKeyStore create() throws Exception;

  /**
   * The store that {@link #create} made last in this test, opened once more, as after a restart.
   */
  protected abstract PrivateKeyStore reopen() throws Exception;

  /** A second new store, which has nothing in common with the first. */
  protected abstract PrivateKeyStore createAnother() throws Exception;

  @BeforeEach
  void open() throws Exception {
    store = create();
  }

  @AfterEach
  void close() {
    store.close();
  }

  /** So many, or fewer where each takes long. */
  private int rounds(int many) {
    return capabilities().slow() ? (many + 4) / 5 : many;
  }

  /** Asks again where a store says that it is busy, as one may whose every call takes long. */
  private <T> T patiently(Callable<T> call) throws Exception {
    int left = capabilities().slow() ? MOST_TRIES : 1;
    while (true) {
      try {
        return call.call();
      } catch (KeyFault.Unavailable e) {
        left--;
        if (left == 0) {
          throw e;
        }
      }
    }
  }

  private void restart() throws Exception {
    store.close();
    store = reopen();
  }

  @Test
  void aKeyOfEveryTypeSignsWhatAnIndependentProviderVerifiesBeforeAndAfterARestart()
      throws Exception {
    List<StoredKey> made = new ArrayList<>();
    assertThat(store.keyTypes()).containsAll(capabilities().makes());
    for (KeyType type : capabilities().makes()) {
      StoredKey key = store.make(KeyLabel.of("key", type.text()), type);
      assertThat(key.label()).isEqualTo(KeyLabel.of("key", type.text()));
      assertThat(key.type()).isEqualTo(type);
      assertThat(KeyType.of(key.publicKey())).contains(type);
      assertSigns(key, key.publicKey());
      made.add(key);
    }
    restart();
    for (StoredKey before : made) {
      StoredKey after = store.find(before.label()).orElseThrow();
      assertThat(after.label()).isEqualTo(before.label());
      assertThat(after.type()).isEqualTo(before.type());
      assertThat(after.publicKey().getEncoded()).isEqualTo(before.publicKey().getEncoded());
      assertSigns(after, before.publicKey());
    }
  }

  private static void assertSigns(StoredKey key, PublicKey publicKey) throws Exception {
    byte[] signature = key.sign(MESSAGE);
    assertThat(verifies(publicKey, key.type(), MESSAGE, signature)).isTrue();
    assertThat(verifies(publicKey, key.type(), "another".getBytes(UTF_8), signature)).isFalse();
  }

  @Test
  void aTypeThatTheStoreCannotMakeIsRefusedAndLeavesNoKey() throws Exception {
    for (KeyType type : capabilities().refuses()) {
      KeyLabel label = KeyLabel.of("key", type.text());
      assertThatThrownBy(() -> store.make(label, type)).isInstanceOf(KeyFault.Failed.class);
      assertThat(store.find(label)).isEmpty();
    }
  }

  @Test
  void aKeyIsFoundBeforeAnyRestartAsWell() throws Exception {
    StoredKey made = store.make(CA, KeyType.EC_P256);
    StoredKey found = store.find(CA).orElseThrow();
    assertThat(found.publicKey()).isEqualTo(made.publicKey());
    assertThat(verifies(made.publicKey(), KeyType.EC_P256, MESSAGE, found.sign(MESSAGE))).isTrue();
  }

  @Test
  void aLabelThatNobodyMadeFindsNothing() throws Exception {
    store.make(KeyLabel.of("ab", "c"), KeyType.EC_P256);
    assertThat(store.find(KeyLabel.of("a", "bc"))).isEmpty();
    assertThat(store.find(KeyLabel.of("abc"))).isEmpty();
    assertThat(store.find(KeyLabel.of("ab"))).isEmpty();
    assertThat(store.find(KeyLabel.of("ab", "c", "c"))).isEmpty();
    assertThat(store.find(KeyLabel.of("AB", "c"))).isEmpty();
  }

  @Test
  void everyLegalLabelNamesAKeyOfItsOwn() throws Exception {
    List<KeyLabel> labels =
        List.of(
            KeyLabel.of("../../etc/passwd"),
            KeyLabel.of("a/b", "."),
            KeyLabel.of("a", "b/."),
            KeyLabel.of("new\nline\0", "$edgeHub %_#*?!(),=@;' "),
            KeyLabel.of("ключ", "\uD83D\uDD11"),
            KeyLabel.of(
                IntStream.range(0, 8).mapToObj(i -> "x".repeat(256)).toArray(String[]::new)));
    List<byte[]> publicKeys = new ArrayList<>();
    for (KeyLabel label : labels) {
      publicKeys.add(store.make(label, KeyType.EC_P256).publicKey().getEncoded());
    }
    assertThat(publicKeys).doesNotHaveDuplicates();
    restart();
    for (int i = 0; i < labels.size(); i++) {
      assertThat(store.find(labels.get(i)).orElseThrow().publicKey().getEncoded())
          .isEqualTo(publicKeys.get(i));
    }
  }

  @Test
  void aTakenLabelIsRefusedAndItsKeyStays() throws Exception {
    StoredKey first = store.make(CA, KeyType.EC_P256);
    assertThatThrownBy(() -> store.make(CA, KeyType.EC_P256)).isInstanceOf(KeyFault.Failed.class);
    restart();
    assertThatThrownBy(() -> store.make(CA, KeyType.EC_P256)).isInstanceOf(KeyFault.Failed.class);
    assertThat(store.find(CA).orElseThrow().publicKey().getEncoded())
        .isEqualTo(first.publicKey().getEncoded());
  }

  @Test
  void ofManyThatMakeOneLabelAtOnceExactlyOneSucceeds() throws Exception {
    for (int round = 0; round < rounds(5); round++) {
      KeyLabel label = KeyLabel.of("raced", Integer.toString(round));
      List<Optional<StoredKey>> results =
          AtOnce.everyThread(
              THREADS,
              () -> {
                try {
                  return Optional.of(patiently(() -> store.make(label, KeyType.EC_P256)));
                } catch (KeyFault.Failed e) {
                  return Optional.<StoredKey>empty();
                }
              });
      List<StoredKey> made = results.stream().flatMap(Optional::stream).toList();
      assertThat(made).hasSize(1);
      restart();
      assertThat(store.find(label).orElseThrow().publicKey().getEncoded())
          .isEqualTo(made.getFirst().publicKey().getEncoded());
    }
  }

  @Test
  void manyThreadsSignWithOneKeyAtOnce() throws Exception {
    StoredKey key = store.make(CA, KeyType.EC_P256);
    List<Boolean> results =
        AtOnce.everyThread(
            THREADS,
            () -> {
              boolean good = true;
              for (int i = 0; i < rounds(25); i++) {
                byte[] message = (Thread.currentThread().threadId() + ":" + i).getBytes(UTF_8);
                byte[] signature = patiently(() -> key.sign(message));
                good &= verifies(key.publicKey(), KeyType.EC_P256, message, signature);
              }
              return good;
            });
    assertThat(results).containsOnly(true);
  }

  @Test
  void anEmptyAndALargeMessageAreSigned() throws Exception {
    StoredKey key = store.make(CA, KeyType.EC_P256);
    for (byte[] message : List.of(new byte[0], new byte[1 << 20])) {
      assertThat(verifies(key.publicKey(), KeyType.EC_P256, message, key.sign(message))).isTrue();
    }
  }

  @Test
  void aDerivedSecretIsTheSameAfterARestartAndAnotherForEveryLabel() throws Exception {
    byte[] secret = store.derive(KeyLabel.of("hmac", "1"));
    assertThat(secret).hasSize(32);
    assertThat(store.derive(KeyLabel.of("hmac", "1"))).isEqualTo(secret);
    assertThat(store.derive(KeyLabel.of("hmac1"))).isNotEqualTo(secret);
    assertThat(store.derive(KeyLabel.of("hma", "c1"))).isNotEqualTo(secret);
    restart();
    assertThat(store.derive(KeyLabel.of("hmac", "1"))).isEqualTo(secret);
  }

  @Test
  void anotherStoreDerivesAnotherSecretAndOpensNothingOfThisOne() throws Exception {
    KeyLabel label = KeyLabel.of("data");
    byte[] sealed = store.seal(label, MESSAGE);
    try (PrivateKeyStore another = createAnother()) {
      assertThat(another.derive(label)).isNotEqualTo(store.derive(label));
      assertThatThrownBy(() -> another.unseal(label, sealed)).isInstanceOf(KeyFault.Failed.class);
      assertThat(another.find(CA)).isEmpty();
    }
  }

  @Test
  void aCallerThatChangesADerivedSecretChangesItsOwnCopyOnly() throws Exception {
    byte[] secret = store.derive(CA);
    byte[] copy = secret.clone();
    secret[0] ^= 1;
    assertThat(store.derive(CA)).isEqualTo(copy);
  }

  @Test
  void aSealedSecretOpensAfterARestart() throws Exception {
    KeyLabel purpose = KeyLabel.of("token-key", "1");
    for (byte[] secret : List.of(new byte[0], MESSAGE, new byte[64 * 1024])) {
      byte[] sealed = store.seal(purpose, secret);
      restart();
      assertThat(store.unseal(purpose, sealed)).isEqualTo(secret);
    }
  }

  @Test
  void aSecretLargerThanPromisedIsRefused() {
    assertThatThrownBy(() -> store.seal(CA, new byte[64 * 1024 + 1]))
        .isInstanceOf(KeyFault.Failed.class);
    assertThatThrownBy(() -> store.unseal(CA, new byte[1 << 20]))
        .isInstanceOf(KeyFault.Failed.class);
  }

  @Test
  void aSealedSecretOpensForItsOwnPurposeOnly() throws Exception {
    byte[] sealed = store.seal(KeyLabel.of("a", "bc"), MESSAGE);
    for (KeyLabel other : List.of(KeyLabel.of("ab", "c"), KeyLabel.of("abc"), KeyLabel.of("a"))) {
      assertThatThrownBy(() -> store.unseal(other, sealed)).isInstanceOf(KeyFault.Failed.class);
    }
  }

  @Test
  void sealingTheSameSecretTwiceShowsNoRelation() throws Exception {
    byte[] first = store.seal(CA, MESSAGE);
    byte[] second = store.seal(CA, MESSAGE);
    assertThat(second).isNotEqualTo(first);
    assertThat(new String(first, UTF_8)).doesNotContain("signed");
  }

  @Test
  void flippingAnyBitOfASealedSecretIsNoticed() throws Exception {
    byte[] sealed = store.seal(CA, MESSAGE);
    // A bit of every octet at least, another one in each.
    int step = capabilities().slow() ? 9 : 1;
    for (int i = 0; i < sealed.length * 8; i += step) {
      byte[] changed = sealed.clone();
      changed[i / 8] ^= (byte) (1 << (i % 8));
      assertThatThrownBy(() -> store.unseal(CA, changed)).isInstanceOf(KeyFault.Failed.class);
    }
  }

  @Test
  void aSealedSecretThatIsCutOffOrExtendedIsNoticed() throws Exception {
    byte[] sealed = store.seal(CA, MESSAGE);
    for (int length = 0; length < sealed.length; length++) {
      byte[] cut = Arrays.copyOf(sealed, length);
      assertThatThrownBy(() -> store.unseal(CA, cut)).isInstanceOf(KeyFault.Failed.class);
    }
    byte[] extended = Arrays.copyOf(sealed, sealed.length + 1);
    assertThatThrownBy(() -> store.unseal(CA, extended)).isInstanceOf(KeyFault.Failed.class);
  }

  @Test
  void anyOctetsAtAllAreNoSealedSecret() {
    Random random = new Random(1);
    for (int i = 0; i < 500; i++) {
      byte[] octets = new byte[random.nextInt(200)];
      random.nextBytes(octets);
      assertThatThrownBy(() -> store.unseal(CA, octets)).isInstanceOf(KeyFault.Failed.class);
    }
  }

  @Test
  void afterCloseEveryCallSaysUnavailable() throws Exception {
    StoredKey key = store.make(CA, KeyType.EC_P256);
    byte[] sealed = store.seal(CA, MESSAGE);
    store.close();
    store.close();

    assertThatThrownBy(() -> key.sign(MESSAGE)).isInstanceOf(KeyFault.Unavailable.class);
    assertThatThrownBy(() -> store.find(CA)).isInstanceOf(KeyFault.Unavailable.class);
    assertThatThrownBy(() -> store.make(KeyLabel.of("new"), KeyType.EC_P256))
        .isInstanceOf(KeyFault.Unavailable.class);
    assertThatThrownBy(() -> store.derive(CA)).isInstanceOf(KeyFault.Unavailable.class);
    assertThatThrownBy(() -> store.seal(CA, MESSAGE)).isInstanceOf(KeyFault.Unavailable.class);
    assertThatThrownBy(() -> store.unseal(CA, sealed)).isInstanceOf(KeyFault.Unavailable.class);
    assertThat(key.publicKey().getEncoded()).isNotEmpty();
    assertThat(store.describe().kind()).isEqualTo(capabilities().kind());
  }

  @Test
  void aCloseBesideWorkYieldsGoodResultsOrUnavailableAndNothingElse() throws Exception {
    for (int round = 0; round < rounds(5); round++) {
      StoredKey key = store.make(KeyLabel.of("round", Integer.toString(round)), KeyType.EC_P256);
      byte[] derived = store.derive(CA);
      List<byte[]> sealed = Collections.synchronizedList(new ArrayList<>());
      CountDownLatch busy = new CountDownLatch(THREADS);
      List<Callable<Boolean>> work = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        work.add(() -> workUntilClosed(key, derived, sealed, busy));
      }
      work.add(() -> {
        busy.await();
        store.close();
        return true;
      });
      assertThat(AtOnce.run(work)).containsOnly(true);
      store = reopen();
      for (byte[] one : sealed) {
        assertThat(store.unseal(CA, one)).isEqualTo(MESSAGE);
      }
    }
  }

  /** Ends only by "unavailable", or with false at the first wrong result. */
  private boolean workUntilClosed(
      StoredKey key, byte[] derived, List<byte[]> sealed, CountDownLatch busy) throws Exception {
    boolean good = true;
    try {
      while (good) {
        good = Arrays.equals(store.derive(CA), derived);
        sealed.add(store.seal(CA, MESSAGE));
        good &= verifies(key.publicKey(), KeyType.EC_P256, MESSAGE, key.sign(MESSAGE));
        busy.countDown();
      }
      return good;
    } catch (KeyFault.Unavailable e) {
      return true;
    } finally {
      busy.countDown();
    }
  }

  @Test
  void theDescriptionNamesTheBackendAndSaysHowKeysAreProtected() {
    KeyStoreDescription description = store.describe();
    assertThat(description.kind()).isEqualTo(capabilities().kind());
    assertThat(description.location()).isNotBlank();
    assertThat(description.protection()).isNotBlank();
  }

  @Test
  void aKeyAndItsStoreShowNoSecretInTheirText() throws Exception {
    StoredKey key = store.make(CA, KeyType.EC_P256);
    String derived = HexFormat.of().formatHex(store.derive(CA));
    assertThat(key.toString() + store + store.describe()).doesNotContain(derived);
    assertThat(key).isNotInstanceOf(java.security.Key.class);
  }

  /** Verifies with the JDK's own provider, which made none of the signatures of a real backend. */
  protected static boolean verifies(PublicKey key, KeyType type, byte[] message, byte[] signature)
      throws Exception {
    String provider = type.keyAlgorithm().equals("EC") ? "SunEC" : "SunRsaSign";
    Signature verifier = Signature.getInstance(type.signatureAlgorithm(), provider);
    verifier.initVerify(
        KeyFactory.getInstance(type.keyAlgorithm(), provider)
            .generatePublic(new X509EncodedKeySpec(key.getEncoded())));
    verifier.update(message);
    return verifier.verify(signature);
  }
}
