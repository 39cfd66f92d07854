package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A gateway whose device CA lives in a PKCS#11 token, in good days and in bad. */
class HsmGatewayTest {
  private static final int FAILED = 1;
  private static final int UNAVAILABLE = 4;
  private static final Duration LONGEST_ANSWER = Duration.ofSeconds(5);
  private static final Duration LONGEST_RETURN = Duration.ofSeconds(15);
  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(50);
  private static final String MODULE = "m";
  private static final String ASK = "{\"profile\":\"server\"}";

  private final GatewayHome home;
  private final SoftHsm hsm;

  HsmGatewayTest() throws IOException, InterruptedException {
    home = GatewayHome.empty();
    hsm = SoftHsm.beside(home);
  }

  @AfterEach
  void end() throws IOException {
    home.close();
  }

  private void initialise() throws IOException, InterruptedException {
    home.initInToken(hsm);
    home.addModule(
        MODULE,
        "--generation",
        "1",
        "--profile",
        "server",
        "--dns",
        "m.example",
        "--audience",
        "hub.example");
  }

  private UnixHttp.Answer ask(RunningGateway gateway) throws IOException {
    try (UnixHttp connection = gateway.connect()) {
      return connection.post("/v1/certificates", ASK);
    }
  }

  @Test
  void theKeysNeverLeaveTheTokenAndARestartFindsThemAgain() throws Exception {
    initialise();
    List<SoftHsm.StoredObject> before = hsm.objects();
    assertNoKeyCanEverLeave(before);
    List<X509Certificate> first;
    try (RunningGateway gateway = home.serve()) {
      first = fetchAndVerify("first");
      assertThat(home.run("fetch", "token", "--module", MODULE, "--audience", "hub.example").done())
          .containsPattern("[\\w-]{20,}\\.[\\w-]{20,}\\.[\\w-]{20,}");
      assertThat(gateway.stop()).isZero();
    }
    try (RunningGateway gateway = home.serve()) {
      List<X509Certificate> second = fetchAndVerify("second");
      assertThat(second.getFirst()).isNotEqualTo(first.getFirst());
      assertThat(second.subList(1, second.size())).isEqualTo(first.subList(1, first.size()));
      assertThat(hsm.objects()).containsAll(before);
      assertThat(gateway.isAlive()).isTrue();
    }
  }

  private static void assertNoKeyCanEverLeave(List<SoftHsm.StoredObject> objects) {
    assertThat(objects.stream().filter(SoftHsm.StoredObject::isSecret))
        .as("the keys of root and device CA, and what seals the masters")
        .hasSizeGreaterThanOrEqualTo(3)
        .allSatisfy(object ->
            assertThat(object.access())
                .contains("sensitive", "always sensitive", "never extractable", "local"));
  }

  /** The chain, leaf first, once openssl has verified it with the bundle alone. */
  private List<X509Certificate> fetchAndVerify(String name) throws Exception {
    Path folder = home.beside(name);
    home.run(
            "fetch",
            "certificate",
            "--module",
            MODULE,
            "--profile",
            "server",
            "--out",
            folder.toString())
        .done();
    String chain = folder.resolve("certificate.pem").toString();
    Programs.run(
            "openssl",
            "verify",
            "-x509_strict",
            "-no-CApath",
            "-no-CAstore",
            "-CAfile",
            folder.resolve("bundle.pem").toString(),
            "-untrusted",
            chain,
            chain)
        .done();
    return Certificates.read(folder.resolve("certificate.pem"));
  }

  @Test
  void neitherPinNorKeyNorTokenIsOnTheDiskOrInALog() throws Exception {
    initialise();
    List<String> secrets = new ArrayList<>(List.of(SoftHsm.PIN));
    try (RunningGateway gateway = home.serve()) {
      assertThat(ask(gateway).status()).isEqualTo(201);
      try (UnixHttp connection = gateway.connect()) {
        UnixHttp.Answer token = connection.post("/v1/tokens", "{\"audience\":[\"hub.example\"]}");
        assertThat(token.status()).as(token.body()).isEqualTo(201);
        secrets.add(token.text("token"));
        UnixHttp.Answer signed =
            connection.post(
                "/modules/" + MODULE + "/genid/1/sign?api-version=2018-06-28",
                "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"aGVsbG8=\"}");
        assertThat(signed.status()).as(signed.body()).isEqualTo(200);
        secrets.add(signed.text("digest"));
      }
      List<byte[]> spellings = new ArrayList<>(SecretSearch.STARTS_OF_KEYS);
      for (String which : List.of("primary", "secondary")) {
        byte[] key = key(which);
        assertThat(key).hasSize(32);
        spellings.addAll(SecretSearch.spellings(key));
      }
      secrets.forEach(secret -> spellings.add(secret.getBytes(StandardCharsets.UTF_8)));
      gateway.stop();
      assertThat(SecretSearch.filesWith(home.folder(), spellings)).isEmpty();
      assertThat(SecretSearch.filesWith(home.beside("logs"), spellings)).isEmpty();
    }
  }

