package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/**
 * The parsers of a TPM store's files and of what tpm2-tools print, with mutations of valid ones.
 */
class MutatedTpmFilesTest {
  private static final byte[] SECRET = new byte[32];
  private static final int FIXED_TPM_SIGN_AUTH = 0x00040072;
  private static final int FIXED_TPM_SIGN_POLICY = 0x00040432;

  /** TPM2B_PUBLIC of a key on P-256, of RSA-2048, or an HMAC key, whatever their numbers are. */
  static byte[] publicArea(int type, byte[] policy, int[] parameters, int... unique) {
    ByteBuffer out = ByteBuffer.allocate(1024).putShort((short) 0);
    out.putShort((short) type).putShort((short) 0x000b);
    out.putInt(policy.length == 0 ? FIXED_TPM_SIGN_AUTH : FIXED_TPM_SIGN_POLICY);
    out.putShort((short) policy.length).put(policy);
    for (int parameter : parameters) {
      out.putShort((short) parameter);
    }
    for (int length : unique) {
      out.putShort((short) length).put(new byte[length]);
    }
    out.putShort(0, (short) (out.position() - Short.BYTES));
    return Arrays.copyOf(out.array(), out.position());
  }

  static byte[] ecc(byte[] policy) {
    return publicArea(0x0023, policy, new int[] {0x10, 0x18, 0x0b, 0x03, 0x10}, 32, 32);
  }

  static List<byte[]> publicAreas() {
    return List.of(
        ecc(new byte[0]),
        ecc(new byte[32]),
        publicArea(0x0001, new byte[0], new int[] {0x10, 0x14, 0x0b, 2048, 0, 0}, 256),
        publicArea(0x0008, new byte[0], new int[] {0x05, 0x0b}, 32));
  }

  private static TpmBlob blob(byte[] publicArea) {
    byte[] privateArea = new byte[128];
    privateArea[1] = 126;
    try {
      return TpmBlob.of(publicArea, privateArea);
    } catch (MalformedException e) {
      throw new IllegalStateException(e);
    }
  }

  static List<byte[]> headers() {
    TpmName name = TpmName.of(new byte[34]);
    TpmBlob sealingKey = blob(publicAreas().getLast());
    return List.of(
        new TpmStoreFile(false, false, 0, name, TpmName.NONE, sealingKey).encoded(),
        new TpmStoreFile(true, true, TpmHandles.FIRST, name, name, sealingKey).encoded());
  }

  static List<byte[]> keyFiles() {
    byte[] label = KeyLabel.of("device-ca", "1").encoded();
    TpmPcrs pcrs = new TpmPcrs(PcrSelection.parse("sha256:0,7"), new byte[64]);
    return List.of(
        new TpmKeyFile(0, label, Optional.empty(), blob(ecc(new byte[0]))).encoded(SECRET),
        new TpmKeyFile(TpmHandles.LAST, label, Optional.of(pcrs), blob(ecc(new byte[32])))
            .encoded(SECRET));
  }

  /** What is read is written as it was; what isn't read throws nothing but this. */
  static boolean checkHeader(byte[] octets) {
    try {
      assertThat(TpmStoreFile.parse(octets).encoded()).isEqualTo(octets);
      return true;
    } catch (MalformedException e) {
      return false;
    }
  }

  /** The same without the hash at its end, so that what is before it is tried as well. */
  static boolean checkKeyFile(byte[] octets) {
    boolean ours = keyFiles().stream().anyMatch(file -> Arrays.equals(file, octets));
    try {
      TpmKeyFile.parse(octets, SECRET);
      assertThat(ours).isTrue();
    } catch (MalformedException e) {
      assertThat(ours).isFalse();
    }
    try {
      byte[] again = TpmKeyFile.parseUnproven(octets).encoded(SECRET);
      assertThat(Arrays.copyOf(again, again.length - 32))
          .isEqualTo(Arrays.copyOf(octets, octets.length - 32));
      return true;
    } catch (MalformedException e) {
      return false;
    }
  }

