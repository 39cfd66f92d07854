package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What openssl, which nobody here wrote, thinks of our certificates and we of its requests. */
class OpensslTest {
  @TempDir Path folder;

  private String openssl(String... arguments) throws IOException, InterruptedException {
    return run("openssl", arguments);
  }

  private String run(String program, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(command + "\n" + output).isZero();
    return output;
  }

  private void write(String file, String content) throws IOException {
    Files.writeString(folder.resolve(file), content);
  }

  private void writeChain(TestCa ca, IssuedCertificate issued) throws Exception {
    write("root.pem", Pem.certificate(ca.root().getEncoded()));
    String chain = issued.certificatePem();
    int second = chain.indexOf("-----BEGIN", 1);
    write("leaf.pem", chain.substring(0, second));
    write("device.pem", chain.substring(second));
  }

  @ParameterizedTest
  @EnumSource(
      value = KeyType.class,
      names = {"EC_P256", "EC_P384", "RSA_2048"})
  void aChainOfEachKindVerifiesForServerAndClient(KeyType type) throws Exception {
    CaSettings settings = TestCa.settings(folder, Lifetimes.defaults(), type, 1);
    try (TestCa ca = TestCa.with(settings)) {
      writeChain(ca, ca.issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY)));
      String time = Long.toString(TestCa.NOW.getEpochSecond());
      for (String purpose : List.of("sslserver", "sslclient")) {
        assertThat(
                openssl(
                    "verify",
                    "-x509_strict",
                    "-attime",
                    time,
                    "-purpose",
                    purpose,
                    "-verify_hostname",
                    "gateway.local",
                    "-verify_ip",
                    "192.168.1.10",
                    "-CAfile",
                    "root.pem",
                    "-untrusted",
                    "device.pem",
                    "leaf.pem"))
            .contains("leaf.pem: OK");
      }
    }
  }

  /** The chain as a server hands it over: leaf, issuing CA, device CA. */
  private void writeDelegated(Instant now) throws Exception {
    IssuingCaSettings issuing =
        new IssuingCaSettings(IssuingCaSettings.Mode.ON, Duration.ofHours(24), Set.of());
    try (TestCa ca = TestCa.with(TestCa.settings(folder, issuing), now)) {
      IssuedCertificate issued = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY));
      assertThat(TestCa.chain(issued)).hasSize(3);
      writeChain(ca, issued);
      write("chain.pem", issued.certificatePem());
      write("issuing.pem", Pem.certificate(TestCa.chain(issued).get(1).getEncoded()));
    }
  }

  @Test
  void aChainWithAnIssuingCaVerifiesForServerAndClient() throws Exception {
    writeDelegated(TestCa.NOW);
    String time = Long.toString(TestCa.NOW.getEpochSecond());
    for (String purpose : List.of("sslserver", "sslclient")) {
      assertThat(
              openssl(
                  "verify",
                  "-x509_strict",
                  "-show_chain",
                  "-attime",
                  time,
                  "-purpose",
                  purpose,
                  "-verify_hostname",
                  "gateway.local",
                  "-CAfile",
                  "root.pem",
                  "-untrusted",
                  "chain.pem",
                  "leaf.pem"))
          .contains("leaf.pem: OK")
          .contains("depth=3");
    }
    assertThat(openssl("x509", "-in", "leaf.pem", "-noout", "-text"))
        .containsPattern("(2\\.5\\.29\\.56|No Revocation Available)");
    assertThat(openssl("x509", "-in", "issuing.pem", "-noout", "-text"))
        .containsPattern("X509v3 Basic Constraints: critical\\s+CA:TRUE, pathlen:0")
        .containsPattern("X509v3 Key Usage: critical\\s+Certificate Sign\n");
  }

  /** certtool knows no other time than the present. */
  @Test
  void gnutlsVerifiesAChainWithAnIssuingCa() throws Exception {
    writeDelegated(Instant.now());
    assertThat(
            run(
                "certtool",
                "--verify",
                "--verify-hostname=gateway.local",
                "--load-ca-certificate=root.pem",
                "--infile=chain.pem"))
        .contains("Chain verification output: Verified. The certificate is trusted.");
  }

  @Test
  void theTextOfAnIdentityIsWhatItShouldBe() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      writeChain(ca, ca.issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY)));
    }
    assertThat(openssl("x509", "-in", "leaf.pem", "-noout", "-text"))
        .contains("Version: 3 (0x2)")
        .contains("ecdsa-with-SHA256")
        .contains("CN = Vouchsafe Device CA 1 gw1")
        .contains("Subject: CN = edgeHub")
        .contains("Not Before: Nov  5 10:19:30 2026 GMT")
        .contains("Not After : Nov  5 11:20:30 2026 GMT")
        .containsPattern("X509v3 Basic Constraints: critical\\s+CA:FALSE")
        .containsPattern("X509v3 Key Usage: critical\\s+Digital Signature\n")
        .containsPattern("TLS Web Client Authentication, TLS Web Server Authentication")
        .containsPattern(
            "DNS:gateway.local, DNS:edgehub, IP Address:192.168.1.10,"
                + " IP Address:FD00:0:0:0:0:0:0:1, URI:spiffe://gw.example/edgeHub")
        .doesNotContain("serial:")
        .doesNotContain("DirName:");
    assertThat(openssl("x509", "-in", "device.pem", "-noout", "-text"))
        .containsPattern("X509v3 Basic Constraints: critical\\s+CA:TRUE, pathlen:5")
        .containsPattern("X509v3 Key Usage: critical\\s+Certificate Sign, CRL Sign")
        .contains("URI:spiffe://gw.example");
    assertThat(openssl("x509", "-in", "root.pem", "-noout", "-text"))
        .containsPattern("CA:TRUE\n")
        .doesNotContain("pathlen");
  }

  @Test
  void thePrivateKeyIsReadByOpensslAndFitsTheCertificate() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      IssuedCertificate issued = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER));
      writeChain(ca, issued);
      write("key.pem", issued.privateKeyPem().orElseThrow());
    }
    assertThat(openssl("pkey", "-in", "key.pem", "-pubout"))
        .isEqualTo(openssl("x509", "-in", "leaf.pem", "-noout", "-pubkey"));
  }

  @Test
  void requestsThatOpensslMakesAreCertified() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      for (String[] kind :
          new String[][] {
            {"ec", "ec_paramgen_curve:P-256", "-sha256"},
            {"ec", "ec_paramgen_curve:P-384", "-sha256"},
            {"ec", "ec_paramgen_curve:P-384", "-sha512"},
            {"rsa", "rsa_keygen_bits:2048", "-sha256"},
            {"rsa", "rsa_keygen_bits:2048", "-sha384"}
          }) {
        openssl(
            "req",
            "-new",
            "-newkey",
            kind[0],
            "-pkeyopt",
            kind[1],
            kind[2],
            "-nodes",
            "-keyout",
            "k.pem",
            "-out",
            "csr.pem",
            "-subj",
            "/O=x/CN=gateway.local",
            "-addext",
            "subjectAltName=DNS:a.gateway.local,IP:fd00::1",
            "-addext",
            "keyUsage=digitalSignature,keyEncipherment",
            "-addext",
            "extendedKeyUsage=serverAuth");
        writeChain(
            ca,
            ca.issue(
                TestCa.grant(),
                TestCsr.request(Profile.SERVER, Files.readString(folder.resolve("csr.pem")))));
        assertThat(openssl("x509", "-in", "leaf.pem", "-noout", "-pubkey"))
            .isEqualTo(openssl("pkey", "-in", "k.pem", "-pubout"));
        assertThat(openssl("x509", "-in", "leaf.pem", "-noout", "-ext", "subjectAltName"))
            .contains("DNS:gateway.local, DNS:a.gateway.local, IP Address:FD00:0:0:0:0:0:0:1");
      }
    }
  }

  @Test
  void whoAsksOpensslForACaGetsNothingHere() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      openssl(
          "req",
          "-new",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
          "-nodes",
          "-keyout",
          "k.pem",
          "-out",
          "csr.pem",
          "-subj",
          "/CN=gateway.local",
          "-addext",
          "basicConstraints=critical,CA:TRUE");
      Refusals.assertNothingIssued(
          ca,
          IssuanceException.Reason.CSR_EXTENSION,
          TestCa.grant(),
          TestCsr.request(Profile.SERVER, Files.readString(folder.resolve("csr.pem"))));
    }
  }
}
