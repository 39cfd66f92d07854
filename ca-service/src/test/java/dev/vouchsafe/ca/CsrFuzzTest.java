package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.vouchsafe.ca.IssuanceException.Kind;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Noise for the reader of CSRs: whatever comes in, the answer is a request whose possession was
 * proven, or one of the documented refusals, and never another exception.
 */
class CsrFuzzTest {
  private static final Set<Reason> DOCUMENTED =
      Set.of(
          Reason.CSR_MALFORMED,
          Reason.CSR_SIGNATURE,
          Reason.CSR_EXTENSION,
          Reason.WEAK_KEY,
          Reason.NAME_NOT_GRANTED);
  private static final CsrReader READER =
      new CsrReader(TestCa.CRYPTO, new SubjectKeys(hash -> false));

  private static boolean read(String pem) {
    try {
      Csr csr = READER.read(pem, TestCa.leaf(Profile.SERVER));
      assertThat(csr.keyType()).isNotNull();
      return true;
    } catch (IssuanceException e) {
      assertThat(DOCUMENTED).contains(e.reason());
      assertThat(e.reason().kind()).isNotEqualTo(Kind.FAILED);
      return false;
    }
  }

  static Stream<byte[]> ders() throws Exception {
    return seeds().stream();
  }

  static Stream<byte[]> texts() throws Exception {
    return seeds().stream().map(der -> TestCsr.pem(der).getBytes(StandardCharsets.US_ASCII));
  }

  private static List<byte[]> seeds() throws Exception {
    return List.of(
        new TestCsr().subject("CN=gateway.local,O=x").dns("gateway.local").der(),
        new TestCsr(TestCa.CRYPTO.generate(KeyType.RSA_2048))
            .signedWith("SHA256withRSA", PKCSObjectIdentifiers.sha256WithRSAEncryption)
            .der(),
        new TestCsr()
            .names(
                new GeneralName(GeneralName.iPAddress, "10.0.0.1"),
                new GeneralName(GeneralName.uniformResourceIdentifier, "spiffe://a/b"))
            .extension(Extension.basicConstraints, true, new BasicConstraints(false))
            .der());
  }

  @Tag("fuzz")
  @MethodSource("ders")
  @FuzzTest(maxDuration = "1m")
  void anyDer(byte[] der) {
    read(TestCsr.pem(der));
  }

  @Tag("fuzz")
  @MethodSource("texts")
  @FuzzTest(maxDuration = "1m")
  void anyText(byte[] text) {
    read(new String(text, StandardCharsets.ISO_8859_1));
  }

  @Test
  void thousandsOfMutationsOfGoodRequestsEndInAnAnswer() throws Exception {
    List<byte[]> seeds = seeds();
    Random random = new Random(20261105);
    int proven = 0;
    for (int round = 0; round < 4000; round++) {
      byte[] der = mutated(random, seeds.get(round % seeds.size()));
      proven += read(TestCsr.pem(der)) ? 1 : 0;
    }
    assertThat(proven).as("only the few that were not changed").isLessThan(200);
  }

  @Test
  void thousandsOfMutationsOfThePemEndInAnAnswer() throws Exception {
    byte[] pem = new TestCsr().dns("gateway.local").pem().getBytes(StandardCharsets.US_ASCII);
    Random random = new Random(20261106);
    for (int round = 0; round < 3000; round++) {
      read(new String(mutated(random, pem), StandardCharsets.ISO_8859_1));
    }
  }

  private static byte[] mutated(Random random, byte[] seed) {
    byte[] octets = seed.clone();
    for (int i = random.nextInt(4); i >= 0; i--) {
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
    return octets;
  }
}
