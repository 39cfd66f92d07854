package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import dev.vouchsafe.keys.KeyLabel;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The modules' symmetric keys, recomputed by nothing but HMAC and AES, and attacked. */
class ModuleKeysTest {
  private static final Module MODULE = new Module("$edgeHub", "638,a");
  private static final byte[] DATA = octets("hub.example%2Fdevices%2Fgw\n1762338030");
  private static final byte[] IV = octets("an iv");

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private ModuleKeys keys() {
    return ca.ca().moduleKeys();
  }

  private static byte[] octets(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] hmac(byte[] key, byte[] data) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(data);
  }

  /** The length-prefixed parts, written down here once more. */
  private static byte[] parts(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(ByteBuffer.allocate(4).putInt(part.length).array());
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  private byte[] master(String name) throws Exception {
    try (Connection connection = LedgerPeek.connect(ca.settings.directory());
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT sealed FROM sealed_secret WHERE name = '" + name + "'")) {
      assertThat(rows.next()).isTrue();
      return ca.store.unseal(KeyLabel.of("module-master", name), rows.getBytes(1));
    }
  }

  @ParameterizedTest
  @EnumSource(Which.class)
  void aSignatureIsTheDocumentedDerivationWordForWord(Which which) throws Exception {
    byte[] label =
        parts(
            octets("module-signing"),
            octets("$edgeHub"),
            octets("638,a"),
            octets(which == Which.PRIMARY ? "primary" : "secondary"));
    byte[] key = hmac(master("module-signing"), label);

    assertThat(keys().sign(MODULE, which, DATA)).isEqualTo(hmac(key, DATA)).hasSize(32);
    assertThat(keys().reveal(MODULE, which, "uid 0")).isEqualTo(key);
  }

  @Test
  void aCiphertextIsTheDocumentedFormatWordForWord() throws Exception {
    byte[] box = keys().encrypt(MODULE, IV, DATA);
    assertThat(box).hasSize(1 + 16 + DATA.length + 16).startsWith(3);

    byte[] dataKey =
        hmac(
            master("module-data"),
            parts(octets("module-data"), octets("$edgeHub"), octets("638,a")));
    // HKDF of RFC 5869, by its own definition: extract, and one block of expand.
    byte[] pseudorandom = hmac(Arrays.copyOfRange(box, 1, 17), dataKey);
    byte[] key = hmac(pseudorandom, octets("vouchsafe module data 3\u0001"));
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(
        Cipher.DECRYPT_MODE,
        new SecretKeySpec(key, "AES"),
        new GCMParameterSpec(128, new byte[12]));
    cipher.updateAAD(parts(octets("$edgeHub"), octets("638,a"), IV));
    assertThat(cipher.doFinal(box, 17, box.length - 17)).isEqualTo(DATA);
  }

  @Test
  void allKeysOfAllModulesDiffer() throws Exception {
    List<Module> modules =
        List.of(
            new Module("a", "12"),
            new Module("a1", "2"),
            new Module("a12", "x"),
            new Module("$a", "12"),
            new Module("A", "12"),
            new Module("a", "1"),
            new Module("a", "12 "));
    Set<String> seen = new HashSet<>();
    for (Module module : modules) {
      for (Which which : Which.values()) {
        assertThat(seen.add(Octets.hex(keys().sign(module, which, DATA)))).isTrue();
      }
    }
  }

  @Test
  void keysAreTheSameAfterARestartAndOthersInAnotherHome(@TempDir Path other) throws Exception {
    byte[] signature = keys().sign(MODULE, Which.PRIMARY, DATA);
    byte[] box = keys().encrypt(MODULE, IV, DATA);
    ca.reopen();
    assertThat(keys().sign(MODULE, Which.PRIMARY, DATA)).isEqualTo(signature);
    assertThat(keys().decrypt(MODULE, IV, box)).isEqualTo(DATA);
    try (TestCa stranger = TestCa.in(other)) {
      assertThat(stranger.ca().moduleKeys().sign(MODULE, Which.PRIMARY, DATA))
          .isNotEqualTo(signature);
      Refusals.assertRefused(
          Reason.CIPHERTEXT_INVALID, () -> stranger.ca().moduleKeys().decrypt(MODULE, IV, box));
    }
  }

  @Test
  void encryptingTwiceNeverLooksTheSame() throws Exception {
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      byte[] box = keys().encrypt(MODULE, IV, DATA);
      assertThat(seen.add(Octets.hex(Arrays.copyOfRange(box, 1, 17)))).isTrue();
      assertThat(seen.add(Octets.hex(Arrays.copyOfRange(box, 17, box.length)))).isTrue();
    }
  }

  @Test
  void everyBitOfACiphertextCounts() throws Exception {
    byte[] box = keys().encrypt(MODULE, IV, octets("secret"));
    for (int bit = 0; bit < 8 * box.length; bit++) {
      byte[] changed = box.clone();
      changed[bit / 8] ^= (byte) (1 << bit % 8);
      Refusals.assertRefused(Reason.CIPHERTEXT_INVALID, () -> keys().decrypt(MODULE, IV, changed));
    }
  }

  @Test
  void aCiphertextThatIsCutOrLengthenedIsInvalid() throws Exception {
    byte[] box = keys().encrypt(MODULE, IV, octets("secret"));
    for (int length = 0; length < box.length; length++) {
      byte[] cut = Arrays.copyOf(box, length);
      Refusals.assertRefused(Reason.CIPHERTEXT_INVALID, () -> keys().decrypt(MODULE, IV, cut));
    }
    byte[] longer = Arrays.copyOf(box, box.length + 1);
    Refusals.assertRefused(Reason.CIPHERTEXT_INVALID, () -> keys().decrypt(MODULE, IV, longer));
  }

  @Test
  void noOtherModuleGenerationOrIvOpensIt() throws Exception {
    Module mine = new Module("a", "12");
    byte[] box = keys().encrypt(mine, octets("iv"), DATA);
    List<String> answers = new ArrayList<>();
    for (Module other :
        List.of(
            new Module("a1", "2"),
            new Module("a", "1"),
            new Module("a", "13"),
            new Module("$a", "12"),
            new Module("b", "12"))) {
      answers.add(refusal(other, octets("iv"), box));
    }
    for (String iv : List.of("", "i", "iv ", "iw", "2iv")) {
      answers.add(refusal(mine, octets(iv), box));
    }
    byte[] changed = box.clone();
    changed[box.length - 1] ^= 1;
    answers.add(refusal(mine, octets("iv"), changed));
    assertThat(new HashSet<>(answers)).as("nobody learns which part was wrong").hasSize(1);
  }

  private String refusal(Module module, byte[] iv, byte[] box) {
    try {
      keys().decrypt(module, iv, box);
    } catch (IssuanceException e) {
      assertThat(e.reason()).isEqualTo(Reason.CIPHERTEXT_INVALID);
      assertThat(e).hasNoCause();
      return String.valueOf(e.getMessage());
    }
    throw new AssertionError("it was opened");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theFormatsOfTheOtherDaemonAreRefusedWithTheReason(int version) throws Exception {
    byte[] box = keys().encrypt(MODULE, IV, DATA);
    box[0] = (byte) version;
    assertThat(refusal(MODULE, IV, box)).contains("version " + version, "IoT Edge");
  }

  @Test
  void ivAndDataMayBeEmptyOrAsLongAsTheLimitAndNoLonger() throws Exception {
    byte[] most = new byte[ModuleKeys.MOST_DATA];
    byte[] iv = new byte[ModuleKeys.MOST_IV];
    new Random(3).nextBytes(most);
    for (byte[] plain : List.of(new byte[0], most)) {
      for (byte[] vector : List.of(new byte[0], iv)) {
        byte[] box = keys().encrypt(MODULE, vector, plain);
        assertThat(keys().decrypt(MODULE, vector, box)).isEqualTo(plain);
      }
    }
    byte[] tooMuch = new byte[ModuleKeys.MOST_DATA + 1];
    assertNamed("plaintext", () -> keys().encrypt(MODULE, IV, tooMuch));
    assertNamed("data", () -> keys().sign(MODULE, Which.PRIMARY, tooMuch));
    assertNamed("initializationVector", () -> keys().encrypt(MODULE, new byte[2048], DATA));
    assertNamed("initializationVector", () -> keys().decrypt(MODULE, new byte[1025], DATA));
    assertNamed("ciphertext", () -> keys().decrypt(MODULE, IV, new byte[most.length + 34]));
    assertThat(keys().sign(MODULE, Which.PRIMARY, most)).hasSize(32);
    assertThat(keys().sign(MODULE, Which.PRIMARY, new byte[0])).hasSize(32);
  }

  private interface Call {
    byte[] run() throws IssuanceException;
  }

  private static void assertNamed(String field, Call call) {
    Refusals.assertRefused(Reason.REQUEST_INVALID, call::run);
    try {
      call.run();
    } catch (IssuanceException e) {
      assertThat(e).hasMessageStartingWith(field + ": ");
    }
  }

  @Test
  void aModuleWithoutNameOrWithoutWellFormedTextIsInvalid() {
    for (Module odd :
        List.of(
            new Module("", "1"),
            new Module("a", ""),
            new Module("a", "\ud800"),
            new Module("a".repeat(257), "1"))) {
      Refusals.assertRefused(Reason.REQUEST_INVALID, () -> keys().sign(odd, Which.PRIMARY, DATA));
      Refusals.assertRefused(Reason.REQUEST_INVALID, () -> keys().encrypt(odd, IV, DATA));
    }
  }

  @Test
  void thousandsOfRandomCiphertextsEndInTheDocumentedRefusal() throws Exception {
    Random random = new Random(20261109);
    byte[] good = keys().encrypt(MODULE, IV, DATA);
    for (int round = 0; round < 5000; round++) {
      byte[] noise = new byte[random.nextInt(100)];
      random.nextBytes(noise);
      if (noise.length > 40) {
        System.arraycopy(good, 0, noise, 0, random.nextInt(40));
      }
      byte[] iv = random.nextBoolean() ? IV : noise;
      Refusals.assertRefused(Reason.CIPHERTEXT_INVALID, () -> keys().decrypt(MODULE, iv, noise));
    }
  }

  @Test
  void theMastersAreInNoFileInTheClear() throws Exception {
    keys().sign(MODULE, Which.PRIMARY, DATA);
    ca.ca().close();
    for (String name : List.of("module-signing", "module-data")) {
      byte[] master = master(name);
      assertThat(SecretGrep.filesWith(folder, master)).isEmpty();
    }
    ca.reopen();
  }
}
