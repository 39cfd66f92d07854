package dev.vouchsafe.cli.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.BackupSealer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A backup may be written by anybody: what is read of it is what its manifest says, or nothing. */
class BackupReaderTest {
  private static final BackupSealer SEALER = new BackupSealer("software", "QQ==", "QQ==");

  @TempDir Path folder;

  private Path written() throws IOException {
    Path ledger = Files.writeString(folder.resolve("l"), "ledger ".repeat(40));
    Path key = Files.writeString(folder.resolve("k"), "key");
    Path file = folder.resolve("b.zip");
    Files.deleteIfExists(file);
    try (BackupWriter writer = BackupWriter.create(file)) {
      writer.add(BackupNames.LEDGER, ledger);
      writer.add("data/keys/device-ca.1", key);
      writer.finish(BackupReaderTest::manifest, octets -> new byte[64]);
    }
    return file;
  }

  private static BackupManifest manifest(List<BackupManifest.Entry> files) {
    return new BackupManifest(
        "0".repeat(32), Instant.EPOCH, "gw", "gw.example", "1", "", SEALER, files);
  }

  @Test
  void whatWasWrittenIsReadAgain() throws IOException {
    try (BackupReader reader = BackupReader.open(written())) {
      assertThat(reader.manifest().sealer()).isEqualTo(SEALER);
      assertThat(reader.manifest().files()).hasSize(2);
      assertThat(reader.signature()).hasSize(64);
      Path out = folder.resolve("out");
      reader.extract(reader.manifest().files().getFirst(), out);
      assertThat(out).hasContent("ledger ".repeat(40));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../evil",
        "data/../../evil",
        "/etc/passwd",
        "data/crl/../x.crl",
        "data/keys/..",
        "data/keys/.x",
        "data/keys/a/b",
        "data/keys/a\\b",
        "data/keys-UP/a",
        "data/lock",
        "data/audit/1",
        "registrations.d/../x.toml",
        "registrations.d/.toml",
        "registrations.d/a.txt",
        "seal.key",
        "data/keys/a\u0000b",
        "data/keys/\u00e4",
        "",
        "data/",
        "data/CA.DB"
      })
  void aNameThatLeadsElsewhereOrIsNoneOfOursIsNotTaken(String name) {
    assertThat(BackupNames.isAllowed(name)).isFalse();
    assertThatThrownBy(() ->
            BackupManifest.parse(
                manifest(List.of(new BackupManifest.Entry(name, 1, "0".repeat(64)))).encoded()))
        .isInstanceOf(BackupException.class);
  }

  @Test
  void aManifestWithANameTwiceWithoutLedgerOrOfAnotherFormatIsNone() throws IOException {
    BackupManifest.Entry ledger = new BackupManifest.Entry(BackupNames.LEDGER, 1, "0".repeat(64));
    assertThatThrownBy(() -> BackupManifest.parse(manifest(List.of(ledger, ledger)).encoded()))
        .isInstanceOf(BackupException.class);
    assertThatThrownBy(() ->
            BackupManifest.parse(
                manifest(List.of(new BackupManifest.Entry("data/clock", 1, "0".repeat(64))))
                    .encoded()))
        .hasMessageContaining("no ledger");
    String good = new String(manifest(List.of(ledger)).encoded(), StandardCharsets.UTF_8);
    for (String bad :
        List.of(
            good.replace("\"format\":1", "\"format\":2"),
            good.replace("\"octets\":1", "\"octets\":-1"),
            good.replace("\"octets\":1", "\"octets\":1e3"),
            good.replace("\"octets\":1", "\"octets\":99999999999999999999"),
            good.replace("\"id\"", "\"format\":1,\"id\""),
            good + "{}",
            "[]",
            "",
            "null")) {
      assertThatThrownBy(() -> BackupManifest.parse(bad.getBytes(StandardCharsets.UTF_8)))
          .as(bad)
          .isInstanceOf(BackupException.class);
    }
  }

  private Path zip(String[] names, byte[][] contents) throws IOException {
    ByteArrayOutputStream octets = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(octets)) {
      for (int i = 0; i < names.length; i++) {
        zip.putNextEntry(new ZipEntry(names[i]));
        zip.write(contents[i]);
        zip.closeEntry();
      }
    }
    return Files.write(folder.resolve("made.zip"), octets.toByteArray());
  }

  @Test
  void aFileThatInflatesBeyondWhatTheManifestSaysIsGivenUpAtThatOctet() throws IOException {
    byte[] manifest =
        manifest(List.of(new BackupManifest.Entry(BackupNames.LEDGER, 5, "0".repeat(64))))
            .encoded();
    Path bomb =
        zip(
            new String[] {"data/ca.db", "manifest.json", "manifest.sig"},
            new byte[][] {new byte[64 * 1024 * 1024], manifest, new byte[64]});
    try (BackupReader reader = BackupReader.open(bomb)) {
      Path out = folder.resolve("out");
      assertThatThrownBy(() -> reader.extract(reader.manifest().files().getFirst(), out))
          .isInstanceOf(BackupException.class);
      assertThat(Files.size(out)).isLessThan(100_000);
    }
  }

  @Test
  void aFileThatTheManifestDoesNotNameOrAManifestThatIsTooLargeIsNotTaken() throws IOException {
    byte[] manifest =
        manifest(List.of(new BackupManifest.Entry(BackupNames.LEDGER, 0, "0".repeat(64))))
            .encoded();
    Path more =
        zip(
            new String[] {"data/ca.db", "manifest.json", "manifest.sig", "data/clock"},
            new byte[][] {{}, manifest, new byte[64], {}});
    assertThatThrownBy(() -> BackupReader.open(more)).hasMessageContaining("does not name");
    Path fewer =
        zip(new String[] {"manifest.json", "manifest.sig"}, new byte[][] {manifest, new byte[64]});
    assertThatThrownBy(() -> BackupReader.open(fewer)).hasMessageContaining("lacks");
    Path large =
        zip(new String[] {"manifest.json"}, new byte[][] {new byte[BackupManifest.LARGEST + 1]});
    assertThatThrownBy(() -> BackupReader.open(large)).hasMessageContaining("too large");
    assertThatThrownBy(() -> BackupReader.open(folder)).isInstanceOf(BackupException.class);
  }

  /** A few thousand changes, in a fixed order: none is taken for a backup with other files. */
  @Test
  void noChangeMakesAnotherFileOfItOrThrowsAnythingElse() throws IOException {
    byte[] whole = Files.readAllBytes(written());
    Random random = new Random(4);
    Path changed = folder.resolve("changed.zip");
    Path out = folder.resolve("out");
    for (int round = 0; round < 1500; round++) {
      byte[] octets = whole.clone();
      for (int i = random.nextInt(3); i >= 0; i--) {
        octets[random.nextInt(octets.length)] = (byte) random.nextInt();
      }
      Files.write(changed, octets);
      read(changed, out);
    }
  }

  static void read(Path file, Path out) throws IOException {
    try (BackupReader reader = BackupReader.open(file)) {
      for (BackupManifest.Entry entry : reader.manifest().files()) {
        Files.deleteIfExists(out);
        reader.extract(entry, out);
        assertThat(BackupNames.isAllowed(entry.name())).isTrue();
        assertThat(Files.size(out)).isEqualTo(entry.octets());
      }
    } catch (BackupException e) {
      assertThat(e).hasMessageContaining("");
    }
  }
}
