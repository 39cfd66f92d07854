package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.ByteArrayOutputStream;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The parsers of the store's files and of sealed secrets, with mutations of what is valid. */
class MutatedKeyFilesTest {
  private static final byte[] MASTER = new byte[SoftwareStores.MASTER];
  private static final byte[] BOUND = {1, 2, 3};
  private static final byte[] SECRET = {4, 5, 6};

  static List<byte[]> headers() {
    byte[] box = new byte[SealedBox.OVERHEAD + SoftwareStores.MASTER];
    return List.of(
        StoreHeader.forRandomSecret().with(box).encoded(),
        StoreHeader.forPassphrase(600_000, new byte[StoreHeader.SALT]).with(box).encoded());
  }

  static List<byte[]> keyFiles() {
    byte[] box = new byte[SealedBox.OVERHEAD + 138];
    return List.of(
        new KeyFile(KeyType.EC_P256, KeyLabel.of("a", "1").encoded(), new byte[91], box).encoded(),
        new KeyFile(KeyType.RSA_4096, new byte[0], new byte[0], new byte[0]).encoded());
  }

  static byte[] box() {
    return new SealedBox(new SecureRandom()).seal(MASTER, "test", BOUND, SECRET);
  }

  /** What is read is written as it was; what isn't read throws nothing but this. */
  static boolean checkHeader(byte[] octets) {
    try {
      StoreHeader header = StoreHeader.parse(octets);
      assertThat(header.encoded()).isEqualTo(octets);
      assertThat(header.iterations()).isBetween(0, StoreHeader.MOST_ITERATIONS);
      return true;
    } catch (MalformedException e) {
      return false;
    }
  }

  static boolean checkKeyFile(byte[] octets) {
    try {
      assertThat(KeyFile.parse(octets).encoded()).isEqualTo(octets);
      return true;
    } catch (MalformedException e) {
      return false;
    }
  }

  /** Nobody who lacks the master makes a box that opens, unless it is the one that we made. */
  static boolean checkBox(byte[] ours, byte[] octets) {
    Optional<byte[]> opened = SealedBox.open(MASTER, "test", BOUND, octets);
    assertThat(opened.isPresent()).isEqualTo(Arrays.equals(ours, octets));
    return opened.isPresent();
  }

  @Test
  void whatIsValidIsRead() {
    assertThat(headers()).allMatch(MutatedKeyFilesTest::checkHeader);
    assertThat(keyFiles()).allMatch(MutatedKeyFilesTest::checkKeyFile);
    byte[] box = box();
    assertThat(checkBox(box, box)).isTrue();
  }

  @Test
  void mutationsAreReadAsTheyAreOrRefused() {
    Random random = new Random(42);
    byte[] box = box();
    int read = 0;
    for (int round = 0; round < 5_000; round++) {
      read += checkHeader(mutate(headers().get(round % 2), random)) ? 1 : 0;
      read += checkKeyFile(mutate(keyFiles().get(round % 2), random)) ? 1 : 0;
      checkBox(box, mutate(box, random));
    }
    // Not all are refused at the first octet.
    assertThat(read).isGreaterThan(100);
  }

  @Test
  void aBoxOpensWithItsOwnSecretPurposeAndBindingOnly() {
    byte[] box = box();
    byte[] other = new byte[SoftwareStores.MASTER];
    other[31] = 1;
    assertThat(SealedBox.open(MASTER, "test", BOUND, box)).contains(SECRET);
    assertThat(SealedBox.open(other, "test", BOUND, box)).isEmpty();
    assertThat(SealedBox.open(MASTER, "tes", BOUND, box)).isEmpty();
    assertThat(SealedBox.open(MASTER, "test", new byte[] {1, 2}, box)).isEmpty();
  }

  private static byte[] mutate(byte[] seed, Random random) {
    byte[] octets = seed.clone();
    for (int i = random.nextInt(3); i >= 0; i--) {
      int from = random.nextInt(octets.length);
      int to = Math.min(octets.length, from + random.nextInt(9));
      switch (random.nextInt(4)) {
        case 0 -> octets[from] ^= (byte) (1 << random.nextInt(8));
        case 1 -> Arrays.fill(octets, from, to, (byte) (random.nextBoolean() ? 0 : 0xff));
        case 2 -> octets = Arrays.copyOf(octets, Math.max(1, from));
        default -> {
          ByteArrayOutputStream out = new ByteArrayOutputStream();
          out.writeBytes(Arrays.copyOf(octets, to));
          out.writeBytes(Arrays.copyOfRange(octets, from, octets.length));
          octets = out.toByteArray();
        }
      }
    }
    return octets;
  }
}
