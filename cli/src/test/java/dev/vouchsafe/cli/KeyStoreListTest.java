package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.keys.SoftHsm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code init} with key stores that don't work, and the one that does. */
class KeyStoreListTest {
  @TempDir Path folder;
  private SoftHsm hsm;
  private SoftHsm.Token token;

  @BeforeEach
  void makeAToken() throws Exception {
    hsm = SoftHsm.in(folder);
    token = hsm.token("gw");
  }

  private Path root() {
    return folder.resolve("h");
  }

  private Home home() {
    return Home.at(root());
  }

  private ProcessRun run() {
    return new ProcessRun(root(), hsm.environment());
  }

  private CliRun.Ended init(String... options) throws Exception {
    return run()
        .run(
            Stream.concat(Stream.of("init", "--device-id", "gw1"), Stream.of(options))
                .toArray(String[]::new));
  }

  private Configuration.Keys keys() throws ConfigurationException {
    return ConfigurationFile.read(home()).keys();
  }

  /** Everything that is in the token, as another program sees it. */
  private String objects() throws Exception {
    return hsm.output(
        List.of(
            "pkcs11-tool",
            "--module",
            SoftHsm.library().toString(),
            "--token-label",
            "gw",
            "--login",
            "--pin",
            token.pin(),
            "-O"));
  }

  private void assertNothingMade() throws Exception {
    if (Files.exists(root())) {
      assertThat(root()).isEmptyDirectory();
    }
    assertThat(objects()).doesNotContain("vouchsafe");
  }

  @Test
  void theFirstThatWorksIsTakenAndTheOthersAreNotLookedAt() throws Exception {
    CliRun.Ended ended =
        init("--key-store", "pkcs11,software", "--pkcs11-uri", token.uri(), "-o", "json");
    assertThat(ended.code()).as(ended.err()).isZero();
    JsonNode said = ended.json();
    assertThat(said.path("keyStore").asText()).isEqualTo("pkcs11");
    assertThat(said.path("notTaken")).isEmpty();
    assertThat(said.path("authorities").get(1).path("keyStore").asText()).isEqualTo("pkcs11");
    assertThat(keys().store()).isEqualTo(KeyStoreName.PKCS11);
    assertThat(home().sealKey()).doesNotExist();
    CliRun.Ended check = run().run("check");
    assertThat(check.out()).doesNotContain("FAIL").contains("device-1 in key store pkcs11");
  }

  @Test
  void aTokenThatDoesNotWorkIsSaidLoudlyAndTheChoiceStaysSoftware() throws Exception {
    Files.writeString(token.pinFile(), "no such pin\n");
    CliRun.Ended ended = init("--key-store", "pkcs11,software", "--pkcs11-uri", token.uri());
    assertThat(ended.code()).as(ended.err()).isZero();
    assertThat(ended.err())
        .contains("key store pkcs11 is not taken")
        .contains("[keys] pkcs11-uri")
        .contains("the private keys are in files now, in no hardware")
        .contains("vouchsafe ca prepare --key-store pkcs11")
        .doesNotContain("no such pin");
    assertThat(ended.out())
        .containsPattern("(?m)^not taken +pkcs11: ")
        .containsPattern("(?m)^key store +software$");
    assertThat(keys().store()).isEqualTo(KeyStoreName.SOFTWARE);
    assertThat(Files.readString(home().configuration())).contains("# pkcs11-uri = \"pkcs11:");
    Files.writeString(token.pinFile(), token.pin() + "\n");
    assertThat(objects()).doesNotContain("vouchsafe");
    CliRun.Ended check = run().run("check");
    assertThat(check.code()).isZero();
    assertThat(check.out()).contains("device-1 in key store software").doesNotContain("FAIL");
  }

  @Test
  void forProgramsItSaysWhatWasTriedAndWhyItWasNotTaken() throws Exception {
    CliRun.Ended ended =
        init(
            "--key-store",
            "pkcs11,software",
            "--pkcs11-uri",
            token.uri().replace("token=gw", "token=gone"),
            "-o",
            "json");
    JsonNode notTaken = ended.json().path("notTaken");
    assertThat(notTaken).hasSize(1);
    assertThat(notTaken.get(0).path("keyStore").asText()).isEqualTo("pkcs11");
    assertThat(notTaken.get(0).path("reason").asText()).contains("gone", "[keys] pkcs11-uri");
  }

  @Test
  void ifNoneWorksAllAreNamedAndASecondInitWorksAfterTheCauseIsMended() throws Exception {
    String renamed = token.uri().replace("token=gw", "token=gone");
    Path secret = folder.resolve("no such passphrase");
    CliRun.Ended none =
        init("--key-store", "pkcs11,software", "--pkcs11-uri", renamed, "--seal", "file:" + secret);
    assertThat(none.code()).isIn(1, 4);
    assertThat(none.err().lines().filter(line -> line.contains("none of the key stores works")))
        .singleElement()
        .asString()
        .contains("pkcs11: ", "software: ", "[keys] seal", "[keys] pkcs11-uri");
    assertNothingMade();
    assertThat(init("--key-store", "pkcs11", "--pkcs11-uri", token.uri()).code()).isZero();
    assertThat(keys().store()).isEqualTo(KeyStoreName.PKCS11);
  }

