package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which secret goes with a store that was not made to the end, and which does not. */
class GeneratedNoteTest {
  private final SecureRandom random = new SecureRandom();
  private final SecureFiles files = new SecureFiles(SoftwareStores.effectiveUser(), random);
  @TempDir Path home;
  private Path folder;
  private Path secret;
  private Optional<SealSource> source;

  @BeforeEach
  void makeTheFolder() throws Exception {
    folder = home.resolve("keys.new");
    files.makeFolder(folder);
    secret = home.resolve("seal.key");
    source = Optional.of(new SealSource.GeneratedFile(secret));
  }

  private GeneratedNote note() {
    return new GeneratedNote(folder, "note", files);
  }

  @Test
  void theSecretGoesWithItsNoteAndBothOfItsNames() throws Exception {
    note().generate(source, random);
    assertThat(secret).exists();
    Path second = Files.createLink(home.resolve(".tmp-aa"), secret);
    note().removeSecret(source);
    assertThat(secret).doesNotExist();
    assertThat(second).doesNotExist();
    assertThat(note().exists()).isFalse();
    note().removeSecret(source);
  }

  @Test
  void theSecretOfAWholeStoreStays() throws Exception {
    note().generate(source, random);
    note().done();
    note().removeSecret(source);
    assertThat(secret).exists();
  }

  @Test
  void aSecretThatWasThereBeforeIsNeitherWrittenOverNorRemoved() throws Exception {
    Files.writeString(secret, "of somebody else");
    assertThatThrownBy(() -> note().generate(source, random))
        .isInstanceOf(FileAlreadyExistsException.class);
    note().removeSecret(source);
    assertThat(secret).hasContent("of somebody else");
  }

  @Test
  void aNoteAboutAnotherFileRemovesNothing() throws Exception {
    note().generate(source, random);
    Path other = Files.writeString(home.resolve("other"), "of somebody else");
    note().removeSecret(Optional.of(new SealSource.GeneratedFile(other)));
    assertThat(other).exists();
    assertThat(secret).exists();
  }

  @Test
  void whatIsNotGeneratedHasNoNote() throws Exception {
    Optional<SealSource> passphrase = Optional.of(new SealSource.PassphraseFile(secret));
    note().generate(passphrase, random);
    note().generate(Optional.empty(), random);
    assertThat(note().exists()).isFalse();
    assertThat(secret).doesNotExist();
  }

  /** As a kill between the secret and the header leaves it. */
  @Test
  void aStoreWithoutAHeaderIsDestroyedWithItsSecretAndMadeAgain() throws Exception {
    SoftwareStores stores = new SoftwareStores(SoftwareStores.effectiveUser(), 1_000);
    SealSource seal = source.orElseThrow();
    new GeneratedNote(folder, SoftwareStores.GENERATED, files).generate(source, random);
    stores.destroy(folder, seal);
    assertThat(secret).doesNotExist();
    Files.delete(folder);
    stores.create(folder, seal, SoftwareFolder.CRYPTO).close();
    stores.open(folder, seal, SoftwareFolder.CRYPTO).close();
    stores.destroy(folder, seal);
    stores.open(folder, seal, SoftwareFolder.CRYPTO).close();
  }
}
