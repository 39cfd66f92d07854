package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.InstantSource;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckCommandTest {
  @TempDir Path folder;

  @BeforeEach
  void makeAHome() {
    assertThat(CliRun.at(root()).run("init", "--device-id", "gw1").code()).isZero();
  }

  private Path root() {
    return folder.resolve("home");
  }

  private Home home() {
    return Home.at(root());
  }

  private CliRun.Ended check() {
    return CliRun.at(root()).run("check");
  }

  private void assertFails(String subject, String... said) {
    CliRun.Ended ended = check();
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.out().lines())
        .anySatisfy(line -> {
          assertThat(line).startsWith("FAIL  " + subject);
          assertThat(line).contains(said);
        });
  }

  private void assertWarns(String subject, String... said) {
    CliRun.Ended ended = check();
    assertThat(ended.code()).isZero();
    assertThat(ended.out().lines())
        .anySatisfy(line -> {
          assertThat(line).startsWith("WARN  " + subject);
          assertThat(line).contains(said);
        });
  }

  @Test
  void aNewHomeHasNoFailureAndTheWarningsThatItMustHave() {
    CliRun.Ended ended = check();
    assertThat(ended.code()).isZero();
    assertThat(ended.err()).isEmpty();
    assertThat(ended.out()).doesNotContain("FAIL");
    assertThat(ended.out().lines().map(line -> line.substring(6).split(" ", 2)[0]).distinct())
        .contains(
            "java",
            "cryptography",
            "clock",
            "home",
            "configuration",
            "rights",
            "disk",
            "service",
            "registrations",
            "sockets",
            "authorities",
            "attestation");
    assertWarns("key store", "seal.key", "[keys] seal");
    assertWarns("service", "does not run", "vouchsafe serve");
  }

  @Test
  void forProgramsEachLineIsAnItem() throws IOException {
    JsonNode items = CliRun.at(root()).run("check", "-o", "json").json().path("items");
    assertThat(items.size()).isGreaterThan(10);
    assertThat(items)
        .allSatisfy(item -> {
          assertThat(item.path("status").asText()).isIn("OK", "WARN", "FAIL");
          assertThat(item.has("advice")).isEqualTo(!item.path("status").asText().equals("OK"));
        });
  }

  @Test
  void itChangesNothing() throws IOException {
    String before = snapshot();
    check();
    assertThat(snapshot()).isEqualTo(before);
  }

  /** Who only looks leaves it to the service to sweep, with its rights and at its time. */
  @Test
  void itLeavesWhatAnInterruptedWriterLeft() throws IOException {
    Path left = Files.writeString(home().keys().resolve(".tmp-0123456789"), "x");
    String before = snapshot();
    assertThat(check().code()).isZero();
    assertThat(snapshot()).isEqualTo(before);
    assertThat(left).exists();
  }

  @Test
  void aHomeOfAServiceThatDoesNotAnswerIsNotOpenedBesideIt() throws Exception {
    try (HomeLock _ = HomeLock.take(home())) {
      assertFails("authorities", "not tried: a service has this home, and does not answer");
      assertThat(check().out()).doesNotContain("device-1 in key store");
    }
  }

  @Test
  void leavesThatGoPastTheIssuingCaAreAWarning() throws IOException {
    String text = Files.readString(home().configuration());
    CliRun.at(root()).run("module", "add", "slow", "--selector", "unix:uid:1", "--ttl", "20h");
    assertThat(check().out()).doesNotContain("WARN  issuing");
    Files.writeString(home().configuration(), text + "\n[issuing]\ntwo-speed = \"on\"\n");
    assertWarns("issuing", "ttl of the module slow 20h", "[lifetimes] issuing-ca, 1d");
    assertThat(check().out()).doesNotContain("[lifetimes] leaf ");
    Files.writeString(
        home().configuration(),
        text.replace("[lifetimes]\n", "[lifetimes]\nissuing-ca = \"48h\"\nleaf = \"25h\"\n")
            + "\n[issuing]\ntwo-speed = \"on\"\n");
    assertWarns("issuing", "[lifetimes] leaf 25h");
    assertThat(check().out()).doesNotContain("module slow");
  }

  @Test
  void onlyWhatTheDeviceCaNeedsIsAFailure() throws IOException {
    String authorities =
        "{\"items\":["
            + authority("root-1", "root", "active", "software")
            + ","
            + authority("device-1", "device", "active", "pkcs11")
            + ","
            + authority("device-2", "device", "prepared", "tpm")
            + ","
            + authority("issuing-1", "issuing", "active", "memory")
            + "]}";
    String away = ",\"outcome\":\"unavailable\",\"detail\":\"away\"}";
    String works = ",\"outcome\":\"works\",\"detail\":\"it signs\"}";
    String root = "{\"authority\":\"root-1\",\"keyStore\":\"software\"";
    String first = "{\"authority\":\"device-1\",\"keyStore\":\"pkcs11\"";
    String second = "{\"authority\":\"device-2\",\"keyStore\":\"tpm\"";
    // What is wrong with the root's own store on the disk of this home is told, too.
    Files.delete(home().sealKey());
    try (FakeService _ = serving(authorities, root + away, first + works, second + away)) {
      CliRun.Ended ended = check();
      assertThat(ended.out())
          .doesNotContain("FAIL")
          .containsPattern("WARN  key store software +.*seal.key.*in it: root-1 \\(active\\); the")
          .containsPattern("WARN  authorities +root-1 in key store software: away")
          .containsPattern("WARN  authorities +device-2 in key store tpm: away")
          .as("an issuing CA is made anew")
          .doesNotContain("issuing-1 is valid");
      assertThat(ended.code()).isZero();
      assertThat(CliRun.at(root()).run("ca", "status").code()).isZero();
    }
    try (FakeService _ = serving(authorities, root + works, first + away, second + works)) {
      assertThat(check().out()).containsPattern("FAIL  authorities +device-1 .*: away");
      assertThat(CliRun.at(root()).run("ca", "status").code()).isEqualTo(4);
    }
    String failed = away.replace("unavailable", "failed");
    try (FakeService _ = serving(authorities, root + works, first + failed, second + away)) {
      assertThat(CliRun.at(root()).run("ca", "status").code()).isEqualTo(1);
    }
  }

  private static String authority(String id, String role, String state, String keyStore) {
    return "{\"id\":\"%s\",\"role\":\"%s\",\"state\":\"%s\",\"keyStore\":\"%s\","
            .formatted(id, role, state, keyStore)
        + "\"notBefore\":\"2026-11-01T00:00:00Z\",\"notAfter\":\"2028-11-01T00:00:00Z\"}";
  }

  private FakeService serving(String authorities, String... proofs) throws IOException {
    Files.deleteIfExists(home().adminSocket());
    String stores = "{\"items\":[],\"proofs\":[" + String.join(",", proofs) + "]}";
    return FakeService.answering(
        home().adminSocket(),
        line ->
            FakeService.json(
                200,
                line.contains("/status")
                    ? "{\"deviceId\":\"gw1\"}"
                    : line.contains("/key-stores") ? stores : authorities));
  }

  private String snapshot() throws IOException {
    StringBuilder text = new StringBuilder();
    try (Stream<Path> all = Files.walk(root())) {
      for (Path path : all.sorted().toList()) {
        text.append(path).append(' ').append(Files.getLastModifiedTime(path)).append('\n');
      }
    }
    return text.toString();
  }

  @Test
  void withoutAHomeItSaysSo() {
    CliRun.Ended ended = CliRun.at(folder.resolve("none")).run("check");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.out()).contains("FAIL  home").contains("vouchsafe init");
  }

  @Test
  void aClockBeforeTheBuildIsAFailure() {
    CliRun.Ended ended =
        CliRun.at(root())
            .clock(InstantSource.fixed(Instant.parse("1970-01-01T00:00:00Z")))
            .run("check");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.out()).contains("FAIL  clock").contains("set the clock");
  }

  @Test
  void anAuthorityNearItsEndIsAWarningAndAnEndedOneAFailure() {
    CliRun late =
        CliRun.at(root()).clock(InstantSource.fixed(CliRun.NOW.plusSeconds(18L * 365 * 86_400)));
    assertThat(late.run("check").out()).contains("WARN  authorities");
    CliRun over =
        CliRun.at(root()).clock(InstantSource.fixed(CliRun.NOW.plusSeconds(21L * 365 * 86_400)));
    assertThat(over.run("check").out()).contains("FAIL  authorities").contains("ended on");
    CliRun early = CliRun.at(root()).clock(InstantSource.fixed(CliRun.NOW.minusSeconds(86_400)));
    assertThat(early.run("check").out()).contains("FAIL  authorities").contains("valid from");
  }

  @Test
  void secretsThatOthersCouldReadAreFailures() throws IOException {
    Files.setPosixFilePermissions(home().sealKey(), PosixFilePermissions.fromString("rw-r-----"));
    assertFails("rights", "seal.key", "chmod go-rwx");
    Files.setPosixFilePermissions(home().sealKey(), PosixFilePermissions.fromString("rw-------"));
    Files.setPosixFilePermissions(home().data(), PosixFilePermissions.fromString("rwxr-xr-x"));
    assertFails("rights", "data", "chmod go-rwx");
  }

  @Test
  void registrationsThatOthersCouldWriteAreAFailure() throws IOException {
    Files.setPosixFilePermissions(
        home().registrations(), PosixFilePermissions.fromString("rwxrwxr-x"));
    assertFails("rights", "registrations.d", "chmod go-w");
  }

  @Test
  void aBadRegistrationIsAWarningWithItsFile() throws IOException {
    Path bad = home().registrations().resolve("bad.toml");
    Files.writeString(bad, "[[module]]\nname = 7\n");
    Files.setPosixFilePermissions(bad, PosixFilePermissions.fromString("rw-r--r--"));
    assertWarns("registrations", "bad.toml", "mend");
  }

  @Test
  void aSelectorWithoutItsFileIsAWarning() {
    CliRun.at(root())
        .run(
            "module", "add", "web", "--selector", "unix:uid:1", "--selector", "unix:path:/no/such");
    assertWarns("registrations", "web", "/no/such");
  }

  @Test
  void usersAndGroupsThatThisMachineDoesNotKnowAreWarnings() {
    CliRun run = CliRun.at(root());
    String[] web = {"module", "add", "web", "--selector", "unix:user:nobody-here"};
    assertThat(run.run(web).code()).isZero();
    String[] db = {"module", "add", "db", "--selector", "unix:user:root"};
    assertThat(
            run.run(
                    Stream.concat(
                            Stream.of(db),
                            Stream.of(
                                "--selector",
                                "unix:group:no-such-group",
                                "--selector",
                                "unix:supplementary-group:none-either",
                                "--selector",
                                "unix:supplementary-group:4242"))
                        .toArray(String[]::new))
                .code())
        .isZero();
    assertWarns("registrations", "web: unix:user:nobody-here names no user");
    assertWarns("registrations", "db: unix:group:no-such-group names no group");
    assertWarns("registrations", "db: unix:supplementary-group:none-either names no group");
    assertThat(check().out()).doesNotContain("unix:user:root", "4242");
  }

  @Test
  void whatTakesAnEngineOrASystemManagerThatIsNotThereIsNamed() throws IOException {
    Path none = folder.resolve("no.sock");
    Path some = Files.createFile(folder.resolve("some.sock"));
    engines(none, none);
    assertThat(check().out())
        .containsPattern(
            "OK    attestation +container: selectors can't be measured of Docker's containers:"
                + " there is no socket "
                + none
                + "; no registration needs it")
        .containsPattern("OK    attestation .*of Podman's containers")
        .doesNotContain("everything can be measured");
    CliRun.at(root()).run("module", "add", "web", "--selector", "container:name:web");
    assertWarns("attestation", "of Docker", "registrations that need it: web", "docs/rights.md");
    assertWarns("attestation", "of Podman", "registrations that need it: web");
    engines(none, some);
    assertThat(check().out())
        .as("it may well be of the engine that is there")
        .doesNotContain("need it: web")
        .doesNotContain("of Podman");
    CliRun.at(root())
        .run(
            "module",
            "add",
            "db",
            "--selector",
            "container:name:d",
            "--selector",
            "container:engine:docker");
    assertWarns("attestation", "of Docker", "registrations that need it: db");
  }

  private void engines(Path docker, Path podman) throws IOException {
    String text = Files.readString(home().configuration()).split("\n\\[attestation]", 2)[0];
    Files.writeString(
        home().configuration(),
        text + "\n[attestation]\ndocker = \"" + docker + "\"\npodman = \"" + podman + "\"\n");
  }

  @Test
  void anUnknownKeyIsAFailureWithItsName() throws IOException {
    Files.writeString(
        home().configuration(), Files.readString(home().configuration()) + "\n[limitts]\n");
    assertFails("configuration", "limitts", "nearest known: limits");
  }

  @Test
  void aFolderInPlaceOfASocketIsAFailure() throws IOException {
    Files.createDirectory(home().workloadSocket());
    assertFails("sockets", "workload.sock is a folder", "[listen]");
  }

  @Test
  void aSocketFolderThatOthersCouldWriteIsAFailure() throws IOException {
    Files.setPosixFilePermissions(home().run(), PosixFilePermissions.fromString("rwxrwxrwx"));
    assertFails("sockets", "run", "chmod go-w");
  }

  @Test
  void aHomeOfAnotherUserIsSaidToBeOne() throws IOException {
    assumeTrue(FileTrust.ownUser() == 0, "only root can give a folder away");
    Files.setAttribute(home().data(), "unix:uid", 12345);
    assertThat(check().out()).contains("belongs to user 12345").contains("as the service's user");
  }

  @Test
  void dataOfAnotherVersionIsAFailure() throws IOException {
    Files.writeString(home().format(), "2\n");
    assertFails("home", "is of version 2");
  }

  @Test
  void aLostSealIsAFailureThatNamesTheSetting() throws IOException {
    Files.delete(home().sealKey());
    assertFails("key store", "seal.key", "[keys] seal");
  }

  @Test
  void aRunningServiceIsAskedForWhatOnlyItKnows() throws IOException {
    String status =
        "{\"deviceId\":\"gw1\",\"trustDomain\":\"t\",\"layer\":1,\"endpoints\":[\"unix:/x\"],"
            + "\"attestation\":{\"limits\":[\"no eyes\"]}}";
    String authorities =
        "{\"items\":[{\"id\":\"device-1\",\"notBefore\":\"2026-11-01T00:00:00Z\","
            + "\"notAfter\":\"2028-11-01T00:00:00Z\"}]}";
    String stores =
        "{\"items\":[{\"name\":\"pkcs11\",\"state\":\"gone\",\"reason\":\"no token 'gw'\"}],"
            + "\"proofs\":[{\"authority\":\"device-1\",\"keyStore\":\"pkcs11\","
            + "\"outcome\":\"works\",\"detail\":\"it signs\"}]}";
    try (FakeService _ =
        FakeService.answering(
            home().adminSocket(),
            line ->
                FakeService.json(
                    200,
                    line.contains("/status")
                        ? status
                        : line.contains("/key-stores") ? stores : authorities))) {
      CliRun.Ended ended = check();
      assertThat(ended.code()).isZero();
      assertThat(ended.out())
          .containsPattern("OK    service +gw1, layer 1, at unix:/x")
          .containsPattern("OK    authorities +device-1 is valid")
          .containsPattern("WARN  attestation +no eyes")
          .containsPattern(
              "WARN  key store pkcs11 +in the service: gone: no token 'gw'; the service")
          .containsPattern("OK    authorities +device-1 in key store pkcs11: it signs")
          .containsPattern(
              "WARN  key store +the key of device-1 is in pkcs11, and .keys. store says software");
    }
  }
}
