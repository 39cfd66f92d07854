package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

/** Noise for the reader of OCSP requests: it reads one or it doesn't, and never throws. */
class OcspFuzzTest {
  /** What openssl asks of one certificate, with a nonce. */
  private static final byte[] REQUEST =
      HexFormat.of()
          .parseHex(
              "30763074304d304b3049300906052b0e03021a05000414424ef3366d8b17e4f9865ea7849fe102bad1a8"
                  + "2e0414d21fd1f758b37cbd8f9e505452e11ba621a78cfe02104102030405060708090a0b0c0d0e"
                  + "0f10a2233021301f06092b0601050507300102041204106596561e6b3fd3072025dfcfd4472ae1");

  static Stream<byte[]> requests() {
    return Stream.of(REQUEST);
  }

  @Tag("fuzz")
  @MethodSource("requests")
  @FuzzTest(maxDuration = "1m")
  void anyRequest(byte[] request) {
    OcspQuestion.parse(request)
        .ifPresent(question -> assertThat(question.certificates()).isNotEmpty());
  }

  @Test
  void theSeedIsRead() {
    assertThat(OcspQuestion.parse(REQUEST)).isPresent();
  }
}
