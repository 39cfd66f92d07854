package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.Grant;
import dev.vouchsafe.ca.TokenRequest;
import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands about tokens and symmetric keys, against a service that answers what is wanted. */
class TokenCommandsTest {
  private static final String ISSUED =
      "{\"token\":\"aaa.bbb.ccc\",\"expiresAt\":\"2026-12-01T12:05:00Z\","
          + "\"renewAfter\":\"2026-12-01T12:02:30Z\"}";

  @TempDir Path folder;

  @BeforeEach
  void makeTheFolderOfTheSockets() throws IOException {
    Files.createDirectory(home().run());
  }

  private Home home() {
    return Home.at(folder);
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(folder).run(args);
  }

  @Test
  void aTokenIsPrintedAlone() throws Exception {
    try (FakeService service =
        FakeService.answering(home().workloadSocket(), FakeService.json(201, ISSUED))) {
      CliRun.Ended ended =
          run(
              "fetch",
              "token",
              "--audience",
              "hub.example",
              "--audience",
              "b",
              "--ttl",
              "10m",
              "--module",
              "mod 1$x");
      assertThat(ended.code()).isZero();
      assertThat(ended.out()).isEqualTo("aaa.bbb.ccc\n");
      assertThat(service.request())
          .startsWith("POST /v1/tokens?module=mod%201%24x HTTP/1.1")
          .endsWith("{\"audience\":[\"hub.example\",\"b\"],\"ttlSeconds\":600}");
    }
  }

