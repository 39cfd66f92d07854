package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vouchsafe.keys.SoftHsm;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway whose keys are in files moves to a token, while it serves. */
class MoveKeyStoreTest {
  @TempDir Path folder;
  private SoftHsm hsm;
  private SoftHsm.Token token;

  @BeforeEach
  void makeAHomeInFiles() throws Exception {
    hsm = SoftHsm.in(folder);
    token = hsm.token("gw");
    assertThat(command("init", "--device-id", "gw1").code()).isZero();
    replace("[listen]\n", "[listen]\nhttps = \"127.0.0.1:0\"\n");
    assertThat(
            command(
                    "module",
                    "add",
                    "web",
                    "--selector",
                    "unix:uid:" + FileTrust.ownUser(),
                    "--profile",
                    "server",
                    "--dns",
                    "gateway.example",
                    "--audience",
                    "hub.example")
                .code())
        .isZero();
  }

  private Path root() {
    return folder.resolve("h");
  }

  private Home home() {
    return Home.at(root());
  }

  /** In this process: none of these commands loads the token's library. */
  private CliRun.Ended command(String... args) {
    return CliRun.at(root()).clock(Clock.systemUTC()).run(args);
  }

  private ProcessRun process() {
    return new ProcessRun(root(), hsm.environment());
  }

  private void replace(String from, String to) throws IOException {
    String text = Files.readString(home().configuration());
    assertThat(text).contains(from);
    Files.writeString(home().configuration(), text.replace(from, to));
  }

  private String good(String... args) {
    CliRun.Ended ended = command(args);
    assertThat(ended.code()).as(ended.err()).isZero();
    return ended.out();
  }

  private Path fetched(String name) {
    Path out = folder.resolve(name);
    good("fetch", "certificate", "--module", "web", "--profile", "server", "--out", out.toString());
    return out;
  }

  private JsonNode post(String operation, String body) throws Exception {
    UnixHttpClient.Answer answer =
        new UnixHttpClient(home().workloadSocket(), Duration.ofSeconds(20), 65_536)
            .post(
                "/modules/web/genid/1/" + operation + "?api-version=2018-06-28",
                body.getBytes(StandardCharsets.UTF_8));
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return new ObjectMapper().readTree(answer.body());
  }

