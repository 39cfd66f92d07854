package dev.vouchsafe.keys;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever a configuration names as a token, and a store's folder holds: read, or refused. */
@Tag("fuzz")
class Pkcs11FuzzTest {
  static Stream<Arguments> uris() {
    return Pkcs11UriTest.SEEDS.stream()
        .map(text -> Arguments.of((Object) text.getBytes(StandardCharsets.UTF_8)));
  }

  static Stream<Arguments> stores() {
    return Stream.of(Arguments.of((Object) StoreIdTest.VALID.getBytes(StandardCharsets.US_ASCII)));
  }

  static Stream<Arguments> points() {
    return TokenPublicKeyTest.points().map(octets -> Arguments.of((Object) octets));
  }

  @MethodSource("uris")
  @FuzzTest(maxDuration = "30s")
  void anyTextIsAUriOrRefused(byte[] text) {
    Pkcs11UriTest.check(new String(text, StandardCharsets.UTF_8));
  }

  @MethodSource("stores")
  @FuzzTest(maxDuration = "30s")
  void anyOctetsAreAStoreIdOrRefused(byte[] octets) {
    StoreIdTest.check(octets);
  }

  @MethodSource("points")
  @FuzzTest(maxDuration = "30s")
  void anyOctetsThatATokenGivesAreAPublicKeyOrRefused(byte[] octets) {
    TokenPublicKeyTest.check(octets);
  }
}