  @Test
  void aWrongPinOfTheOnlyStoreLeavesNothingAndNamesTheSetting() throws Exception {
    Files.writeString(token.pinFile(), "no such pin\n");
    CliRun.Ended ended = init("--key-store", "pkcs11", "--pkcs11-uri", token.uri());
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("[keys] pkcs11-uri").contains("PIN").hasLineCount(1);
    Files.writeString(token.pinFile(), token.pin() + "\n");
    assertNothingMade();
    assertThat(init("--key-store", "pkcs11", "--pkcs11-uri", token.uri()).code()).isZero();
  }

  @Test
  void theRootCanHaveATokenOfItsOwn() throws Exception {
    SoftHsm.Token roots = hsm.token("roots");
    CliRun.Ended ended =
        init(
            "--key-store",
            "pkcs11",
            "--pkcs11-uri",
            token.uri(),
            "--root-pkcs11-uri",
            roots.uri(),
            "-o",
            "json");
    assertThat(ended.code()).as(ended.err()).isZero();
    assertThat(ended.json().path("authorities"))
        .extracting(each -> each.path("keyStore").asText())
        .containsExactly("root-pkcs11", "pkcs11");
    assertThat(home().data().resolve("keys-root-pkcs11")).isDirectory();
    assertThat(run().run("check").out())
        .doesNotContain("FAIL")
        .contains("root-1 in key store root-pkcs11", "device-1 in key store pkcs11");
    // In a drawer: nothing that is issued each day needs it.
    Path drawer = folder.resolve("drawer");
    Files.move(roots.folder(), drawer);
    try (ServiceProcess _ = run().serve()) {
      assertThat(run().run("ca", "show").out()).contains("root-pkcs11", "pkcs11");
      CliRun.Ended status = run().run("ca", "status");
      assertThat(status.code()).as(status.out()).isZero();
      assertThat(status.out())
          .containsPattern("root-pkcs11 +gone")
          .containsPattern("device-1 +active +pkcs11 +works");
    }
  }

  @Test
  void aWrongPinOfTheRootsTokenIsNotTriedAgainForEachOtherStore() throws Exception {
    SoftHsm.Token roots = hsm.token("roots");
    Files.writeString(roots.pinFile(), "no such pin\n");
    CliRun.Ended ended =
        init(
            "--key-store",
            "pkcs11,software",
            "--pkcs11-uri",
            token.uri(),
            "--root-pkcs11-uri",
            roots.uri());
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("[keys] root-pkcs11-uri").doesNotContain("software");
    assertNothingMade();
  }

  @Test
  void aStoreThatAnAuthorityIsInAndTheConfigurationForgotStopsTheStartByItsName() throws Exception {
    assertThat(init("--key-store", "pkcs11", "--pkcs11-uri", token.uri()).code()).isZero();
    String text = Files.readString(home().configuration());
    Files.writeString(
        home().configuration(),
        text.replaceAll("(?m)^pkcs11-uri.*$", "").replace("\"pkcs11\"", "\"software\""));
    CliRun.Ended served = run().run("serve");
    assertThat(served.code()).isEqualTo(1);
    assertThat(served.err()).contains("[keys] pkcs11-uri").contains("missing");
    CliRun.Ended check = run().run("check");
    assertThat(check.code()).isEqualTo(1);
    assertThat(check.out()).containsPattern("FAIL  key store pkcs11 .*\\[keys] pkcs11-uri");
    assertThat(home().data().resolve("keys-software")).doesNotExist();
  }

  @Test
  void theDoctorNamesTheSettingOfEachThingThatIsWrong() throws Exception {
    assertThat(init("--key-store", "pkcs11", "--pkcs11-uri", token.uri()).code()).isZero();
    Files.writeString(token.pinFile(), "no such pin\n");
    assertFails("login", "pin-source");
    Files.writeString(token.pinFile(), token.pin() + "\n");
    configure(token.uri(), token.uri().replace("libsofthsm2.so", "libnone.so"));
    assertFails("library", "module-path");
    configure("libnone.so", "libsofthsm2.so");
    configure("token=gw", "token=renamed");
    assertFails("token", "[keys] pkcs11-uri");
    configure("token=renamed", "token=gw");
    assertThat(run().run("check").out()).doesNotContain("FAIL");
  }

  private void configure(String from, String to) throws IOException {
    String text = Files.readString(home().configuration());
    assertThat(text).contains(from);
    Files.writeString(home().configuration(), text.replace(from, to));
  }

  private void assertFails(String subject, String setting) throws Exception {
    CliRun.Ended check = run().run("check");
    assertThat(check.code()).as(check.out()).isEqualTo(1);
    assertThat(check.out().lines())
        .anySatisfy(line ->
            assertThat(line).startsWith("FAIL  key store pkcs11").contains(subject, setting));
    assertThat(check.out().lines())
        .anySatisfy(line -> assertThat(line).startsWith("FAIL  authorities").contains("device-1"));
    assertThat(check.out()).doesNotContain(token.pin());
  }
}
