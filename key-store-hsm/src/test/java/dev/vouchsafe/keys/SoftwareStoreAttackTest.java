package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Attacks on the folder of a software store, by somebody who may write to it or copied it. */
class SoftwareStoreAttackTest {
  private static final KeyLabel CA = KeyLabel.of("device-ca", "1");
  private static final KeyLabel NEXT = KeyLabel.of("device-ca", "2");

  @TempDir Path home;
  private SoftwareFolder at;

  @BeforeEach
  void make() throws Exception {
    at = new SoftwareFolder(home);
    try (PrivateKeyStore store = at.create()) {
      store.make(CA, KeyType.EC_P256);
      store.make(NEXT, KeyType.EC_P256);
    }
  }

  @Test
  void aChangedOctetAnywhereInTheHeaderOrTheSealFileOpensNothing() throws Exception {
    for (Path file : List.of(at.header(), at.sealFile)) {
      byte[] good = Files.readAllBytes(file);
      for (byte[] bad : flipped(good)) {
        Files.write(file, bad);
        assertThatThrownBy(at::open).isInstanceOf(KeyFault.Failed.class);
      }
      Files.write(file, good);
    }
    at.open().close();
  }

  @Test
  void aChangedOctetAnywhereInAKeyFileNeverYieldsAKey() throws Exception {
    Path file = at.file(CA);
    byte[] good = Files.readAllBytes(file);
    try (PrivateKeyStore store = at.open()) {
      for (byte[] bad : flipped(good)) {
        Files.write(file, bad);
        assertThatThrownBy(() -> store.find(CA))
            .isInstanceOf(KeyFault.Failed.class)
            .hasMessageContaining(file.toString());
      }
      Files.write(file, good);
      assertThat(store.find(CA)).isPresent();
    }
  }

  @Test
  void aFileThatIsCutOffOrExtendedIsRefused() throws Exception {
    for (Path file : List.of(at.header(), at.file(CA), at.sealFile)) {
      byte[] good = Files.readAllBytes(file);
      for (int length = 0; length <= good.length + 1; length++) {
        if (length != good.length) {
          Files.write(file, Arrays.copyOf(good, length));
          assertThatThrownBy(this::openAndFind).isInstanceOf(KeyFault.Failed.class);
        }
      }
      Files.write(file, good);
    }
    openAndFind();
  }

  private void openAndFind() throws KeyFault {
    try (PrivateKeyStore store = at.open()) {
      assertThat(store.find(CA)).isPresent();
    }
  }

  @Test
  void swappingTwoKeyFilesGivesNeitherUnderTheOthersName() throws Exception {
    Path aside = home.resolve("aside");
    Files.move(at.file(CA), aside);
    Files.move(at.file(NEXT), at.file(CA));
    Files.move(aside, at.file(NEXT));
    try (PrivateKeyStore store = at.open()) {
      assertThatThrownBy(() -> store.find(CA)).isInstanceOf(KeyFault.Failed.class);
      assertThatThrownBy(() -> store.find(NEXT)).isInstanceOf(KeyFault.Failed.class);
    }
  }

  @Test
  void aKeyFileWhoseLabelWasRewrittenIsRefused() throws Exception {
    KeyFile next = KeyFile.parse(Files.readAllBytes(at.file(NEXT)));
    KeyFile forged = new KeyFile(next.type(), CA.encoded(), next.publicKey(), next.box());
    Files.write(at.file(CA), forged.encoded());
    try (PrivateKeyStore store = at.open()) {
      assertThatThrownBy(() -> store.find(CA)).isInstanceOf(KeyFault.Failed.class);
    }
  }

  @Test
  void aPublicKeyThatWasExchangedIsRefused() throws Exception {
    KeyFile next = KeyFile.parse(Files.readAllBytes(at.file(NEXT)));
    KeyFile ours = KeyFile.parse(Files.readAllBytes(at.file(CA)));
    KeyFile forged = new KeyFile(ours.type(), ours.label(), next.publicKey(), ours.box());
    Files.write(at.file(CA), forged.encoded());
    assertThatThrownBy(this::openAndFind).isInstanceOf(KeyFault.Failed.class);
  }

