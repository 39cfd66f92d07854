package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static dev.vouchsafe.keys.TpmHome.signs;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What signatures leave behind: nothing, in the TPM, in this process, or in the store's folder. */
class TpmObjectsTest {
  @TempDir Path place;
  @TempDir Path home;
  private Swtpm tpm;
  private TpmHome keys;

  @BeforeEach
  void start() throws Exception {
    tpm = Swtpm.in(place);
    keys = new TpmHome(home, tpm);
  }

  @AfterEach
  void stop() {
    tpm.close();
  }

  /** All that could grow. */
  private record Left(
      String transients,
      String loaded,
      String saved,
      String persistent,
      long descriptors,
      long files,
      long children) {}

  private Left left() throws Exception {
    return new Left(
        tpm.run("tpm2_getcap", "handles-transient"),
        tpm.run("tpm2_getcap", "handles-loaded-session"),
        tpm.run("tpm2_getcap", "handles-saved-session"),
        tpm.run("tpm2_getcap", "handles-persistent"),
        descriptors(),
        keys.files().size(),
        ProcessHandle.current().children().count());
  }

  private static long descriptors() throws IOException {
    long count = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path path : all) {
        count += Files.isSymbolicLink(path) ? 1 : 0;
      }
    }
    return count;
  }

  private static long usedMemory() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  @Test
  void signaturesLeaveNothingBehind() throws Exception {
    assertNothingGrows(12);
  }

  @Test
  @Tag("fault")
  @Timeout(3600)
  void tenThousandSignaturesLeaveNothingBehind() throws Exception {
    long before = usedMemory();
    assertNothingGrows(10_000);
    assertThat(usedMemory() - before).isLessThan(8 << 20);
  }

  private void assertNothingGrows(int signatures) throws Exception {
    keys.pcrs("sha256:7");
    try (PrivateKeyStore store = keys.create()) {
      StoredKey ca = store.make(CA, KeyType.EC_P256);
      StoredKey token = store.make(KeyLabel.of("token"), KeyType.EC_P256);
      assertThat(signs(ca) && signs(token)).isTrue();
      Left before = left();
      assertThat(before.transients() + before.loaded() + before.saved()).isEmpty();
      for (int i = 0; i < signatures; i += 2) {
        assertThat(signs(ca) && signs(token)).isTrue();
      }
      store.derive(CA);
      Left after = left();
      assertThat(after).usingRecursiveComparison().ignoringFields("descriptors").isEqualTo(before);
      // What the JVM opens meanwhile, such as a jar, counts as well.
      assertThat(after.descriptors()).isLessThan(before.descriptors() + 5);
    }
  }

  private ChildJvm visit(int signatures) throws IOException {
    return new ChildJvm(
        List.of(),
        TpmVisit.class,
        List.of(home.toString(), tpm.tcti(), Integer.toString(signatures)));
  }

  @Test
  void twoProcessesSignWithOneStoreAtATime() throws Exception {
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      try (ChildJvm other = visit(10)) {
        assertThat(other.line()).isEqualTo("true");
        for (int i = 0; i < 10; i++) {
          assertThat(signs(key)).isTrue();
        }
        assertThat(other.all().lines()).hasSize(9).containsOnly("true");
      }
    }
    assertThat(tpm.run("tpm2_getcap", "handles-transient")).isEmpty();
  }

  @Test
  void whatAKilledProcessHasLeftIsClearedAway() throws Exception {
    try (PrivateKeyStore store = keys.create()) {
      store.make(CA, KeyType.EC_P256);
    }
    List<Path> before = keys.files();
    try (ChildJvm other = visit(1_000)) {
      assertThat(other.line()).isEqualTo("true");
      other.kill();
    }
    // As if it had been killed at the worst moment, amid its work.
    Path work = Files.createDirectory(keys.folder.resolve(".work-killed"));
    Files.writeString(work.resolve("primary.ctx"), "x");
    try (PrivateKeyStore store = keys.open()) {
      StoredKey key = store.find(CA).orElseThrow();
      for (int i = 0; i < 3; i++) {
        assertThat(signs(key)).isTrue();
      }
    }
    assertThat(keys.files()).containsExactlyInAnyOrderElementsOf(before);
    assertThat(tpm.run("tpm2_getcap", "handles-transient")).isEmpty();
  }

  @Test
  void slotsThatAProcessOfOursHasLeftFullAreFlushedByTheirNames() throws Exception {
    try (PrivateKeyStore store = keys.create()) {
      store.make(CA, KeyType.EC_P256);
    }
    TpmKeyFile file = TpmKeyFile.parseUnproven(Files.readAllBytes(keys.file(CA)));
    Path blob = Files.createDirectory(home.resolve("blob"));
    Files.write(blob.resolve("pub"), file.blob().publicArea().octets());
    Files.write(blob.resolve("priv"), file.blob().privateArea());
    String primary = blob.resolve("primary").toString();
    tpm.run(
        "tpm2_createprimary",
        "-Q",
        "-C",
        "o",
        "-g",
        "sha256",
        "-G",
        "ecc256:null:aes128cfb",
        "-a",
        "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda",
        "-c",
        primary);
    tpm.run(
        "tpm2_load",
        "-Q",
        "-C",
        primary,
        "-u",
        blob.resolve("pub").toString(),
        "-r",
        blob.resolve("priv").toString(),
        "-c",
        blob.resolve("key").toString());
    assertThat(tpm.run("tpm2_getcap", "handles-transient").lines()).hasSize(3);
    try (PrivateKeyStore store = keys.open()) {
      assertThat(signs(store.find(CA).orElseThrow())).isTrue();
    }
    assertThat(tpm.run("tpm2_getcap", "handles-transient")).isEmpty();
  }
}
