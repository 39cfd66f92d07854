package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.KeyPair;
import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.bouncycastle.asn1.DEROctetString;
import org.junit.jupiter.api.Test;

class TokenPublicKeyTest {
  private static final SoftwareCrypto CRYPTO = SoftwareCrypto.choose();

  private static byte[] raw(PublicKey key, int length) {
    byte[] info = key.getEncoded();
    return Arrays.copyOfRange(info, info.length - length, info.length);
  }

  private static byte[] der(byte[] raw) throws Exception {
    return new DEROctetString(raw).getEncoded();
  }

  static Stream<byte[]> points() {
    byte[] raw = raw(CRYPTO.generate(KeyType.EC_P256).getPublic(), 65);
    try {
      return Stream.of(raw, der(raw));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** A key of the type that was asked for, with that very point, or none. */
  static boolean check(byte[] point) {
    Optional<PublicKey> key = TokenPublicKey.ofPoint(CRYPTO, KeyType.EC_P256, point);
    key.ifPresent(read -> {
      assertThat(KeyType.of(read)).contains(KeyType.EC_P256);
      assertThat(point).endsWith(raw(read, 65));
    });
    return key.isPresent();
  }

  @Test
  void aPointIsReadWithAndWithoutItsWrapping() throws Exception {
    for (KeyType type : new KeyType[] {KeyType.EC_P256, KeyType.EC_P384}) {
      PublicKey key = CRYPTO.generate(type).getPublic();
      byte[] raw = raw(key, type == KeyType.EC_P256 ? 65 : 97);
      assertThat(TokenPublicKey.ofPoint(CRYPTO, type, raw)).contains(key);
      assertThat(TokenPublicKey.ofPoint(CRYPTO, type, der(raw))).contains(key);
      assertThat(TokenPublicKey.ofParameters(TokenPublicKey.parameters(type))).contains(type);
    }
  }

  @Test
  void aPointOfAnotherCurveCompressedOrNotOnTheCurveIsNone() throws Exception {
    byte[] other = raw(CRYPTO.generate(KeyType.EC_P384).getPublic(), 97);
    byte[] raw = raw(CRYPTO.generate(KeyType.EC_P256).getPublic(), 65);
    byte[] compressed = Arrays.copyOf(raw, 33);
    compressed[0] = 2;
    byte[] off = raw.clone();
    off[64] ^= 1;
    for (byte[] point : new byte[][] {other, compressed, off, new byte[65], new byte[0]}) {
      assertThat(TokenPublicKey.ofPoint(CRYPTO, KeyType.EC_P256, point)).isEmpty();
      assertThat(TokenPublicKey.ofPoint(CRYPTO, KeyType.EC_P256, der(point))).isEmpty();
    }
    assertThat(TokenPublicKey.ofParameters(new byte[] {6, 5, 43, -127, 4, 0, 35})).isEmpty();
    assertThat(TokenPublicKey.ofParameters(new byte[0])).isEmpty();
  }

  @Test
  void aModulusIsReadWithAndWithoutALeadingZero() {
    KeyPair pair = CRYPTO.generate(KeyType.RSA_2048);
    if (pair.getPublic() instanceof RSAPublicKey rsa) {
      byte[] signed = rsa.getModulus().toByteArray();
      byte[] exponent = {1, 0, 1};
      assertThat(TokenPublicKey.ofModulus(CRYPTO, signed, exponent)).contains(rsa);
      assertThat(
              TokenPublicKey.ofModulus(
                  CRYPTO, Arrays.copyOfRange(signed, 1, signed.length), exponent))
          .contains(rsa);
      assertThat(TokenPublicKey.ofModulus(CRYPTO, signed, new byte[] {3})).isEmpty();
      assertThat(TokenPublicKey.ofModulus(CRYPTO, signed, new byte[0])).isEmpty();
      assertThat(TokenPublicKey.ofModulus(CRYPTO, Arrays.copyOf(signed, 200), exponent)).isEmpty();
      assertThat(TokenPublicKey.ofModulus(CRYPTO, new byte[0], exponent)).isEmpty();
    } else {
      assertThat(pair.getPublic()).isInstanceOf(RSAPublicKey.class);
    }
  }

  @Test
  void mutationsOfAPointAreAKeyOrNone() {
    Random random = new Random(5);
    byte[][] seeds = points().toArray(byte[][]::new);
    for (int round = 0; round < 3_000; round++) {
      byte[] point = seeds[round % seeds.length].clone();
      point[random.nextInt(round % 2 == 0 ? point.length : 4)] = (byte) random.nextInt();
      check(Arrays.copyOf(point, point.length - random.nextInt(2)));
    }
    assertThat(check(seeds[0])).isTrue();
    assertThat(CRYPTO.generate(KeyType.EC_P256).getPublic()).isInstanceOf(ECPublicKey.class);
  }
}
