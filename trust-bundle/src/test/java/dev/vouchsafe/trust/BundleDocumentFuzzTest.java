package dev.vouchsafe.trust;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever the bundle's file holds: it is read as a bundle that is written the same, or refused.
 */
@Tag("fuzz")
class BundleDocumentFuzzTest {
  static Stream<Arguments> seeds() throws IOException {
    return MutatedBundleTest.valid().stream().map(text -> Arguments.of((Object) text));
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "30s")
  void anyOctetsAreABundleOrRefused(byte[] text) {
    MutatedBundleTest.check(text);
  }
}
