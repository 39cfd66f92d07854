package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Nothing that reads the disk, or the process from outside, finds a private key. */
class SecretsTest {
  private static byte[] scalar(PrivateKey key) {
    byte[] octets = ((ECPrivateKey) key).getS().toByteArray();
    return octets.length > 32 ? java.util.Arrays.copyOfRange(octets, 1, 33) : octets;
  }

  @Test
  void noPrivateKeyIsOnTheDiskInClear() throws Exception {
    try (GatewayHome home = GatewayHome.initialised();
        RunningGateway gateway = home.serve()) {
      home.addModule("m", "--profile", "server", "--dns", "m.example");
      byte[] issued;
      try (UnixHttp connection = gateway.connect()) {
        UnixHttp.Answer answer = connection.post("/v1/certificates", "{\"profile\":\"server\"}");
        assertThat(answer.status()).isEqualTo(201);
        issued = scalar(readKey(answer.text("privateKey")));
      }
      assertThat(SecretSearch.filesWith(home.folder(), SecretSearch.STARTS_OF_KEYS)).isEmpty();
      assertThat(SecretSearch.filesWith(home.folder(), SecretSearch.spellings(issued))).isEmpty();
      assertThat(
              SecretSearch.contains(
                  gateway.log().getBytes(StandardCharsets.UTF_8),
                  "PRIVATE".getBytes(StandardCharsets.UTF_8)))
          .isFalse();
      byte[] seal = Files.readAllBytes(home.folder().resolve("seal.key"));
      assertThat(SecretSearch.filesWith(home.data(), SecretSearch.spellings(seal))).isEmpty();
    }
  }

  @Test
  void theSearchFindsAKeyThatIsThere() throws Exception {
    try (GatewayHome home = GatewayHome.empty()) {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      PrivateKey key = generator.generateKeyPair().getPrivate();
      Files.write(home.folder().resolve("der"), key.getEncoded());
      Files.writeString(
          home.folder().resolve("base64"), Base64.getEncoder().encodeToString(key.getEncoded()));
      Files.writeString(home.folder().resolve("hex"), HexFormat.of().formatHex(scalar(key)));
      Programs.run(
              "openssl",
              "genrsa",
              "-traditional",
              "-out",
              home.folder().resolve("pem").toString(),
              "1024")
          .done();
      assertThat(SecretSearch.filesWith(home.folder(), SecretSearch.STARTS_OF_KEYS))
          .contains("der", "pem")
          .doesNotContain("hex");
      assertThat(SecretSearch.filesWith(home.folder(), SecretSearch.spellings(scalar(key))))
          .contains("der", "hex");
    }
  }

  private static PrivateKey readKey(String pem) throws Exception {
    String body =
        pem.replace("-----BEGIN PRIVATE KEY-----", "")
            .replace("-----END PRIVATE KEY-----", "")
            .replaceAll("\\s", "");
    return KeyFactory.getInstance("EC")
        .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(body)));
  }

  /** The kernel writes no core of it, and the JVM opens no door for a debugger. */
  @Test
  void theProcessCanNeitherBeDumpedNorAttachedTo() throws Exception {
    try (GatewayHome home = GatewayHome.initialised();
        RunningGateway gateway = home.serve()) {
      Path proc = Path.of("/proc", String.valueOf(gateway.pid()));
      assertThat(Files.readAllLines(proc.resolve("limits")))
          .anyMatch(line -> line.matches("Max core file size +0 +0 +bytes *"));
      // What jcmd and jattach do: with this file, a JVM answers SIGQUIT by opening a socket;
      // one with the mechanism off writes its threads to the standard output, as ever.
      Path asked = Files.createFile(Path.of("/tmp/.attach_pid" + gateway.pid()));
      try {
        Programs.run("kill", "-QUIT", String.valueOf(gateway.pid())).done();
        assertThat(gateway.nextLineContaining("Full thread dump")).isNotEmpty();
        assertThat(Path.of("/tmp/.java_pid" + gateway.pid())).doesNotExist();
        assertThat(Path.of("/tmp/hsperfdata_root/" + gateway.pid())).doesNotExist();
      } finally {
        Files.deleteIfExists(asked);
      }
    }
  }

  /** Without root nobody else's rules help: the service and the thief have the same user. */
  @Test
  void anotherProcessOfTheServicesOwnUserCanNotReadItsMemory() throws Exception {
    Assumptions.assumeTrue(GatewayHome.uid() == 0, "only root can become somebody else");
    try (GatewayHome home = GatewayHome.empty()) {
      home.becomeNobody();
      home.init();
      try (RunningGateway gateway = home.serve()) {
        Path proc = Path.of("/proc", String.valueOf(gateway.pid()));
        assertThat(Files.getAttribute(proc.resolve("mem"), "unix:uid"))
            .as("what the kernel lets its owner alone read belongs to root")
            .isEqualTo(0);
        for (String file : List.of("environ", "mem", "maps")) {
          assertThat(home.runAsUser("head", "-c", "1", proc.resolve(file).toString()).exit())
              .as(file)
              .isNotZero();
        }
        assertThat(home.runAsUser("head", "-c", "1", "/proc/self/environ").exit())
            .as("the thief can read at all")
            .isZero();
      }
    }
  }

  @Test
  void anotherUserCanNotServeTheSameHome() throws Exception {
    Assumptions.assumeTrue(GatewayHome.uid() == 0, "only root can become somebody else");
    try (GatewayHome home = GatewayHome.initialised()) {
      assertThat(Objects.requireNonNull(home.folder())).isDirectory();
      home.becomeNobodyButKeepTheOwner();
      Programs.Ended ended = home.run("serve");
      assertThat(ended.exit()).isEqualTo(1);
      assertThat(ended.out()).doesNotContain("ready");
    }
  }
}