  static boolean checkPublicArea(byte[] octets) {
    try {
      TpmPublic area = TpmPublic.parse(octets);
      assertThat(area.octets()).isEqualTo(octets);
      assertThat(area.name().hex()).startsWith("000b").hasSize(68);
      area.key(TpmHome.CRYPTO);
      return true;
    } catch (MalformedException e) {
      return false;
    }
  }

  static boolean checkPrinted(byte[] octets) {
    TpmRc.kind(new String(octets, UTF_8));
    assertThat(TpmRc.text(octets)).hasSizeLessThan(600).doesNotContain("\n");
    TpmLockout.parse(octets);
    return TpmHandles.parse(octets).size() > 1;
  }

  static byte[] printed() {
    return """
    - 0x81756600
    - 0x80000000
      inLockout:                 1
    TPM2_PT_LOCKOUT_COUNTER: 0x1
    ERROR: Esys_HMAC(0x98E) - tpm:session(1):the authorization HMAC check failed
    """
        .getBytes(US_ASCII);
  }

  @Test
  void whatIsValidIsRead() {
    assertThat(headers()).allMatch(MutatedTpmFilesTest::checkHeader);
    assertThat(keyFiles()).allMatch(MutatedTpmFilesTest::checkKeyFile);
    assertThat(publicAreas()).allMatch(MutatedTpmFilesTest::checkPublicArea);
    assertThat(checkPrinted(printed())).isTrue();
  }

  @Test
  void everyFlippedBitOfAFileIsNoticed() {
    for (byte[] file : headers()) {
      assertNoFlip(file, MutatedTpmFilesTest::checkHeader);
    }
    for (byte[] file : keyFiles()) {
      assertNoFlip(
          file,
          octets -> {
            try {
              TpmKeyFile.parse(octets, SECRET);
              return true;
            } catch (MalformedException e) {
              return false;
            }
          });
    }
  }

  private static void assertNoFlip(byte[] file, Predicate<byte[]> read) {
    for (int bit = 0; bit < file.length * 8; bit++) {
      byte[] changed = file.clone();
      changed[bit / 8] ^= (byte) (1 << (bit % 8));
      assertThat(read.test(changed)).isFalse();
    }
  }

  @Test
  void mutationsAreReadAsTheyAreOrRefused() {
    Random random = new Random(42);
    int read = 0;
    for (int round = 0; round < 3_000; round++) {
      checkHeader(mutate(headers().get(round % 2), random));
      read += checkKeyFile(mutate(keyFiles().get(round % 2), random)) ? 1 : 0;
      read += checkPublicArea(mutate(publicAreas().get(round % 4), random)) ? 1 : 0;
      read += checkPrinted(mutate(printed(), random)) ? 1 : 0;
    }
    // Not all are refused at the first octet.
    assertThat(read).isGreaterThan(1_000);
  }

  @Test
  void aKeyFileOfAnotherStoreIsRefused() {
    byte[] other = SECRET.clone();
    other[0] = 1;
    for (byte[] file : keyFiles()) {
      assertThatThrownBy(() -> TpmKeyFile.parse(file, other))
          .isInstanceOf(MalformedException.class);
    }
  }

  @Test
  void anObjectThatCouldLeaveItsTpmIsRefused() {
    // fixedTPM, fixedParent, sensitiveDataOrigin, sign: taken away; restricted, decrypt: added.
    for (int bit : new int[] {0x02, 0x10, 0x20, 0x40000, 0x10000, 0x20000, 0x800, 0x80}) {
      byte[] area = ecc(new byte[0]);
      ByteBuffer.wrap(area).putInt(6, FIXED_TPM_SIGN_AUTH ^ bit);
      assertThat(checkPublicArea(area)).as("attribute %x", bit).isFalse();
    }
    byte[] noDictionaryAttackProtection = ecc(new byte[0]);
    ByteBuffer.wrap(noDictionaryAttackProtection).putInt(6, FIXED_TPM_SIGN_AUTH ^ 0x400);
    assertThat(checkPublicArea(noDictionaryAttackProtection)).isTrue();
  }

  static byte[] mutate(byte[] seed, Random random) {
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
