package dev.vouchsafe.keys;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever the files of a store and a sealed secret hold: read as it is, or refused. */
@Tag("fuzz")
class KeyFilesFuzzTest {
  private static final byte[] BOX = MutatedKeyFilesTest.box();

  static Stream<Arguments> headers() {
    return MutatedKeyFilesTest.headers().stream().map(octets -> Arguments.of((Object) octets));
  }

  static Stream<Arguments> keyFiles() {
    return MutatedKeyFilesTest.keyFiles().stream().map(octets -> Arguments.of((Object) octets));
  }

  static Stream<Arguments> boxes() {
    return Stream.of(Arguments.of((Object) BOX));
  }

  @MethodSource("headers")
  @FuzzTest(maxDuration = "30s")
  void anyOctetsAreAHeaderOrRefused(byte[] octets) {
    MutatedKeyFilesTest.checkHeader(octets);
  }

  @MethodSource("keyFiles")
  @FuzzTest(maxDuration = "30s")
  void anyOctetsAreAKeyFileOrRefused(byte[] octets) {
    MutatedKeyFilesTest.checkKeyFile(octets);
  }

  @MethodSource("boxes")
  @FuzzTest(maxDuration = "30s")
  void noOctetsOpenThatWeDidNotSeal(byte[] octets) {
    MutatedKeyFilesTest.checkBox(BOX, octets);
  }
}
