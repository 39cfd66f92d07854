package dev.vouchsafe.keys;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever a TPM store's files hold, and whatever tpm2-tools print: read as it is, or refused. */
@Tag("fuzz")
class TpmFilesFuzzTest {
  static Stream<Arguments> headers() {
    return seeds(MutatedTpmFilesTest.headers());
  }

  static Stream<Arguments> keyFiles() {
    return seeds(MutatedTpmFilesTest.keyFiles());
  }

  static Stream<Arguments> publicAreas() {
    return seeds(MutatedTpmFilesTest.publicAreas());
  }

  static Stream<Arguments> printed() {
    return seeds(List.of(MutatedTpmFilesTest.printed()));
  }

  private static Stream<Arguments> seeds(List<byte[]> all) {
    return all.stream().map(octets -> Arguments.of((Object) octets));
  }

  @MethodSource("headers")
  @FuzzTest(maxDuration = "30s")
  void anyOctetsAreAHeaderOrRefused(byte[] octets) {
    MutatedTpmFilesTest.checkHeader(octets);
  }

  @MethodSource("keyFiles")
  @FuzzTest(maxDuration = "30s")
  void anyOctetsAreAKeyFileOrRefused(byte[] octets) {
    MutatedTpmFilesTest.checkKeyFile(octets);
  }

  @MethodSource("publicAreas")
  @FuzzTest(maxDuration = "30s")
  void anyOctetsAreAPublicAreaOrRefused(byte[] octets) {
    MutatedTpmFilesTest.checkPublicArea(octets);
  }

  @MethodSource("printed")
  @FuzzTest(maxDuration = "30s")
  void whateverAProgramPrintsIsUnderstoodOrNot(byte[] octets) {
    MutatedTpmFilesTest.checkPrinted(octets);
  }
}
