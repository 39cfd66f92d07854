package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process is killed while it makes keys; what a power cut adds is tried by the end-to-end tests.
 */
@Tag("fault")
class KilledStoreTest {
  @TempDir Path home;

  @Test
  void everyKeyThatWasPromisedBeforeAKillIsThereAndTheFolderIsClean() throws Exception {
    SoftwareFolder at = new SoftwareFolder(home);
    at.create().close();
    Random random = new Random(5);
    for (int round = 0; round < 20; round++) {
      String name = "round-" + round;
      List<String> promised = new ArrayList<>();
      try (ChildJvm child =
          new ChildJvm(List.of(), KeyMaker.class, List.of(home.toString(), name))) {
        for (int i = random.nextInt(40); i >= 0; i--) {
          promised.add(child.line());
        }
        child.kill();
      }
      try (PrivateKeyStore store = at.open()) {
        for (String line : promised) {
          assertPromise(store, name, line);
        }
      }
    }
    assertThat(at.files()).noneMatch(file -> file.getFileName().toString().startsWith("."));
  }

  private static void assertPromise(PrivateKeyStore store, String name, String line)
      throws Exception {
    String[] parts = line.split(" ", 2);
    assertThat(parts).hasSize(2);
    StoredKey key = store.find(KeyLabel.of(name, parts[0])).orElseThrow();
    assertThat(HexFormat.of().formatHex(key.publicKey().getEncoded())).isEqualTo(parts[1]);
  }
}
