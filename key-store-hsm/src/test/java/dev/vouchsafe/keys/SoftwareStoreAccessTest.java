package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that others may read or write, or that are not what they seem. */
class SoftwareStoreAccessTest {
  private static final KeyLabel CA = KeyLabel.of("device-ca", "1");

  @TempDir Path home;
  private SoftwareFolder at;

  @BeforeEach
  void make() throws Exception {
    at = new SoftwareFolder(home);
    try (PrivateKeyStore store = at.create()) {
      store.make(CA, KeyType.EC_P256);
    }
  }

  @Test
  void folderAndFilesAreForTheirOwnerOnly() throws Exception {
    assertThat(SoftwareFolder.mode(at.folder)).isEqualTo("rwx------");
    assertThat(SoftwareFolder.mode(at.sealFile)).isEqualTo("rw-------");
    assertThat(at.files()).hasSize(2);
    for (Path file : at.files()) {
      assertThat(SoftwareFolder.mode(file)).isEqualTo("rw-------");
    }
  }

  /** A process was killed between the two names of a secret: it must not stay under the other. */
  @Test
  void anotherNameOfTheSecretThatAKilledWriterLeftGoesWhenTheStoreIsOpened() throws Exception {
    Path second = home.resolve(".tmp-0123456789abcdef01234567");
    Files.createLink(second, at.sealFile);
    Path foreign = Files.writeString(home.resolve(".tmp-of-somebody-else"), "x");
    Path link = Files.createSymbolicLink(home.resolve(".tmp-link"), at.sealFile);
    openAndFind();
    assertThat(second).doesNotExist();
    assertThat(at.sealFile).exists();
    assertThat(foreign).exists();
    assertThat(link).isSymbolicLink();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-r-----", "rw--w----", "rw----r--", "rw-----w-", "rw-rw-rw-"})
  void aFileThatOthersMayReadOrWriteIsRefusedWithTheCommandThatMendsIt(String mode)
      throws Exception {
    for (Path file : List.of(at.header(), at.file(CA), at.sealFile)) {
      SoftwareFolder.chmod(file, mode);
      assertThatThrownBy(this::openAndFind)
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("chmod 600 " + file);
      SoftwareFolder.chmod(file, "rw-------");
    }
    openAndFind();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rwxr-x---", "rwx-w----", "rwx-----x"})
  void aFolderThatOthersMayEnterIsRefused(String mode) throws Exception {
    SoftwareFolder.chmod(at.folder, mode);
    assertThatThrownBy(at::open)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("chmod 700 " + at.folder);
  }

  @Test
  void whatBelongsToNeitherRootNorUsIsRefusedWithTheCommandThatMendsIt() throws Exception {
    int us = SoftwareStores.effectiveUser();
    if (us != 0) {
      // Only root gives files away: so here it is "us" that is somebody else.
      SoftwareStores another = new SoftwareStores(us + 1, 1_000);
      assertThatThrownBy(() -> another.open(at.folder, at.seal, SoftwareFolder.CRYPTO))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("chown " + (us + 1) + " " + at.folder);
      return;
    }
    for (Path path : List.of(at.folder, at.header(), at.file(CA), at.sealFile)) {
      Files.setAttribute(path, "unix:uid", 12345);
      assertThatThrownBy(this::openAndFind)
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("chown 0 " + path);
      Files.setAttribute(path, "unix:uid", 0);
    }
    openAndFind();
  }

  @Test
  void symbolicLinksInPlaceOfOurFilesAreNotFollowed() throws Exception {
    for (Path path : List.of(at.header(), at.file(CA), at.sealFile, at.folder)) {
      Path aside = home.resolve("aside");
      Files.move(path, aside);
      Files.createSymbolicLink(path, aside);
      assertThatThrownBy(this::openAndFind).isInstanceOf(KeyFault.Failed.class);
      Files.delete(path);
      Files.move(aside, path);
    }
    openAndFind();
  }

  @Test
  void aDanglingLinkAtAKeysPlaceIsNeitherAbsentNorWrittenThrough() throws Exception {
    KeyLabel label = KeyLabel.of("third");
    Path target = home.resolve("target");
    Files.createSymbolicLink(at.file(label), target);
    try (PrivateKeyStore store = at.open()) {
      assertThatThrownBy(() -> store.find(label)).isInstanceOf(KeyFault.Failed.class);
      assertThatThrownBy(() -> store.make(label, KeyType.EC_P256))
          .isInstanceOf(KeyFault.Failed.class);
    }
    assertThat(target).doesNotExist();
  }

  @Test
  void aFolderOrPipeInPlaceOfAFileNeitherBlocksNorOpens() throws Exception {
    for (Path path : List.of(at.header(), at.file(CA), at.sealFile)) {
      byte[] good = Files.readAllBytes(path);
      Files.delete(path);
      Files.createDirectory(path);
      assertThatThrownBy(this::openAndFind).isInstanceOf(KeyFault.Failed.class);
      Files.delete(path);
      Process mkfifo = new ProcessBuilder("mkfifo", "-m", "600", path.toString()).start();
      assertThat(mkfifo.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThatThrownBy(this::openAndFind).isInstanceOf(KeyFault.Failed.class);
      Files.delete(path);
      Files.write(path, good);
      SoftwareFolder.chmod(path, "rw-------");
    }
    openAndFind();
  }

  @Test
  void aFileOverTheLimitIsNotReadToItsEnd() throws Exception {
    for (Path file : List.of(at.header(), at.file(CA), at.sealFile)) {
      byte[] good = Files.readAllBytes(file);
      Files.write(file, Arrays.copyOf(good, SecureFiles.LARGEST + 1));
      assertThatThrownBy(this::openAndFind)
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("larger than");
      Files.write(file, good);
    }
  }

  private void openAndFind() throws KeyFault {
    try (PrivateKeyStore store = at.open()) {
      assertThat(store.find(CA)).isPresent();
    }
  }
}
