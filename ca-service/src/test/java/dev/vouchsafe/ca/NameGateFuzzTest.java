package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.vouchsafe.ca.IssuanceException.Reason;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.MethodSource;

/** Noise for the gate: what passes is granted by an oracle that shares no code with it. */
@Tag("fuzz")
class NameGateFuzzTest {
  private static final NameGate GATE = new NameGate(TestCa.grant(), TestCa.leaf(Profile.IDENTITY));

  static Stream<byte[]> names() {
    return Stream.of("gateway.local", "a.gateway.local", "192.168.1.10", "fd00::1", "\u212A.x")
        .map(name -> name.getBytes(StandardCharsets.UTF_8));
  }

  @MethodSource("names")
  @FuzzTest(maxDuration = "1m")
  void anyName(byte[] text) {
    String asked = new String(text, StandardCharsets.UTF_8);
    try {
      assertThat(GATE.dns(asked).name())
          .matches(
              "gateway\\.local|edgehub|\\*\\.gateway\\.local"
                  + "|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.gateway\\.local");
    } catch (IssuanceException e) {
      assertThat(e.reason()).isEqualTo(Reason.NAME_NOT_GRANTED);
    }
    try {
      assertThat(GATE.ip(asked).canonical()).isIn("192.168.1.10", "fd00::1");
    } catch (IssuanceException e) {
      assertThat(e.reason()).isEqualTo(Reason.NAME_NOT_GRANTED);
    }
    try {
      assertThat(GATE.uri(asked).uri()).isEqualTo(TestCa.SPIFFE_ID);
    } catch (IssuanceException e) {
      assertThat(e.reason()).isEqualTo(Reason.NAME_NOT_GRANTED);
    }
  }
}