  private static List<X509Certificate> certificates(Path file)
      throws IOException, GeneralSecurityException {
    List<X509Certificate> all = new ArrayList<>();
    for (var one :
        CertificateFactory.getInstance("X.509")
            .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)))) {
      all.add((X509Certificate) one);
    }
    return all;
  }

  /** As a device does that got its trust bundle at that time. */
  private static void assertVerifies(Path leaf, Path bundle) throws Exception {
    PKIXParameters trust =
        new PKIXParameters(
            Set.of(new TrustAnchor(certificates(bundle.resolve("bundle.pem")).getFirst(), null)));
    trust.setRevocationEnabled(false);
    CertPathValidator.getInstance("PKIX")
        .validate(
            CertificateFactory.getInstance("X.509")
                .generateCertPath(certificates(leaf.resolve("certificate.pem"))),
            trust);
  }

  private static String issuer(Path leaf) throws Exception {
    return certificates(leaf.resolve("certificate.pem"))
        .getFirst()
        .getIssuerX500Principal()
        .getName();
  }

  private void configureTheToken() throws IOException {
    replace("[keys]\n", "[keys]\npkcs11-uri = \"" + token.uri() + "\"\n");
  }

  @Test
  void moduleKeysAndEncryptedDataAndTokensAndOldLeavesSurviveTheMove() throws Exception {
    Path before;
    String key;
    String jwt;
    String ciphertext;
    try (ServiceProcess _ = process().serve()) {
      before = fetched("before");
      key = good("module", "key", "web");
      jwt = good("fetch", "token", "--module", "web", "--audience", "hub.example");
      ciphertext =
          post("encrypt", "{\"plaintext\":\"c2VjcmV0\",\"initializationVector\":\"aXY=\"}")
              .path("ciphertext")
              .asText();

      // Not configured: said with the setting, and nothing is half made.
      CliRun.Ended tooSoon = command("ca", "prepare", "--key-store", "pkcs11");
      assertThat(tooSoon.code()).isEqualTo(1);
      assertThat(tooSoon.err()).contains("[keys] pkcs11-uri").hasLineCount(1);
      assertThat(good("ca", "show")).doesNotContain("device-2");

      configureTheToken();
      assertThat(good("ca", "prepare", "--key-store", "pkcs11"))
          .contains(" is prepared, its key in key store pkcs11")
          .contains("activate with: vouchsafe ca activate");
      assertThat(issuer(fetched("prepared"))).isEqualTo(issuer(before));
      CliRun.Ended twice = command("ca", "prepare");
      assertThat(twice.code()).isEqualTo(3);
      assertThat(twice.err()).contains("authority-state").hasLineCount(1);

      assertThat(good("ca", "activate"))
          .contains(" is active, its key in key store pkcs11")
          .contains("set [keys] store = \"pkcs11\" in " + home().configuration())
          .contains("leave the settings of software there: the root is in it");
      assertSame(before, key, jwt, ciphertext);
      assertThat(good("cert", "list", "--module", "web", "-o", "json")).contains("\"device-2\"");
      CliRun.Ended check = process().run("check");
      assertThat(check.code()).as(check.out()).isZero();
      assertThat(check.out()).contains("device-2 is in pkcs11, and [keys] store says software");
    }

    try (ServiceProcess again = process().serve()) {
      assertThat(again.log()).contains("device-2 is in pkcs11, and [keys] store says software");
      assertSame(before, key, jwt, ciphertext);
    }

    replace("store = \"software\"", "store = \"pkcs11\"");
    try (ServiceProcess again = process().serve()) {
      assertThat(again.log()).doesNotContain("[keys] store says");
      assertSame(before, key, jwt, ciphertext);
      assertThat(good("ca", "status")).contains("next: nothing");
      assertThat(process().run("check").out())
          .doesNotContain("FAIL")
          .doesNotContain("[keys] store says");
    }
  }

  private void assertSame(Path before, String key, String jwt, String ciphertext) throws Exception {
    Path after = fetched("after");
    assertThat(issuer(after)).isNotEqualTo(issuer(before)).contains("Device CA 2");
    assertVerifies(after, before);
    assertVerifies(before, after);
    assertThat(good("module", "key", "web")).isEqualTo(key);
    CliRun.Ended verified =
        CliRun.at(root())
            .clock(Clock.systemUTC())
            .given(jwt)
            .run("token", "verify", "--audience", "hub.example");
    assertThat(verified.code()).as(verified.err()).isZero();
    assertThat(
            post(
                    "decrypt",
                    "{\"ciphertext\":\"" + ciphertext + "\",\"initializationVector\":\"aXY=\"}")
                .path("plaintext")
                .asText())
        .isEqualTo("c2VjcmV0");
  }

  @Test
  void aPreparedAuthorityThatIsGivenUpNeverSignsAndAnotherCanBePrepared() throws Exception {
    configureTheToken();
    try (ServiceProcess service = process().serve()) {
      Path before = fetched("before");
      assertThat(command("ca", "abort").err()).contains("no device CA is prepared");
      assertThat(command("ca", "activate").code()).isEqualTo(3);
      assertThat(good("ca", "prepare", "--key-store", "pkcs11", "-o", "json"))
          .contains("\"state\" : \"prepared\"")
          .contains("\"next\" : \"activate with: vouchsafe ca activate\"");
      assertThat(good("ca", "status")).contains("next: activate with: vouchsafe ca activate");
      assertThat(good("ca", "abort")).contains("the active one goes on as before");
      assertThat(command("ca", "activate", "device-2").code()).isEqualTo(3);
      assertThat(issuer(fetched("after"))).isEqualTo(issuer(before));
      good("ca", "prepare", "--key-store", "pkcs11");
      good("ca", "activate", "device-3");
      assertThat(issuer(fetched("third"))).contains("Device CA 3");
      assertThat(service.log())
          .contains("prepare device in key store pkcs11, asked by uid " + FileTrust.ownUser())
          .contains("activate device-3, asked by uid " + FileTrust.ownUser());
    }
  }

  @Test
  void aTokenThatDoesNotWorkIsNamedAndTheGatewayGoesOnWhereItIs() throws Exception {
    Files.writeString(token.pinFile(), "no such pin\n");
    configureTheToken();
    try (ServiceProcess _ = process().serve()) {
      CliRun.Ended refused = command("ca", "prepare", "--key-store", "pkcs11");
      assertThat(refused.code()).isIn(1, 4);
      assertThat(refused.err())
          .contains("[keys] pkcs11-uri")
          .contains("PIN")
          .doesNotContain("no such pin");
      assertThat(home().data().resolve("keys-pkcs11")).doesNotExist();
      fetched("before");
      Files.writeString(token.pinFile(), token.pin() + "\n");
      good("ca", "prepare", "--key-store", "pkcs11");
      good("ca", "activate");
      assertThat(issuer(fetched("after"))).contains("Device CA");
    }
  }

  @Test
  void aRootWhoseTokenIsInADrawerIsNoFailureAndLookingLeavesNoNoteOfThePin() throws Exception {
    ProcessRun drawer = new ProcessRun(folder.resolve("drawer"), hsm.environment());
    CliRun.Ended made = drawer.run("init", "--root-pkcs11-uri", token.uri());
    assertThat(made.code()).as(made.err()).isZero();
    Path record = Home.at(folder.resolve("drawer")).data().resolve("keys-root-pkcs11");
    var before = Files.getLastModifiedTime(record);
    CliRun.Ended there = drawer.run("check");
    assertThat(there.out()).containsPattern("OK    authorities +root-1 in key store root-pkcs11");
    assertThat(Files.getLastModifiedTime(record)).isEqualTo(before);
    Files.delete(token.pinFile());
    CliRun.Ended away = drawer.run("check");
    assertThat(away.code()).as(away.out()).isZero();
    assertThat(away.out())
        .doesNotContain("FAIL")
        .containsPattern("WARN  key store root-pkcs11 +PIN file: .*in it: root-1")
        .containsPattern("WARN  authorities +root-1 in key store root-pkcs11: not tried");
  }

  @Test
  void whatAKilledServiceLeftOfAStoreIsDestroyedInTheTokenBeforeAnotherIsMade() throws Exception {
    // A store in the token whose folder has the name that it has until it is whole.
    Path other = folder.resolve("other");
    ProcessRun another = new ProcessRun(other, hsm.environment());
    assertThat(another.run("init", "--key-store", "pkcs11", "--pkcs11-uri", token.uri()).code())
        .isZero();
    Path halfMade = home().data().resolve("keys-pkcs11.new");
    Files.createDirectory(
        halfMade,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    try (var files = Files.list(Home.at(other).keys())) {
      for (Path file : files.toList()) {
        Files.copy(file, halfMade.resolve(file.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
    configureTheToken();
    try (ServiceProcess _ = process().serve()) {
      good("ca", "prepare", "--key-store", "pkcs11");
      good("ca", "activate");
      assertThat(issuer(fetched("after"))).contains("Device CA 2");
    }
    assertThat(halfMade).doesNotExist();
    assertThat(process().run("check").out()).doesNotContain("FAIL");
    assertThat(another.run("check").out()).contains("FAIL  key store pkcs11");
  }
}