  @Test
  void aKeyOfAnotherStoreIsRefused() throws Exception {
    SoftwareFolder other = new SoftwareFolder(Files.createDirectory(home.resolve("other")));
    try (PrivateKeyStore store = other.create()) {
      store.make(CA, KeyType.EC_P256);
    }
    Files.copy(other.file(CA), at.file(CA), StandardCopyOption.REPLACE_EXISTING);
    SoftwareFolder.chmod(at.file(CA), "rw-------");
    assertThatThrownBy(this::openAndFind).isInstanceOf(KeyFault.Failed.class);
  }

  @Test
  void evenAnAuthenticFileWithTwoHalvesOfDifferentPairsIsRefused() throws Exception {
    byte[] master = new byte[SoftwareStores.MASTER];
    SecureFiles files = new SecureFiles(SoftwareStores.effectiveUser(), new SecureRandom());
    SealedBox box = new SealedBox(new SecureRandom());
    KeyPair one = SoftwareFolder.CRYPTO.generate(KeyType.EC_P256);
    KeyPair two = SoftwareFolder.CRYPTO.generate(KeyType.EC_P256);
    byte[] bound = KeyFile.bound(KeyType.EC_P256, CA.encoded(), one.getPublic().getEncoded());
    byte[] sealed = box.seal(master, "vouchsafe private key", bound, two.getPrivate().getEncoded());
    KeyFile file = new KeyFile(KeyType.EC_P256, CA.encoded(), one.getPublic().getEncoded(), sealed);
    Files.write(at.file(CA), file.encoded());
    try (PrivateKeyStore store =
        new SoftwareStore(
            at.folder,
            SoftwareFolder.CRYPTO,
            files,
            box,
            Files.readAllBytes(at.header()),
            master,
            new KeyStoreDescription("software", "", "", List.of()))) {
      assertThatThrownBy(() -> store.find(CA))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("belong together");
    }
  }

  @Test
  void aSealFileOfAnotherStoreOpensNothing() throws Exception {
    SoftwareFolder other = new SoftwareFolder(Files.createDirectory(home.resolve("other")));
    other.create().close();
    assertThatThrownBy(() -> at.open(other.seal))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining(at.header().toString())
        .hasMessageContaining(other.sealFile.toString());
  }

  @Test
  void anotherFormatVersionIsRefusedByTheNameOfItsFile() throws Exception {
    for (Path file : List.of(at.header(), at.file(CA))) {
      byte[] good = Files.readAllBytes(file);
      byte[] newer = good.clone();
      newer[8] = 2;
      Files.write(file, newer);
      assertThatThrownBy(this::openAndFind)
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining(file.toString())
          .hasMessageContaining("version is 2");
      Files.write(file, good);
    }
  }

  @Test
  void aStoreThatIsAwayIsUnavailableAndNeverEmpty() throws Exception {
    try (PrivateKeyStore store = at.open()) {
      Path aside = home.resolve("aside");
      Files.move(at.folder, aside);
      assertThatThrownBy(() -> store.find(CA)).isInstanceOf(KeyFault.Unavailable.class);
      assertThatThrownBy(() -> store.make(KeyLabel.of("x"), KeyType.EC_P256))
          .isInstanceOf(KeyFault.Unavailable.class);
      Files.move(aside, at.folder);
      assertThat(store.find(CA)).isPresent();

      Files.move(at.header(), aside);
      assertThatThrownBy(() -> store.find(KeyLabel.of("x")))
          .isInstanceOf(KeyFault.Unavailable.class);
    }
  }

  @Test
  void aKeyThatIsLoadedSignsOnThoughTheFolderIsAway() throws Exception {
    try (PrivateKeyStore store = at.open()) {
      StoredKey key = store.find(CA).orElseThrow();
      Files.move(at.folder, home.resolve("aside"));
      assertThat(key.sign(new byte[1])).isNotEmpty();
      assertThat(store.find(CA)).contains(key);
    }
  }

  @Test
  void aStoreThatWasExchangedUnderUsTakesNoKey() throws Exception {
    SoftwareFolder other = new SoftwareFolder(Files.createDirectory(home.resolve("other")));
    other.create().close();
    try (PrivateKeyStore store = at.open()) {
      Files.move(at.folder, home.resolve("aside"));
      Files.move(other.folder, at.folder);
      assertThatThrownBy(() -> store.make(KeyLabel.of("x"), KeyType.EC_P256))
          .isInstanceOf(KeyFault.Failed.class);
      assertThatThrownBy(() -> store.find(KeyLabel.of("x"))).isInstanceOf(KeyFault.Failed.class);
    }
    assertThat(at.files()).containsExactly(at.header());
  }

