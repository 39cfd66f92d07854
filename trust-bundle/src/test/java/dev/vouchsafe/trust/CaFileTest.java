package dev.vouchsafe.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.trust.CaRefusedException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an operator's file may hold: CAs with good keys, all of them, and nothing else. */
class CaFileTest {
  private static final Instant NOW = Instant.parse("2026-12-01T00:00:00Z");

  static String pem(String name) {
    try (InputStream in = CaFileTest.class.getResourceAsStream(name + ".pem")) {
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static byte[] octets(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"root-rsa", "root-p256", "root-p384", "root-p521", "root-ed25519"})
  void aCaWithAGoodKeyIsTaken(String name) throws Exception {
    assertThat(CaFile.read(octets(pem(name)))).containsExactly(Certificates.named(name));
  }

  @Test
  void textAroundTheCertificatesAndOtherLineEndsDoNotMatter() throws Exception {
    String text =
        "subject=CN=plant \u00fc\r\n"
            + pem("root-rsa").replace("\n", "\r\n")
            + "\n# the next\n"
            + pem("root-p256")
            + "end";
    assertThat(CaFile.read(octets(text)))
        .containsExactly(Certificates.named("root-rsa"), Certificates.named("root-p256"));
  }

  static Stream<Arguments> refusals() {
    String good = pem("root-rsa");
    String key = "-----BEGIN %sPRIVATE KEY-----\nAAAA\n-----END %1$sPRIVATE KEY-----\n";
    return Stream.of(
        Arguments.of("", Reason.FILE, "openssl x509 -inform der"),
        Arguments.of("hello", Reason.FILE, "no certificate in PEM"),
        Arguments.of("0\u0082\u0001\u0000", Reason.FILE, "no certificate in PEM"),
        Arguments.of(good.substring(0, 300), Reason.FILE, "has no end"),
        Arguments.of(good.replace("M", "!"), Reason.FILE, "damaged"),
        Arguments.of(good.replaceFirst("\n[A-Za-z0-9+/]", "\nA"), Reason.FILE, "damaged"),
        Arguments.of(good + "-----BEGIN bad", Reason.FILE, "can't be read"),
        Arguments.of(
            good + "-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n",
            Reason.FILE,
            "X509 CRL"),
        Arguments.of(good + good, Reason.DUPLICATE, "twice"),
        Arguments.of(" ".repeat(CaFile.LARGEST) + good, Reason.FILE, "over 49152 octets"),
        Arguments.of(good + key.formatted(""), Reason.PRIVATE_KEY, "take it out"),
        Arguments.of(key.formatted("EC ") + good, Reason.PRIVATE_KEY, "take it out"),
        Arguments.of(key.formatted("ENCRYPTED ") + good, Reason.PRIVATE_KEY, "take it out"),
        Arguments.of(pem("leaf"), Reason.NOT_A_CA, "CN=leaf' is no CA: it lacks CA:TRUE"),
        Arguments.of(good + pem("leaf"), Reason.NOT_A_CA, "CN=leaf"),
        Arguments.of(pem("no-sign"), Reason.NOT_A_CA, "keyCertSign"),
        Arguments.of(pem("weak-rsa"), Reason.WEAK_KEY, "CN=weak-rsa"),
        Arguments.of(good + pem("root-k1"), Reason.WEAK_KEY, "CN=root-k1"));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void aFileIsTakenWholeOrRefusedWithTheNextStep(String text, Reason reason, String said) {
    assertThatThrownBy(() -> CaFile.read(octets(text)))
        .isInstanceOfSatisfying(
            CaRefusedException.class, refused -> assertThat(refused.reason()).isEqualTo(reason))
        .hasMessageContaining(said);
  }

  @Test
  void soManyCertificatesAreTooMany() {
    StringBuilder many = new StringBuilder();
    for (int i = 0; i <= CaFile.MOST; i++) {
      many.append(i % 2 == 0 ? pem("root-p256") : pem("next-p256"));
    }
    assertThatThrownBy(() -> CaFile.read(octets(many.toString())))
        .isInstanceOf(CaRefusedException.class);
  }

  @Test
  void whatHasExpiredOrIsNotValidYetIsTold() throws Exception {
    assertThatThrownBy(() ->
            CaFile.requireValid(
                List.of(Certificates.named("root-rsa"), Certificates.named("expired")), NOW))
        .isInstanceOfSatisfying(
            CaRefusedException.class,
            refused -> assertThat(refused.reason()).isEqualTo(Reason.NOT_VALID))
        .hasMessageContaining("CN=expired' has expired at 2021-01-01T00:00:00Z");
    assertThatThrownBy(() -> CaFile.requireValid(List.of(Certificates.named("future")), NOW))
        .hasMessageContaining("is not valid before 2099-01-01T00:00:00Z");
    CaFile.requireValid(List.of(Certificates.named("root-rsa")), NOW);
  }

  @Test
  void aRandomChangeMakesCertificatesOfCasOrARefusal() {
    byte[] good = octets(pem("root-rsa") + pem("root-p256"));
    Random random = new Random(5);
    for (int round = 0; round < 3_000; round++) {
      byte[] bad = good.clone();
      for (int i = random.nextInt(3); i >= 0; i--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }
      check(bad);
    }
  }

  /** Reads it: a changed signature, of which a trust anchor needs none, is another certificate. */
  static void check(byte[] octets) {
    try {
      assertThat(CaFile.read(octets))
          .isNotEmpty()
          .doesNotHaveDuplicates()
          .allMatch(ca -> ca.getBasicConstraints() >= 0);
    } catch (CaRefusedException refused) {
      assertThat(refused).hasMessageMatching("[ -~\u00a1-\uffff]+");
    }
  }
}
