package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.keys.KeyStoreFinding.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is found where a software store stands, stands badly, or is yet to be made. */
class SoftwareExaminationTest {
  @TempDir Path home;
  private Path folder;
  private Path secret;
  private SealSource seal;

  @BeforeEach
  void make() throws Exception {
    folder = home.resolve("keys");
    secret = home.resolve("seal.key");
    seal = new SealSource.GeneratedFile(secret);
    try (PrivateKeyStore store =
        PrivateKeyStores.createSoftware(folder, seal, SoftwareCrypto.choose())) {
      store.make(KeyLabel.of("a"), KeyType.EC_P256);
      store.make(KeyLabel.of("b"), KeyType.EC_P384);
    }
  }

  private List<KeyStoreFinding> bad() {
    List<KeyStoreFinding> found = PrivateKeyStores.examineSoftware(folder, seal);
    List<KeyStoreFinding> bad =
        found.stream()
            .filter(one -> one.outcome() != Outcome.OK && one.outcome() != Outcome.WARNING)
            .toList();
    assertThat(bad).allSatisfy(one -> assertThat(one.remedy()).isNotEmpty());
    return bad;
  }

  private Path aKey() throws Exception {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".key")).sorted().findFirst().get();
    }
  }

  @Test
  void aStoreThatIsWellHasEachKeyTriedAndNothingIsChanged() throws Exception {
    Path left = Files.writeString(folder.resolve(".tmp-00"), "left by a writer that was killed");
    assertThat(bad()).isEmpty();
    assertThat(PrivateKeyStores.examineSoftware(folder, seal))
        .extracting(KeyStoreFinding::subject)
        .contains("folder", "sealing secret", "store", "keys");
    assertThat(PrivateKeyStores.examineSoftware(folder, seal).getLast().detail())
        .contains("each of 2 signs");
    assertThat(left).exists();
  }

  @Test
  void beforeInitNothingIsMissing() {
    Path none = home.resolve("none");
    SealSource toBeMade = new SealSource.GeneratedFile(home.resolve("none.key"));
    assertThat(PrivateKeyStores.examineSoftware(none, toBeMade))
        .extracting(KeyStoreFinding::outcome)
        .containsOnly(Outcome.OK);
    assertThat(none).doesNotExist();
    assertThat(home.resolve("none.key")).doesNotExist();
    assertThat(PrivateKeyStores.examineSoftware(none, seal))
        .anySatisfy(one -> assertThat(one.detail()).contains("exists", secret.toString()));
  }

  @Test
  void aSealingSecretThatIsLostOpenToOthersOrAnotherIsNamed() throws Exception {
    byte[] good = Files.readAllBytes(secret);
    Files.delete(secret);
    assertThat(bad())
        .singleElement()
        .satisfies(one -> assertThat(one.detail()).contains(secret.toString(), "does not exist"))
        .satisfies(one -> assertThat(one.remedy()).contains("seal"));
    Files.write(secret, good);
    SoftwareFolder.chmod(secret, "rw-r--r--");
    assertThat(bad())
        .singleElement()
        .satisfies(one -> assertThat(one.detail()).contains("chmod 600"));
    SoftwareFolder.chmod(secret, "rw-------");
    Path other = home.resolve("other");
    PrivateKeyStores.createSoftware(
            other, new SealSource.GeneratedFile(home.resolve("other.key")), SoftwareCrypto.choose())
        .close();
    Files.copy(
        home.resolve("other.key"), secret, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertThat(bad())
        .singleElement()
        .satisfies(one -> assertThat(one.detail()).contains("does not open"));
  }

  @Test
  void aKeyFileThatIsTruncatedOrOpenToOthersIsNamedAndTheOtherIsLookedAt() throws Exception {
    Path key = aKey();
    byte[] good = Files.readAllBytes(key);
    Files.write(key, java.util.Arrays.copyOf(good, good.length / 2));
    assertThat(bad())
        .singleElement()
        .satisfies(one -> assertThat(one.detail()).contains(key.toString()))
        .satisfies(one -> assertThat(one.remedy()).contains(key.toString(), "backup"));
    Files.write(key, good);
    SoftwareFolder.chmod(key, "rw-r-----");
    assertThat(bad())
        .singleElement()
        .satisfies(one -> assertThat(one.detail()).contains("chmod 600 " + key));
    SoftwareFolder.chmod(key, "rw-------");
    Files.move(key, folder.resolve("00.key"));
    assertThat(bad())
        .singleElement()
        .satisfies(one -> assertThat(one.detail()).contains("another name"));
  }
}