  @Test
  void whatAPowerCutLeftIsIgnoredAndRemoved() throws Exception {
    byte[] half = Arrays.copyOf(Files.readAllBytes(at.file(CA)), 40);
    Path left = at.folder.resolve(".tmp-0123456789abcdef");
    Files.write(left, half);
    // The last instant before the cut: the name is there, and the temporary name still is.
    Files.createLink(at.folder.resolve(".tmp-linked"), at.file(NEXT));
    try (PrivateKeyStore store = at.open()) {
      assertThat(store.find(CA)).isPresent();
      assertThat(store.find(NEXT)).isPresent();
    }
    assertThat(at.files()).containsExactlyInAnyOrder(at.header(), at.file(CA), at.file(NEXT));
  }

  @Test
  void twoProcessesThatMakeOneLabelMakeOneKey() throws Exception {
    for (int round = 0; round < 10; round++) {
      KeyLabel label = KeyLabel.of("raced", Integer.toString(round));
      CyclicBarrier start = new CyclicBarrier(3);
      List<Callable<byte[]>> work = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        work.add(() -> {
          try (PrivateKeyStore store = at.open()) {
            start.await();
            return store.make(label, KeyType.EC_P256).publicKey().getEncoded();
          } catch (KeyFault.Failed e) {
            return new byte[0];
          }
        });
      }
      List<byte[]> made = new ArrayList<>();
      try (ExecutorService executor = Executors.newFixedThreadPool(3)) {
        for (Future<byte[]> result : executor.invokeAll(work)) {
          if (result.get().length > 0) {
            made.add(result.get());
          }
        }
      }
      assertThat(made).hasSize(1);
      try (PrivateKeyStore store = at.open()) {
        assertThat(store.find(label).orElseThrow().publicKey().getEncoded())
            .isEqualTo(made.getFirst());
      }
    }
  }

  @Test
  void noFileHoldsAPrivateKeyOrALabelsSecretInTheClear() throws Exception {
    KeyPair[] seen = new KeyPair[1];
    SoftwareCrypto spy =
        new SoftwareCrypto() {
          @Override
          public String description() {
            return "spy";
          }

          @Override
          public KeyPair generate(KeyType type) {
            seen[0] = SoftwareFolder.CRYPTO.generate(type);
            return seen[0];
          }

          @Override
          public byte[] sign(PrivateKey key, KeyType type, byte[] message) {
            return SoftwareFolder.CRYPTO.sign(key, type, message);
          }

          @Override
          public boolean verify(PublicKey key, KeyType type, byte[] message, byte[] signature) {
            return SoftwareFolder.CRYPTO.verify(key, type, message, signature);
          }
        };
    KeyLabel label = KeyLabel.of("spied");
    byte[] derived;
    try (PrivateKeyStore store =
        new SoftwareStores(SoftwareStores.effectiveUser(), 1_000).open(at.folder, at.seal, spy)) {
      store.make(label, KeyType.EC_P256);
      derived = store.derive(label);
      byte[] pkcs8 = seen[0].getPrivate().getEncoded();
      // The secret scalar starts at octet 36 of the PKCS#8 of a P-256 key.
      String scalar = new String(Arrays.copyOfRange(pkcs8, 36, 68), ISO_8859_1);
      for (Path file : at.files()) {
        assertThat(new String(Files.readAllBytes(file), ISO_8859_1))
            .doesNotContain(scalar)
            .doesNotContain(new String(derived, ISO_8859_1));
      }
    }
    assertThat(new String(Files.readAllBytes(at.file(label)), UTF_8)).contains("spied");
  }

  /** Every octet changed in its lowest bit, its highest, and the one that tells case. */
  private static List<byte[]> flipped(byte[] good) {
    List<byte[]> all = new ArrayList<>();
    for (int i = 0; i < good.length; i++) {
      for (int mask : new int[] {0x01, 0x20, 0x80}) {
        byte[] bad = good.clone();
        bad[i] ^= (byte) mask;
        all.add(bad);
      }
    }
    return all;
  }
}
