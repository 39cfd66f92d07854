package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
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
  void aNameThatIsNoAsn1InsideIsRefused(@TempDir Path folder) throws Exception {
    OpensslCa openssl = new OpensslCa(folder).root("top");
    byte[] whole = openssl.read("top.pem");
    byte[] key = openssl.read("top.key");
    String base64 =
        new String(whole, StandardCharsets.US_ASCII).replaceAll("-----[A-Z ]+-----|\\s", "");
    byte[] der = Base64.getDecoder().decode(base64);
    int refused = 0;
    for (int at = 0; at < der.length; at++) {
      for (int tag : new int[] {0x08, 0x1f, 0x29}) {
        byte[] other = der.clone();
        other[at] = (byte) tag;
        String pem =
            "-----BEGIN CERTIFICATE-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(other)
                + "\n-----END CERTIFICATE-----\n";
        try {
          ImportedRoot _ =
              ImportedRoot.read(
                  pem.getBytes(StandardCharsets.US_ASCII), Optional.of(key), null, TestCa.CRYPTO);
        } catch (OutsideException e) {
          refused++;
        }
      }
    }
    assertThat(refused).isGreaterThan(der.length);
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
