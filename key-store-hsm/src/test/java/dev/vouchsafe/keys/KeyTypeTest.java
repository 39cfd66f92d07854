package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.util.List;
import org.junit.jupiter.api.Test;

class KeyTypeTest {
  @Test
  void everyTypeIsFoundByItsText() {
    for (KeyType type : KeyType.values()) {
      assertThat(KeyType.parse(type.text())).contains(type);
    }
    assertThat(KeyType.parse("ec-p521")).isEmpty();
  }

  @Test
  void aCurveIsKnownByItsParameters() throws Exception {
    assertThat(KeyType.of(ec("secp256r1"))).contains(KeyType.EC_P256);
    assertThat(KeyType.of(ec("secp384r1"))).contains(KeyType.EC_P384);
    assertThat(KeyType.of(ec("secp521r1"))).isEmpty();
  }

  @Test
  void labelsKeepTheirPartsApart() {
    List<byte[]> encodings =
        List.of(
            KeyLabel.of("a", "bc").encoded(),
            KeyLabel.of("ab", "c").encoded(),
            KeyLabel.of("abc").encoded());
    assertThat(encodings).doesNotHaveDuplicates();
    assertThat(KeyLabel.of("device-ca", "1").toString()).isEqualTo("9:device-ca,1:1");
  }

  @Test
  void aLabelWithALoneSurrogateWouldShareItsEncodingAndIsRefused() {
    assertThat(KeyLabel.of("\uD83D\uDD11").encoded()).hasSize(4 + 4);
    for (String part :
        List.of("a\uD800", "\uD800a", "\uDD11", "\uDD11\uD83D", "\uD83D\uD83D\uDD11")) {
      assertThatThrownBy(() -> KeyLabel.of(part)).isInstanceOf(IllegalArgumentException.class);
    }
    for (String part : List.of("", "x".repeat(257))) {
      assertThatThrownBy(() -> KeyLabel.of(part)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static java.security.PublicKey ec(String curve) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair().getPublic();
  }
}
