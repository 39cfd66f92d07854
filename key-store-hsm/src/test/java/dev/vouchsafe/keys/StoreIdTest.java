package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoreIdTest {
  static final String VALID = "vouchsafe-pkcs11-store 1 00112233445566778899aabbccddeeff\n";

  /** What is read is written as it was; what isn't read throws nothing but this. */
  static boolean check(byte[] octets) {
    try {
      assertThat(StoreId.parse(octets).encoded()).isEqualTo(octets);
      return true;
    } catch (MalformedException e) {
      return false;
    }
  }

  @Test
  void whatIsWrittenIsRead() throws Exception {
    StoreId made = StoreId.random(new SecureRandom());
    assertThat(StoreId.parse(made.encoded())).hasToString(made.toString());
    assertThat(StoreId.parse(VALID.getBytes(US_ASCII)))
        .hasToString("00112233445566778899aabbccddeeff");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "vouchsafe-pkcs11-store 2 00112233445566778899aabbccddeeff\n",
        "vouchsafe-pkcs11-store 1 00112233445566778899aabbccddeeff",
        "vouchsafe-pkcs11-store 1 00112233445566778899aabbccddeeff\n\n",
        "vouchsafe-pkcs11-store 1 00112233445566778899AABBCCDDEEFF\n",
        "vouchsafe-pkcs11-store 1 00112233445566778899aabbccddee\n",
        "vouchsafe-pkcs11-store 1 00112233445566778899aabbccddeegg\n",
        "VSKSTORE"
      })
  void anythingElseIsRefused(String text) {
    assertThatThrownBy(() -> StoreId.parse(text.getBytes(US_ASCII)))
        .isInstanceOf(MalformedException.class);
  }

  @Test
  void everyMutationIsReadAsItIsOrRefused() {
    Random random = new Random(3);
    int read = 0;
    for (int round = 0; round < 5_000; round++) {
      byte[] octets = VALID.getBytes(US_ASCII);
      octets[random.nextInt(octets.length)] = (byte) random.nextInt();
      read += check(Arrays.copyOf(octets, octets.length - random.nextInt(2))) ? 1 : 0;
    }
    assertThat(read).isBetween(1, 2_500);
  }

  @Test
  void objectsOfOtherStoresAndOfOtherLabelsHaveOtherIds() throws Exception {
    StoreId store = StoreId.parse(VALID.getBytes(US_ASCII));
    StoreId other = StoreId.random(new SecureRandom());
    byte[] id = store.of(KeyLabel.of("a", "bc"));
    assertThat(id).hasSize(32).isNotEqualTo(store.of(KeyLabel.of("ab", "c")));
    assertThat(id).isNotEqualTo(store.ofSealingKey());
    assertThat(store.owns(id)).isTrue();
    assertThat(store.owns(store.ofSealingKey())).isTrue();
    assertThat(store.owns(other.of(KeyLabel.of("a", "bc")))).isFalse();
    assertThat(store.owns(Arrays.copyOf(id, 16))).isFalse();
    assertThat(store.owns(Arrays.copyOf(id, 33))).isFalse();
    assertThat(store.owns(new byte[0])).isFalse();
  }
}
