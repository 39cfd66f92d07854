package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.nimbusds.jose.util.Base64URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Noise for the verifier: whatever comes in, the answer is one of the documented refusals, and
 * never another exception.
 */
class TokenFuzzTest {
  private static final String KEYS =
      "{\"keys\":[{\"kty\":\"EC\",\"use\":\"sig\",\"crv\":\"P-256\",\"kid\":\"k\",\"alg\":\"ES256\","
          + "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
          + "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";
  private static final String TOKEN =
      Base64URL.encode("{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"JWT\"}")
          + "."
          + Base64URL.encode("{\"iss\":\"spiffe://a\",\"sub\":\"b\",\"aud\":[\"c\"],\"exp\":1}")
          + "."
          + Base64URL.encode(new byte[64]);

  private static boolean verify(TokenVerifier verifier, String token) {
    try {
      return verifier.verify(token, Optional.empty(), TestCa.NOW) != null;
    } catch (TokenException e) {
      assertThat(e.reason()).isNotNull();
      return false;
    }
  }

  static Stream<byte[]> tokens() {
    return Stream.of(TOKEN.getBytes(StandardCharsets.US_ASCII));
  }

  static Stream<byte[]> keySets() {
    return Stream.of(KEYS.getBytes(StandardCharsets.US_ASCII));
  }

  @Tag("fuzz")
  @MethodSource("tokens")
  @FuzzTest(maxDuration = "1m")
  void anyToken(byte[] token) throws TokenException {
    assertThat(verify(TokenVerifier.of(KEYS), new String(token, StandardCharsets.ISO_8859_1)))
        .isFalse();
  }

  @Tag("fuzz")
  @MethodSource("tokens")
  @FuzzTest(maxDuration = "1m")
  void anyHeaderAndPayload(byte[] octets) throws TokenException {
    int half = octets.length / 2;
    String token =
        Base64URL.encode(Arrays.copyOf(octets, half))
            + "."
            + Base64URL.encode(Arrays.copyOfRange(octets, half, octets.length))
            + "."
            + Base64URL.encode(new byte[64]);
    assertThat(verify(TokenVerifier.of(KEYS), token)).isFalse();
  }

  @Tag("fuzz")
  @MethodSource("keySets")
  @FuzzTest(maxDuration = "1m")
  void anyKeySet(byte[] keys) {
    readKeys(new String(keys, StandardCharsets.UTF_8));
  }

  private static boolean readKeys(String keys) {
    try {
      return TokenVerifier.of(keys) != null;
    } catch (TokenException e) {
      assertThat(e.reason()).isEqualTo(TokenException.Reason.MALFORMED);
      return false;
    }
  }

  @Test
  void thousandsOfMutationsOfAGoodTokenAreRefused(@TempDir Path folder) throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      TokenVerifier verifier = TokenVerifier.of(ca.ca().tokens().jwks());
      String good = ca.token(TokensTest.grant("hub"), TokensTest.request("hub")).token();
      assertThat(verify(verifier, good)).isTrue();
      Random random = new Random(20261107);
      for (int round = 0; round < 3000; round++) {
        String token = mutated(random, good);
        assertThat(verify(verifier, token)).as(token).isEqualTo(token.equals(good));
      }
    }
  }

  @Test
  void thousandsOfMutationsOfAKeySetEndInAnAnswer() {
    Random random = new Random(20261108);
    int read = 0;
    for (int round = 0; round < 3000; round++) {
      read += readKeys(mutated(random, KEYS)) ? 1 : 0;
    }
    assertThat(read).isBetween(1, 2999);
  }

  private static String mutated(Random random, String seed) {
    byte[] octets = seed.getBytes(StandardCharsets.ISO_8859_1);
    for (int i = random.nextInt(3); i >= 0; i--) {
      int at = random.nextInt(octets.length);
      switch (random.nextInt(4)) {
        case 0 -> octets[at] = (byte) random.nextInt(256);
        case 1 -> octets[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> octets = Arrays.copyOf(octets, Math.max(1, at));
        default -> {
          int length = Math.min(random.nextInt(16), octets.length - at);
          System.arraycopy(octets, random.nextInt(octets.length - length + 1), octets, at, length);
        }
      }
    }
    return new String(octets, StandardCharsets.ISO_8859_1);
  }
}
