package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that an administrator gives for a CA from outside, damaged in every way. */
class OutsideFilesFuzzTest {
  private static final int ROUNDS = 2000;

  private static void read(byte[] octets) {
    try {
      ImportedRoot root =
          ImportedRoot.read(octets, Optional.empty(), "correct horse".toCharArray(), TestCa.CRYPTO);
      assertThat(root.anchor()).isNotNull();
    } catch (OutsideException e) {
      assertThat(e.getMessage()).isNotEmpty();
    }
  }

  @Tag("fuzz")
  @FuzzTest(maxDuration = "2m")
  void whateverIsGivenIsReadOrRefusedAndNothingElse(FuzzedDataProvider data) {
    read(data.consumeRemainingAsBytes());
  }

  @Test
  void mutatedFilesAreReadOrRefusedAndNothingElse(@TempDir Path folder) throws Exception {
    OpensslCa openssl = new OpensslCa(folder).root("top");
    openssl.key("plant", "P-256");
    openssl.signed("plant", "top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    openssl.openssl(
        "pkcs12",
        "-export",
        "-inkey",
        "plant.key",
        "-in",
        "plant.pem",
        "-iter",
        "1",
        "-passout",
        "pass:correct horse",
        "-out",
        "plant.p12");
    List<byte[]> seeds =
        List.of(openssl.together("plant.pem", "top.pem", "plant.key"), openssl.read("plant.p12"));
    Random random = new Random(20261123);
    for (int round = 0; round < ROUNDS; round++) {
      byte[] octets = seeds.get(round % seeds.size()).clone();
      for (int change = 0; change <= random.nextInt(3); change++) {
        octets[random.nextInt(octets.length)] = (byte) random.nextInt(256);
      }
      int end = random.nextInt(8) == 0 ? random.nextInt(octets.length) : octets.length;
      read(java.util.Arrays.copyOf(octets, end));
    }
    read("-----BEGIN CERTIFICATE-----".repeat(2000).getBytes(StandardCharsets.US_ASCII));
    read(("-----BEGIN X-----" + "A".repeat(100_000)).getBytes(StandardCharsets.US_ASCII));
  }
}