  private byte[] key(String which) throws IOException {
    try (UnixHttp connection = new UnixHttp(home.adminSocket())) {
      UnixHttp.Answer answer =
          connection.post("/modules/" + MODULE + "/key", "{\"which\":\"" + which + "\"}");
      assertThat(answer.status()).isEqualTo(200);
      return Base64.getDecoder().decode(answer.text("key"));
    }
  }

  @Test
  void aTokenTakenOutIsUnavailableAndServesAgainWhenItIsBack() throws Exception {
    initialise();
    try (RunningGateway gateway = home.serve()) {
      assertThat(ask(gateway).status()).isEqualTo(201);
      hsm.takeOut();
      long asked = System.nanoTime();
      UnixHttp.Answer answer = ask(gateway);
      assertThat(Duration.ofNanos(System.nanoTime() - asked)).isLessThan(LONGEST_ANSWER);
      assertThat(answer.status()).as(answer.body()).isEqualTo(503);
      assertThat(answer.header("retry-after")).matches("[1-9]\\d*");
      assertThat(answer.text("code")).isNotEmpty();
      try (UnixHttp connection = gateway.connect()) {
        assertThat(connection.get("/v1/trust-bundle").status()).isEqualTo(200);
      }
      hsm.putIn();
      awaitIssuing(gateway);
      assertThat(gateway.isAlive()).isTrue();
      assertThat(home.json("cert", "list").path("items"))
          .filteredOn(item -> item.path("module").asText().equals(MODULE))
          .hasSizeGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void aGatewayThatStartsWithoutItsTokenServesWhenTheTokenComes() throws Exception {
    initialise();
    hsm.takeOut();
    try (RunningGateway gateway = home.serve()) {
      assertThat(ask(gateway).status()).isEqualTo(503);
      try (UnixHttp connection = gateway.connect()) {
        assertThat(connection.get("/v1/trust-bundle").status()).isEqualTo(200);
      }
      hsm.putIn();
      awaitIssuing(gateway);
    }
  }

  private void awaitIssuing(RunningGateway gateway) throws IOException {
    long end = System.nanoTime() + LONGEST_RETURN.toNanos();
    UnixHttp.Answer answer = ask(gateway);
    while (answer.status() != 201) {
      assertThat(answer.status()).as(answer.body()).isEqualTo(503);
      assertThat(System.nanoTime()).as("the token is back: %s", answer.body()).isLessThan(end);
      LockSupport.parkNanos(BETWEEN_LOOKS.toNanos());
      answer = ask(gateway);
    }
  }

  @Test
  void aBackupIsRestoredWithItsTokenOnlyAndThenANewDeviceCaInTheTokenIssues() throws Exception {
    initialise();
    Path backup = home.beside("backups").resolve("b.zip");
    try (RunningGateway gateway = home.serve()) {
      assertThat(ask(gateway).status()).isEqualTo(201);
      home.run("backup", "--out", backup.toString()).done();
      assertThat(gateway.stop()).isZero();
    }
    Files.move(home.data(), home.beside("lost").resolve("data"));
    hsm.takeOut();
    assertNotRestored(backup, UNAVAILABLE);
    Files.createDirectory(hsm.tokenFiles());
    hsm.addToken();
    assertNotRestored(backup, FAILED);
    Programs.run("rm", "-r", hsm.tokenFiles().toString()).done();
    hsm.putIn();
    home.run("restore", backup.toString()).done();
    try (RunningGateway gateway = home.serve()) {
      UnixHttp.Answer answer = ask(gateway);
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.text("code")).isEqualTo("gap-not-accepted");
      assertThat(home.run("restore", "--accept-gap").done())
          .containsPattern("device-[0-9]{4,} issues");
      awaitIssuing(gateway);
      assertThat(home.json("ca", "show").path("items"))
          .filteredOn(item -> item.path("id").asText().matches("device-[0-9]{4,}"))
          .allMatch(item -> item.path("keyStore").asText().equals("pkcs11"))
          .hasSize(1);
    }
  }

  private void assertNotRestored(Path backup, int exit) throws Exception {
    Programs.Ended ended = home.run("restore", backup.toString());
    assertThat(ended.exit()).as(ended.err()).isEqualTo(exit);
    assertThat(ended.err()).doesNotContain(SoftHsm.PIN).doesNotContain("\tat ");
    assertThat(home.data()).doesNotExist();
  }

  /** What may be wrong when a gateway is made, and what the message must name. */
  enum Wrong {
    PIN("pin-source") {
      @Override
      void arrange(SoftHsm hsm) throws IOException {
        hsm.writePin("1234567", "rw-------");
      }

      @Override
      void mend(SoftHsm hsm) throws IOException {
        hsm.writePin(SoftHsm.PIN, "rw-------");
      }
    },
    PIN_FILE_THAT_ALL_CAN_READ("pin-source") {
      @Override
      void arrange(SoftHsm hsm) throws IOException {
        hsm.writePin(SoftHsm.PIN, "rw-r--r--");
      }
    },
    NO_PIN_FILE("pin-source") {
      @Override
      void arrange(SoftHsm hsm) throws IOException {
        Files.delete(hsm.pinFile());
      }
    },
    NO_TOKEN("token") {
      @Override
      void arrange(SoftHsm hsm) {
        hsm.setToken("elsewhere");
      }
    },
    LIBRARY_WITHOUT_ITS_TOKENS("module-path", UNAVAILABLE) {
      @Override
      void arrange(SoftHsm hsm) throws IOException {
        hsm.takeOut();
      }

      @Override
      void mend(SoftHsm hsm) throws IOException {
        hsm.putIn();
      }
    },
    TWO_TOKENS_WITH_ONE_LABEL("token") {
      @Override
      void arrange(SoftHsm hsm) throws IOException, InterruptedException {
        hsm.addToken();
      }
    },
    NO_LIBRARY("module-path") {
      @Override
      void arrange(SoftHsm hsm) {
        hsm.setLibrary(Path.of("/usr/lib/softhsm/no-such-library.so"));
      }
    },
    LIBRARY_OF_SOMETHING_ELSE("module-path") {
      @Override
      void arrange(SoftHsm hsm) throws IOException, InterruptedException {
        hsm.setLibrary(Programs.compile("remember_logins", "-shared", "-fPIC"));
      }
    };

    private final String named;
    private final int exit;

    Wrong(String named) {
      this(named, FAILED);
    }

    Wrong(String named, int exit) {
      this.named = named;
      this.exit = exit;
    }

    abstract void arrange(SoftHsm hsm) throws IOException, InterruptedException;

    /** Makes the token readable again, where it was not. */
    void mend(SoftHsm hsm) throws IOException {}
  }

  @ParameterizedTest
  @EnumSource
  void aTokenThatCanNotServeIsNamedAndLeavesNothing(Wrong wrong) throws Exception {
    wrong.arrange(hsm);
    Programs.Ended ended = home.run(GatewayHome.initCommand(hsm));
    assertThat(ended.exit()).as(ended.err()).isEqualTo(wrong.exit);
    assertThat(ended.err())
        .contains(wrong.named)
        .doesNotContain(SoftHsm.PIN)
        .doesNotContain("\tat ");
    try (var left = Files.walk(home.folder())) {
      assertThat(left.filter(Files::isRegularFile)).isEmpty();
    }
    assertThat(home.data()).doesNotExist();
    wrong.mend(hsm);
    assertThat(hsm.objects()).isEmpty();
  }

  @Test
  void aWrongPinIsMendedAndTheSameTokenServes() throws Exception {
    Wrong.PIN.arrange(hsm);
    assertThat(home.run(GatewayHome.initCommand(hsm)).exit()).isEqualTo(FAILED);
    Wrong.PIN.mend(hsm);
    home.initInToken(hsm);
    assertThat(hsm.objects()).isNotEmpty();
  }
}
