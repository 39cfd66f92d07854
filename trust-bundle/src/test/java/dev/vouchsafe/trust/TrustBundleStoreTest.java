package dev.vouchsafe.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrustBundleStoreTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final X509Certificate ROOT = Certificates.named("root-p256");
  private static final X509Certificate NEXT = Certificates.named("next-p256");
  private static final X509Certificate OTHER = Certificates.named("root-rsa");

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("trust-bundle.json");
  }

  @Test
  void aNewBundleHasSequenceOneAndIsReadableByAll() throws Exception {
    TrustBundles bundles = TrustBundleStore.create(file, HOUR, List.of(ROOT));
    assertThat(bundles.current())
        .isEqualTo(new TrustBundle(1, HOUR, Certificates.content(List.of(ROOT), List.of())));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-r--r--");
  }

  @Test
  void aFileThatExistsIsNotReplaced() throws Exception {
    Files.writeString(file, "mine");
    assertThatThrownBy(() -> TrustBundleStore.create(file, HOUR, List.of(ROOT)))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessageContaining(file.toString());
    assertThat(file).hasContent("mine");
    assertThat(folder).isDirectoryNotContaining(path -> !path.equals(file));
  }

  @Test
  void aFileThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> TrustBundleStore.open(file, HOUR))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining(file.toString());
    Path nowhere = folder.resolve("missing/bundle.json");
    assertThatThrownBy(() -> TrustBundleStore.create(nowhere, HOUR, List.of(ROOT)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(folder.resolve("missing").toString());
  }

  @Test
  void everythingIsThereAfterARestart() throws Exception {
    TrustBundle published =
        Certificates.publish(
            TrustBundleStore.create(file, HOUR, List.of(ROOT)),
            List.of(NEXT, ROOT),
            List.of(OTHER));
    assertThat(published.sequence()).isEqualTo(2);
    assertThat(TrustBundleStore.open(file, HOUR).current()).isEqualTo(published);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-r--r--");
  }

  @Test
  void publishingTheSameAgainChangesNothing() throws Exception {
    TrustBundles bundles = TrustBundleStore.create(file, HOUR, List.of(ROOT));
    byte[] before = Files.readAllBytes(file);
    assertThat(Certificates.publish(bundles, List.of(ROOT, ROOT), List.of()).sequence())
        .isEqualTo(1);
    assertThat(Certificates.publish(bundles, List.of(ROOT), List.of(ROOT)).sequence()).isEqualTo(1);
    assertThat(file).hasBinaryContent(before);
  }

  @Test
  void theSequenceRisesThoughTheContentReturnsToAnOldState() throws Exception {
    TrustBundles bundles = TrustBundleStore.create(file, HOUR, List.of(ROOT));
    assertThat(Certificates.publish(bundles, List.of(ROOT), List.of(OTHER)).sequence())
        .isEqualTo(2);
    assertThat(Certificates.publish(bundles, List.of(ROOT), List.of()).sequence()).isEqualTo(3);
    TrustBundles again = TrustBundleStore.open(file, HOUR);
    assertThat(Certificates.publish(again, List.of(ROOT), List.of(OTHER)).sequence()).isEqualTo(4);
  }

  @Test
  void theOrderOfRootsIsAChangeSinceTheFirstOneIssues() throws Exception {
    TrustBundles bundles = TrustBundleStore.create(file, HOUR, List.of(ROOT, NEXT));
    TrustBundle turned = Certificates.publish(bundles, List.of(NEXT, ROOT), List.of());
    assertThat(turned.sequence()).isEqualTo(2);
    assertThat(turned.roots()).containsExactly(NEXT, ROOT);
  }

  @Test
  void whatComesTwiceIsKeptOnceAndARootIsNotExtra() throws Exception {
    TrustBundle bundle =
        Certificates.publish(
            TrustBundleStore.create(file, HOUR, List.of(ROOT, ROOT)),
            List.of(ROOT, NEXT, ROOT),
            List.of(OTHER, NEXT, OTHER));
    assertThat(bundle.roots()).containsExactly(ROOT, NEXT);
    assertThat(bundle.extra()).containsExactly(OTHER);
  }

  @Test
  void aCertificateThatIsNoCaIsRefusedByItsSubject() throws Exception {
    X509Certificate leaf = Certificates.named("leaf");
    assertThatThrownBy(() -> TrustBundleStore.create(file, HOUR, List.of(leaf)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("CN=leaf");
    assertThat(file).doesNotExist();

    TrustBundles bundles = TrustBundleStore.create(file, HOUR, List.of(ROOT));
    for (List<X509Certificate> extra : List.of(List.of(leaf), List.of(OTHER, leaf))) {
      assertThatThrownBy(() -> Certificates.publish(bundles, List.of(ROOT), extra))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("CN=leaf");
    }
    assertThat(bundles.current().sequence()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"root-ed25519", "root-k1"})
  void aRootWithAKeyThatTheSpiffeBundleCannotSayIsRefused(String name) {
    assertThatThrownBy(() -> TrustBundleStore.create(file, HOUR, List.of(Certificates.named(name))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("CN=" + name);
  }

  @Test
  void aBundleWithoutARootIsRefused() throws Exception {
    assertThatThrownBy(() -> TrustBundleStore.create(file, HOUR, List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    TrustBundles bundles = TrustBundleStore.create(file, HOUR, List.of(ROOT));
    assertThatThrownBy(() -> Certificates.publish(bundles, List.of(), List.of(OTHER)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aHintUnderASecondIsRefused() {
    assertThatThrownBy(() -> TrustBundleStore.create(file, Duration.ofMillis(999), List.of(ROOT)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(file).doesNotExist();
  }

  @Test
  void aBundleThatCouldNotBeReadAgainIsNotWritten() throws Exception {
    BundleDocument huge =
        new BundleDocument(1, Certificates.content(Collections.nCopies(3_000, ROOT), List.of()));
    assertThatThrownBy(huge::encoded).isInstanceOf(IOException.class);
  }

  @Test
  void aWriteThatFailsLeavesTheOldVersionToReaders() throws Exception {
    Path inner = Files.createDirectory(folder.resolve("inner"));
    TrustBundles bundles =
        TrustBundleStore.create(inner.resolve("bundle.json"), HOUR, List.of(ROOT));
    Files.move(inner, folder.resolve("moved"));
    assertThatThrownBy(() -> Certificates.publish(bundles, List.of(NEXT), List.of()))
        .isInstanceOf(IOException.class);
    assertThat(bundles.current().roots()).containsExactly(ROOT);
    Files.move(folder.resolve("moved"), inner);
    assertThat(Certificates.publish(bundles, List.of(NEXT), List.of()).sequence()).isEqualTo(2);
  }

  @Test
  void whatAPowerCutLeftIsIgnoredAndRemoved() throws Exception {
    TrustBundles bundles = TrustBundleStore.create(file, HOUR, List.of(ROOT));
    Path left = folder.resolve(".trust-bundle.json.tmp-123");
    Path foreign = folder.resolve("other.json");
    Files.writeString(left, "{\"version\":1,\"sequ");
    Files.writeString(foreign, "not ours");
    assertThat(TrustBundleStore.open(file, HOUR).current()).isEqualTo(bundles.current());
    assertThat(left).doesNotExist();
    assertThat(foreign).exists();
  }

  @Test
  void noFlippedBitIsEverReadAsAnotherBundle() throws Exception {
    TrustBundles bundles = TrustBundleStore.create(file, HOUR, List.of(ROOT));
    Certificates.publish(bundles, List.of(ROOT, NEXT), List.of(OTHER));
    byte[] good = Files.readAllBytes(file);
    BundleDocument document = BundleDocument.parse(good);
    Random random = new Random(3);
    int refused = 0;
    for (int i = 0; i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= (byte) (1 << random.nextInt(8));
      try {
        assertThat(BundleDocument.parse(bad)).isEqualTo(document);
      } catch (IOException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(good.length * 9 / 10);
  }

  @Test
  void aFileThatIsCutOffIsDamagedWhereverItEnds() throws Exception {
    TrustBundleStore.create(file, HOUR, List.of(ROOT));
    byte[] good = Files.readAllBytes(file);
    for (int length = 0; length < good.length; length += 7) {
      Files.write(file, Arrays.copyOf(good, length));
      assertThatThrownBy(() -> TrustBundleStore.open(file, HOUR))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(file.toString());
    }
  }

  static Stream<String> wrongTexts() {
    String cert = "\"AAAA\"";
    String tail = ",\"extra\":[],\"sha256\":\"00\"}";
    return Stream.of(
        "",
        "null",
        "[]",
        "7",
        "\"text\"",
        "{}",
        "{\"version\":2,\"sequence\":1,\"roots\":[]" + tail,
        "{\"version\":\"1\",\"sequence\":1,\"roots\":[]" + tail,
        "{\"version\":1.0,\"sequence\":1,\"roots\":[]" + tail,
        "{\"version\":1,\"sequence\":0,\"roots\":[]" + tail,
        "{\"version\":1,\"sequence\":-1,\"roots\":[]" + tail,
        "{\"version\":1,\"sequence\":1.5,\"roots\":[]" + tail,
        "{\"version\":1,\"sequence\":99999999999999999999999,\"roots\":[]" + tail,
        "{\"version\":1,\"sequence\":9223372036854775808,\"roots\":[]" + tail,
        "{\"version\":1,\"sequence\":1,\"roots\":{}" + tail,
        "{\"version\":1,\"sequence\":1,\"roots\":[" + cert + "]" + tail,
        "{\"version\":1,\"sequence\":1,\"roots\":[7]" + tail,
        "{\"version\":1,\"sequence\":1,\"roots\":[[[[[]]]]]" + tail,
        "{\"version\":1,\"sequence\":1,\"roots\":[\"!\"]" + tail,
        "{\"version\":1,\"sequence\":1,\"sequence\":1,\"roots\":[]" + tail,
        "{\"version\":1,\"sequence\":1,\"roots\":[],\"more\":1" + tail);
  }

  @ParameterizedTest
  @MethodSource("wrongTexts")
  void aFileOfAnotherShapeIsRefusedByItsName(String text) throws Exception {
    Files.writeString(file, text);
    assertThatThrownBy(() -> TrustBundleStore.open(file, HOUR))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void aGoodBundleWithOneFieldMoreOrLessOrASecondTextIsRefused() throws Exception {
    TrustBundleStore.create(file, HOUR, List.of(ROOT));
    String good = Files.readString(file);
    for (String bad :
        List.of(
            good.replaceFirst("\\{", "{\"more\":1,"),
            good.replace("\"extra\"", "\"extras\""),
            good + "{}",
            good.replaceAll(",\\s*\"sha256\" : \"[0-9a-f]+\"", ""),
            good.replace("\"sequence\" : 1", "\"sequence\" : 2"))) {
      assertThat(bad).isNotEqualTo(good);
      assertThatThrownBy(() -> BundleDocument.parse(bad.getBytes(StandardCharsets.UTF_8)))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aFileOverTheLimitIsNotReadToItsEnd() throws Exception {
    TrustBundleStore.create(file, HOUR, List.of(ROOT));
    Files.writeString(file, Files.readString(file) + " ".repeat(BundleDocument.LARGEST));
    assertThatThrownBy(() -> TrustBundleStore.open(file, HOUR))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-rw-r--", "rw-r--rw-"})
  void aFileThatOthersMayChangeIsRefusedWithTheCommandThatMendsIt(String mode) throws Exception {
    TrustBundleStore.create(file, HOUR, List.of(ROOT));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    assertThatThrownBy(() -> TrustBundleStore.open(file, HOUR))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("chmod 644 " + file);
  }

  @Test
  void aSymbolicLinkOrAFolderInItsPlaceIsRefused() throws Exception {
    Path real = folder.resolve("real.json");
    TrustBundleStore.create(real, HOUR, List.of(ROOT));
    Files.createSymbolicLink(file, real);
    assertThatThrownBy(() -> TrustBundleStore.open(file, HOUR)).isInstanceOf(IOException.class);
    Files.delete(file);
    Files.createDirectory(file);
    assertThatThrownBy(() -> TrustBundleStore.open(file, HOUR)).isInstanceOf(IOException.class);
  }
}
