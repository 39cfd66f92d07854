package dev.vouchsafe.trust;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BundleEncodingTest {
  private static final List<X509Certificate> ROOTS =
      List.of(
          Certificates.named("root-p256"),
          Certificates.named("root-p384"),
          Certificates.named("root-p521"),
          Certificates.named("root-rsa"));
  private static final List<X509Certificate> EXTRA =
      List.of(Certificates.named("root-ed25519"), Certificates.named("next-p256"));

  @TempDir Path folder;
  private TrustBundles bundles;

  @BeforeEach
  void publish() throws Exception {
    bundles =
        TrustBundleStore.create(
            folder.resolve("bundle.json"), Duration.ofMinutes(5), ROOTS.subList(0, 1));
    Certificates.publish(bundles, ROOTS, EXTRA);
  }

  @Test
  void thePemTextHasRootsFirstThenExtra() throws Exception {
    byte[] pem = bundles.encoded(BundleFormat.PEM);
    assertThat(CertificateFactory.getInstance("X.509").generateCertificates(stream(pem)))
        .isEqualTo(all());
    String text = new String(pem, US_ASCII);
    assertThat(text)
        .startsWith("-----BEGIN CERTIFICATE-----\n")
        .endsWith("\n-----END CERTIFICATE-----\n")
        .doesNotContain("\r");
    assertThat(text.lines()).allMatch(line -> line.length() <= 64 && !line.isBlank());
  }

  @Test
  void opensslReadsEveryCertificateOfThePemText() throws Exception {
    Path file = Files.write(folder.resolve("bundle.pem"), bundles.encoded(BundleFormat.PEM));
    String seen = openssl("storeutl", "-certs", "-text", file.toString());
    assertThat(subjects(seen)).isEqualTo(Set.of(names()));
  }

  @Test
  void opensslTrustsOnlyTheRootsAndExtraOfThePemText() throws Exception {
    Path trusted = Files.write(folder.resolve("bundle.pem"), bundles.encoded(BundleFormat.PEM));
    assertThat(openssl("verify", "-CAfile", trusted.toString(), write("root-p384").toString()))
        .contains(": OK");
    assertThat(run(1, 2, "verify", "-CAfile", trusted.toString(), write("leaf").toString()))
        .doesNotContain(": OK");
  }

  @Test
  void opensslReadsEveryCertificateOfThePkcs7File() throws Exception {
    Path file = Files.write(folder.resolve("bundle.p7b"), bundles.encoded(BundleFormat.PKCS7));
    String seen = openssl("pkcs7", "-inform", "DER", "-print_certs", "-in", file.toString());
    assertThat(subjects(seen)).isEqualTo(Set.of(names()));
    assertThat(
            Set.copyOf(CertificateFactory.getInstance("X.509").generateCertificates(stream(seen))))
        .isEqualTo(Set.copyOf(all()));
  }

  @Test
  void theSpiffeBundleHoldsOurRootsAndNeverExtra() throws Exception {
    JsonNode document = new JsonMapper().readTree(bundles.encoded(BundleFormat.JWKS));
    assertThat(document.get("spiffe_sequence").longValue()).isEqualTo(2);
    assertThat(document.get("spiffe_refresh_hint").longValue()).isEqualTo(300);
    assertThat(document.size()).isEqualTo(3);
    List<X509Certificate> seen = new ArrayList<>();
    for (JsonNode key : document.get("keys")) {
      assertThat(key.get("use").textValue()).isEqualTo("x509-svid");
      assertThat(key.has("kid")).isFalse();
      assertThat(key.get("x5c").size()).isEqualTo(1);
      byte[] der = Base64.getDecoder().decode(key.get("x5c").get(0).textValue());
      X509Certificate certificate = BundleContent.parse(der);
      assertThat(publicKey(key)).isEqualTo(certificate.getPublicKey());
      seen.add(certificate);
    }
    assertThat(seen).isEqualTo(ROOTS);
  }

  @Test
  void aCoordinateHasTheLengthOfItsFieldAndANumberHasNoLeadingZero() {
    assertThat(JsonWebKeys.unsigned(BigInteger.ONE, 32)).isEqualTo("A".repeat(42) + "E");
    assertThat(JsonWebKeys.unsigned(BigInteger.ONE.shiftLeft(255), 32)).hasSize(43).startsWith("g");
    assertThat(JsonWebKeys.unsigned(BigInteger.valueOf(65537), 0)).isEqualTo("AQAB");
    assertThat(JsonWebKeys.unsigned(BigInteger.valueOf(255), 0)).isEqualTo("_w");
  }

  @Test
  void everyFormatAndEveryVersionHasATagOfItsOwn() throws Exception {
    Set<String> tags = new HashSet<>();
    for (int version = 0; version < 4; version++) {
      Certificates.publish(bundles, ROOTS, version % 2 == 0 ? List.of() : EXTRA);
      for (BundleFormat format : BundleFormat.values()) {
        String tag = bundles.entityTag(format);
        assertThat(tag).matches("\"[!#-~]+\"");
        assertThat(tags.add(tag)).isTrue();
      }
    }
  }

  @Test
  void aTagIsTheSameAfterARestartAndAnotherForAnotherBundleWithThatSequence() throws Exception {
    TrustBundles again =
        TrustBundleStore.open(folder.resolve("bundle.json"), Duration.ofMinutes(5));
    TrustBundles other =
        TrustBundleStore.create(
            folder.resolve("other.json"), Duration.ofMinutes(5), ROOTS.subList(1, 2));
    Certificates.publish(other, ROOTS.subList(0, 2), EXTRA);
    assertThat(other.current().sequence()).isEqualTo(bundles.current().sequence());
    for (BundleFormat format : BundleFormat.values()) {
      assertThat(again.entityTag(format)).isEqualTo(bundles.entityTag(format));
      assertThat(again.encoded(format)).isEqualTo(bundles.encoded(format));
      assertThat(other.entityTag(format)).isNotEqualTo(bundles.entityTag(format));
    }
  }

  @Test
  void aReaderThatChangesItsOctetsChangesItsOwnCopyOnly() {
    for (BundleFormat format : BundleFormat.values()) {
      byte[] before = bundles.encoded(format);
      byte[] copy = before.clone();
      before[10] ^= 1;
      assertThat(bundles.encoded(format)).isEqualTo(copy);
    }
  }

  private static List<X509Certificate> all() {
    List<X509Certificate> all = new ArrayList<>(ROOTS);
    all.addAll(EXTRA);
    return all;
  }

  private static String[] names() {
    return all().stream()
        .map(each -> each.getSubjectX500Principal().getName().substring("CN=".length()))
        .toArray(String[]::new);
  }

  /** The common names of the subjects that openssl printed. */
  private static Set<String> subjects(String printed) {
    Set<String> subjects = new HashSet<>();
    for (String line : printed.lines().toList()) {
      if (line.strip().startsWith("subject=") || line.strip().startsWith("Subject:")) {
        subjects.add(line.substring(line.lastIndexOf('=') + 1).strip());
      }
    }
    return subjects;
  }

  private static PublicKey publicKey(JsonNode key) throws Exception {
    if (key.get("kty").textValue().equals("RSA")) {
      return KeyFactory.getInstance("RSA")
          .generatePublic(new RSAPublicKeySpec(number(key, "n"), number(key, "e")));
    }
    assertThat(key.get("kty").textValue()).isEqualTo("EC");
    AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
    curve.init(
        new ECGenParameterSpec(
            Map.of("P-256", "secp256r1", "P-384", "secp384r1", "P-521", "secp521r1")
                .get(key.get("crv").textValue())));
    return KeyFactory.getInstance("EC")
        .generatePublic(
            new ECPublicKeySpec(
                new ECPoint(number(key, "x"), number(key, "y")),
                curve.getParameterSpec(ECParameterSpec.class)));
  }

  private static BigInteger number(JsonNode key, String field) {
    return new BigInteger(1, Base64.getUrlDecoder().decode(key.get(field).textValue()));
  }

  private static ByteArrayInputStream stream(byte[] octets) {
    return new ByteArrayInputStream(octets);
  }

  private static ByteArrayInputStream stream(String opensslOutput) {
    StringBuilder blocks = new StringBuilder();
    boolean inside = false;
    for (String line : opensslOutput.lines().toList()) {
      inside |= line.startsWith("-----BEGIN");
      if (inside) {
        blocks.append(line).append('\n');
      }
      inside &= !line.startsWith("-----END");
    }
    return stream(blocks.toString().getBytes(US_ASCII));
  }

  private Path write(String name) throws Exception {
    byte[] der = Certificates.named(name).getEncoded();
    return Files.writeString(
        folder.resolve(name + ".pem"),
        "-----BEGIN CERTIFICATE-----\n"
            + Base64.getMimeEncoder().encodeToString(der)
            + "\n-----END CERTIFICATE-----\n");
  }

  private static String openssl(String... arguments) throws Exception {
    return run(0, 0, arguments);
  }

  private static String run(int leastExit, int mostExit, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isBetween(leastExit, mostExit);
    return output;
  }
}
