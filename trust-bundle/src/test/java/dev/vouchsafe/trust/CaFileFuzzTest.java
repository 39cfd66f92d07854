package dev.vouchsafe.trust;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever an operator's file, or the file of the readers, holds: it is read or refused. */
@Tag("fuzz")
class CaFileFuzzTest {
  static Stream<Arguments> seeds() {
    return Stream.of("root-rsa", "root-p256", "root-k1", "leaf")
        .map(name -> Arguments.of((Object) CaFileTest.octets(CaFileTest.pem(name))));
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "30s")
  void anyOctetsAreCasOrRefused(byte[] text) {
    CaFileTest.check(text);
  }

  @FuzzTest(maxDuration = "30s")
  void anyOctetsAreReadersOrRefused(byte[] text) {
    try {
      ReadersDocument.parse(text);
    } catch (IOException refused) {
      // The only way to refuse.
    }
  }
}