  @Test
  void aTokenInAFileIsReadByItsOwnerOnlyAndNotPrinted() throws IOException {
    Path out = folder.resolve("out");
    try (FakeService _ =
        FakeService.answering(home().workloadSocket(), FakeService.json(201, ISSUED))) {
      CliRun.Ended ended = run("fetch", "token", "--audience", "a", "--out", out.toString());
      assertThat(ended.code()).isZero();
      assertThat(ended.out()).contains("2026-12-01T12:05:00Z").doesNotContain("aaa.bbb");
    }
    Path file = out.resolve("token");
    assertThat(file).hasContent("aaa.bbb.ccc");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fetch token",
        "fetch token --audience a --ttl 0s",
        "fetch token --audience a --ttl soon",
        "fetch token --audience a --hub h",
        "fetch token --sas --audience a",
        "module key web --which third",
        "token"
      })
  void aWrongCommandLineAsksNothing(String line) {
    CliRun.Ended ended = run(line.split(" ", -1));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.out()).isEmpty();
  }

  /** Answers as the service does, and keeps what was asked. */
  private FakeService signing(List<String> asked) throws IOException {
    return FakeService.answering(
        home().workloadSocket(),
        line -> {
          asked.add(line);
          return line.startsWith("GET /v1/identity")
              ? FakeService.json(200, "{\"module\":\"mod 1$x\",\"generation\":\"7\"}")
              : FakeService.json(200, "{\"digest\":\"ab+/\"}");
        });
  }

  @Test
  void aSasTokenIsSignedAsAnSdkHasItSigned() throws Exception {
    List<String> asked = Collections.synchronizedList(new ArrayList<>());
    try (FakeService _ = signing(asked)) {
      CliRun.Ended ended =
          CliRun.at(folder)
              .with("IOTEDGE_IOTHUBHOSTNAME", "hub.example")
              .with("IOTEDGE_DEVICEID", "gw")
              .run("fetch", "token", "--sas", "--ttl", "1h");
      long end = CliRun.NOW.getEpochSecond() + 3600;
      String resource = "hub.example%2Fdevices%2Fgw%2Fmodules%2Fmod%201%24x";
      assertThat(ended.code()).isZero();
      assertThat(ended.out())
          .isEqualTo("SharedAccessSignature sr=" + resource + "&sig=ab%2B%2F&se=" + end + "\n");
      assertThat(asked)
          .containsExactly(
              "GET /v1/identity HTTP/1.1",
              "POST /modules/mod%201%24x/genid/7/sign?api-version=2022-08-03 HTTP/1.1");
    }
  }

  @Test
  void whatASasTokenIsForMustBeKnown() throws IOException {
    List<String> asked = Collections.synchronizedList(new ArrayList<>());
    try (FakeService _ = signing(asked)) {
      CliRun.Ended ended = run("fetch", "token", "--sas", "--hub", "h");
      assertThat(ended.code()).isEqualTo(2);
      assertThat(ended.err()).contains("--device-id");
    }
  }

  @Test
  void theKeyOfAModuleIsAskedOfTheAdministratorsSocket() throws Exception {
    String key = Base64.getEncoder().encodeToString(new byte[32]);
    try (FakeService service =
        FakeService.answering(
            home().adminSocket(),
            FakeService.json(200, "{\"module\":\"web\",\"key\":\"" + key + "\"}"))) {
      CliRun.Ended ended = run("module", "key", "mod 1$x", "--which", "secondary");
      assertThat(ended.code()).isZero();
      assertThat(ended.out()).isEqualTo(key + "\n");
      assertThat(service.request())
          .startsWith("POST /modules/mod%201%24x/key HTTP/1.1")
          .endsWith("{\"which\":\"secondary\"}");
    }
  }

  @Test
  void withoutAServiceThereIsNoKey() {
    assertThat(run("module", "key", "web").code()).isEqualTo(4);
  }

  @Test
  void aTokenThatIsTooLongOrMissingIsNotLookedAt() throws IOException {
    Path keys = folder.resolve("keys.json");
    Files.writeString(keys, "{\"keys\":[]}");
    CliRun.Ended missing =
        run("token", "verify", "--jwks", keys.toString(), folder.resolve("none").toString());
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).contains("no such file");
    CliRun.Ended huge =
        CliRun.at(folder)
            .given("x".repeat(70_000))
            .run("token", "verify", "--jwks", keys.toString());
    assertThat(huge.code()).isEqualTo(1);
    assertThat(huge.err()).contains("over 16386 octets");
  }

  @Test
  void withoutKeysTheNextStepIsTold() {
    CliRun.Ended ended = CliRun.at(folder).given("a.b.c").run("token", "verify");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("jwks.json does not exist").contains("--jwks");
  }

  @Test
  void aTokenThatIsNotGoodIsRefusedAndNotPrinted() throws IOException {
    Path keys = folder.resolve("keys.json");
    Files.writeString(keys, "{\"keys\":[]}");
    Path token = folder.resolve("token");
    Files.write(token, "aaa.bbb.ccc\n".getBytes(StandardCharsets.US_ASCII));
    CliRun.Ended ended = run("token", "verify", "--jwks", keys.toString(), token.toString());
    assertThat(ended.code()).isEqualTo(3);
    assertThat(ended.err()).contains("not good").doesNotContain("bbb");
  }

  /** What a gateway makes whose keys are in a home of its own. */
  @Test
  void aTokenOfTheHomeIsVerifiedWithoutTheServiceForItsAudienceOnly() throws Exception {
    Path root = folder.resolve("home");
    assertThat(CliRun.at(root).run("init", "--device-id", "gw").code()).isZero();
    Home home = Home.at(root);
    String token;
    Configuration configuration = ConfigurationFile.read(home);
    SoftwareCrypto crypto = SoftwareCrypto.choose();
    try (KeyStores stores = KeyStores.of(home, Map.of(), crypto);
        CertificateAuthority authority =
            CertificateAuthorities.open(
                configuration.authority(home.data()),
                stores,
                crypto,
                TrustedClocks.believing(InstantSource.fixed(CliRun.NOW)),
                Runnable::run)) {
      Grant grant =
          new Grant(
              "web",
              "1",
              Set.of(),
              List.of(),
              List.of(),
              Optional.empty(),
              Optional.empty(),
              List.of("hub.example"),
              Optional.empty());
      token =
          authority
              .tokens()
              .issue(grant, new TokenRequest(List.of("hub.example"), Optional.empty()))
              .join()
              .token();
    }
    CliRun.Ended good =
        CliRun.at(root)
            .given(token + "\n")
            .run("token", "verify", "--audience", "hub.example", "-o", "json");
    assertThat(good.err()).isEmpty();
    assertThat(good.code()).isZero();
    assertThat(good.json().path("subject").asText()).isEqualTo("web");
    assertThat(good.json().path("issuer").asText()).isEqualTo("spiffe://gw.internal");
    assertThat(CliRun.at(root).given(token).run("token", "verify").out()).contains("hub.example");

    CliRun.Ended other =
        CliRun.at(root).given(token).run("token", "verify", "--audience", "evil.example");
    assertThat(other.code()).isEqualTo(3);
    assertThat(other.err()).contains("(audience)").doesNotContain(token);
    String id = good.json().path("id").asText();
    Files.writeString(home.revokedTokens(), "{\"items\":[{\"id\":\"" + id + "\"}]}");
    CliRun.Ended revoked = CliRun.at(root).given(token).run("token", "verify");
    assertThat(revoked.code()).isEqualTo(3);
    assertThat(revoked.err()).contains("(revoked)").doesNotContain(token);
    Files.writeString(home.revokedTokens(), "nonsense");
    assertThat(CliRun.at(root).given(token).run("token", "verify").code()).isEqualTo(1);
    Files.delete(home.revokedTokens());
    CliRun.Ended changed = CliRun.at(root).given(flipped(token)).run("token", "verify");
    assertThat(changed.code()).isEqualTo(3);
    assertThat(changed.err()).contains("(signature)");
  }

  /** The first character of the signature, exchanged. */
  private static String flipped(String token) {
    int at = token.lastIndexOf('.') + 1;
    char other = token.charAt(at) == 'A' ? 'B' : 'A';
    return token.substring(0, at) + other + token.substring(at + 1);
  }
}
