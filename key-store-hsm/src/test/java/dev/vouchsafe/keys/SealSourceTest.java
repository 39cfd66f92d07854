package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where the sealing secret comes from, and what is refused as one. */
class SealSourceTest {
  private static final String GOOD = "a long enough passphrase";

  @TempDir Path home;
  private SoftwareFolder at;

  @BeforeEach
  void name() {
    at = new SoftwareFolder(home);
  }

  @Test
  void theGeneratedSecretIsRandomAndStoresDiffer() throws Exception {
    at.create().close();
    SoftwareFolder other = new SoftwareFolder(Files.createDirectory(home.resolve("other")));
    other.create().close();
    assertThat(Base64.getDecoder().decode(Files.readString(at.sealFile))).hasSize(32);
    assertThat(Files.readString(at.sealFile)).isNotEqualTo(Files.readString(other.sealFile));
  }

  @Test
  void aSealFileThatAnEditorGaveALineEndStillOpens() throws Exception {
    at.create().close();
    Files.writeString(at.sealFile, Files.readString(at.sealFile) + "\n");
    at.open().close();
  }

  @Test
  void aSealFileThatExistsIsKeptAndNoStoreIsMade() throws Exception {
    at.write("seal.key", "rw-------", "of another store");
    assertThatThrownBy(at::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining(at.sealFile.toString());
    assertThat(at.sealFile).hasContent("of another store");
    assertThat(at.folder).doesNotExist();
  }

  @Test
  void aFolderThatExistsIsKeptAndNoSealFileIsMade() throws Exception {
    Files.createDirectory(at.folder);
    assertThatThrownBy(at::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining(at.folder.toString());
    assertThat(at.sealFile).doesNotExist();
    assertThat(at.folder).isEmptyDirectory();
  }

  @Test
  void aSecretThatCannotBeHadLeavesNoStoreBehind() {
    SealSource missing = new SealSource.PassphraseFile(home.resolve("missing"));
    assertThatThrownBy(() -> at.create(missing))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining(home.resolve("missing").toString());
    assertThat(home).isEmptyDirectory();
    SealSource nowhere = new SealSource.GeneratedFile(home.resolve("no/folder/seal.key"));
    assertThatThrownBy(() -> at.create(nowhere)).isInstanceOf(KeyFault.Failed.class);
    assertThat(home).isEmptyDirectory();
  }

  @Test
  void aSecretInsideTheStoreWouldProtectNothingAndIsRefused() {
    for (String name : List.of("seal.key", "sub/seal.key", "../keys/seal.key")) {
      SealSource inside = new SealSource.GeneratedFile(at.folder.resolve(name));
      assertThatThrownBy(() -> at.create(inside)).isInstanceOf(KeyFault.Failed.class);
    }
    assertThat(home).isEmptyDirectory();
  }

  @Test
  void aStoreThatIsNotThereIsFailedByItsName() {
    assertThatThrownBy(at::open)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining(at.folder.toString());
  }

  @Test
  void aLineEndIsNoPartOfThePassphrase() throws Exception {
    at.create(at.passphrase(GOOD)).close();
    for (String text : List.of(GOOD + "\n", GOOD + "\r\n", GOOD)) {
      at.open(at.passphrase(text)).close();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "A long enough passphrase",
        "a long enough passphras",
        " a long enough passphrase"
      })
  void aWrongPassphraseOpensNothing(String wrong) throws Exception {
    at.create(at.passphrase(GOOD)).close();
    assertThatThrownBy(() -> at.open(at.passphrase(wrong)))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining(home.resolve("passphrase").toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n", "\r\n", "two\nlines", "two\n\n", "with\rreturn", "with\0zero"})
  void whatIsNotOneLineIsNoPassphrase(String text) throws Exception {
    assertThatThrownBy(() -> at.create(at.passphrase(text))).isInstanceOf(KeyFault.Failed.class);
    assertThat(at.folder).doesNotExist();
  }

  @Test
  void octetsThatAreNotUtf8AreNoPassphrase() throws Exception {
    SealSource.PassphraseFile source = at.passphrase("x");
    Files.write(source.file(), new byte[] {(byte) 0xc3, 0x28, (byte) 0xff});
    assertThatThrownBy(() -> at.create(source))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("UTF-8");
  }

  @Test
  void theOtherKindOfSecretIsNamed() throws Exception {
    at.create().close();
    assertThatThrownBy(() -> at.open(at.passphrase(GOOD)))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("generated file");
    SoftwareFolder other = new SoftwareFolder(Files.createDirectory(home.resolve("other")));
    other.create(other.passphrase(GOOD)).close();
    assertThatThrownBy(() -> other.open(at.seal))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("passphrase");
  }

  @ParameterizedTest
  @ValueSource(strings = {"r--------", "rw-------", "r--r-----", "rw-r-----"})
  void thePassphrasesGroupMayReadIt(String mode) throws Exception {
    Path file = at.write("passphrase", mode, GOOD);
    at.create(new SealSource.PassphraseFile(file)).close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-rw----", "rw-r--r--", "rw-r---w-", "rw--w----", "rwxr-xr-x"})
  void aPassphraseThatOthersMayReadOrItsGroupWriteIsRefused(String mode) throws Exception {
    Path file = at.write("passphrase", mode, GOOD);
    assertThatThrownBy(() -> at.create(new SealSource.PassphraseFile(file)))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("chmod 640 " + file);
    assertThat(at.folder).doesNotExist();
  }

  @Test
  void aPassphraseBehindALinkIsJudgedByTheFileThatHoldsIt() throws Exception {
    Path real = at.write("real", "rw-r--r--", GOOD);
    SealSource link =
        new SealSource.PassphraseFile(Files.createSymbolicLink(home.resolve("link"), real));
    assertThatThrownBy(() -> at.create(link))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining(real.toRealPath().toString());
    SoftwareFolder.chmod(real, "rw-------");
    at.create(link).close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"../secret", "a/b", "/etc/passwd", "..", ".", "", ".hidden"})
  void theNameOfACredentialLeadsNowhereElse(String name) throws Exception {
    Path folder = Files.createDirectory(home.resolve("credentials"));
    at.write("secret", "rw-------", GOOD);
    assertThatThrownBy(() -> at.create(new SealSource.SystemdCredential(folder, name)))
        .isInstanceOf(KeyFault.Failed.class);
    assertThat(at.folder).doesNotExist();
  }

  @Test
  void aHeaderWithAnotherDerivationOpensNothing() throws Exception {
    SealSource source = at.passphrase(GOOD);
    at.create(source).close();
    byte[] good = Files.readAllBytes(at.header());
    for (int bit = 8 * 8; bit < 30 * 8; bit += 3) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << (bit % 8));
      int iterations = ByteBuffer.wrap(bad).getInt(10);
      // What lies between is tried in earnest, which takes seconds.
      if (iterations < 20_000 || iterations > StoreHeader.MOST_ITERATIONS) {
        Files.write(at.header(), bad);
        assertThatThrownBy(() -> at.open(source)).isInstanceOf(KeyFault.Failed.class);
      }
    }
    Files.write(at.header(), good);
    at.open(source).close();
  }

  @Test
  void aCountOfIterationsThatWouldTakeForHoursIsNotTried() {
    byte[] header = StoreHeader.forPassphrase(Integer.MAX_VALUE, new byte[16]).encoded();
    assertThatThrownBy(() -> StoreHeader.parse(header)).hasMessageContaining("iterations");
  }

  @Test
  void thePublicFactoryDerivesFromAPassphraseSlowly() throws Exception {
    SealSource source = at.passphrase("short");
    try (PrivateKeyStore store =
        PrivateKeyStores.createSoftware(at.folder, source, SoftwareFolder.CRYPTO)) {
      assertThat(store.describe().protection()).contains("600000 iterations");
      assertThat(store.describe().warnings().getFirst()).contains("short");
    }
    assertThat(StoreHeader.parse(Files.readAllBytes(at.header())).iterations())
        .isGreaterThanOrEqualTo(600_000);
    PrivateKeyStores.openSoftware(at.folder, source, SoftwareFolder.CRYPTO).close();
  }

  @Test
  void noFaultAndNoDescriptionShowsTheSecret() throws Exception {
    String secret = "hunter2-but-longer";
    at.create(at.passphrase(secret)).close();
    StringWriter shown = new StringWriter();
    try (PrivateKeyStore store = at.open(at.passphrase(secret))) {
      shown.write(store.describe() + " " + store + " " + at.passphrase(secret));
    }
    for (String wrong : List.of(secret + "\n" + secret, secret + "\0", secret + "x")) {
      try (PrivateKeyStore store = at.open(at.passphrase(wrong))) {
        throw new AssertionError("opened " + store);
      } catch (KeyFault e) {
        e.printStackTrace(new PrintWriter(shown, true));
      }
    }
    SealSource.GeneratedFile notBase64 =
        new SealSource.GeneratedFile(at.write("seal.bad", "rw-------", secret + "!"));
    assertThatThrownBy(() -> at.open(notBase64))
        .satisfies(e -> e.printStackTrace(new PrintWriter(shown, true)));
    assertThat(shown.toString()).contains("seal.bad").doesNotContain("hunter2");
  }
}
