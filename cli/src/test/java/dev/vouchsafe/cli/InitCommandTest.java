package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InitCommandTest {
  @TempDir Path folder;

  private Path root() {
    return folder.resolve("home");
  }

  private Home home() {
    return Home.at(root());
  }

  private CliRun.Ended init(String... options) {
    return CliRun.at(root())
        .run(Stream.concat(Stream.of("init"), Stream.of(options)).toArray(String[]::new));
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.walk(root())) {
      return all.filter(path -> !path.equals(root()))
          .map(path -> root().relativize(path).toString())
          .sorted()
          .toList();
    }
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private void assertWhole() throws IOException {
    assertThat(files())
        .contains(
            "data",
            "data/ca.db",
            "data/format",
            "data/keys",
            "data/trust-bundle.json",
            "registrations.d",
            "run",
            "seal.key",
            "vouchsafe.toml")
        .noneMatch(name -> name.startsWith("."));
    assertThat(CliRun.at(root()).run("check").out()).doesNotContain("FAIL");
  }

  @Test
  void makesAHomeWithEveryModeAsItMustBe() throws IOException {
    CliRun.Ended ended = init("--device-id", "gw1", "--trust-domain", "gw1.example");
    assertThat(ended.err()).isEmpty();
    assertThat(ended.code()).isZero();
    assertThat(ended.out())
        .contains("gw1.example", "root-1", "device-1", "sha256", "next           vouchsafe serve");
    assertWhole();
    assertThat(mode(home().data())).isEqualTo("rwx------");
    assertThat(mode(home().keys())).isEqualTo("rwx------");
    assertThat(mode(home().sealKey())).isEqualTo("rw-------");
    assertThat(mode(home().configuration())).isEqualTo("rw-r--r--");
    assertThat(mode(home().registrations())).isEqualTo("rwxr-xr-x");
    assertThat(mode(home().run())).isEqualTo("rwxr-xr-x");
    assertThat(Files.getAttribute(home().sealKey(), "unix:nlink")).isEqualTo(1);
  }

  @Test
  void theConfigurationThatItWritesIsReadWithTheValuesGiven()
      throws IOException, ConfigurationException {
    Path secret = folder.resolve("pass phrase");
    Files.writeString(secret, "correct horse\n");
    Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
    assertThat(init("--device-id", "gw1", "--seal", "file:" + secret).code()).isZero();
    Configuration read = ConfigurationFile.read(home());
    assertThat(read.gateway().deviceId()).isEqualTo("gw1");
    assertThat(read.gateway().trustDomain()).isEqualTo("gw1.internal");
    assertThat(read.keys().store()).isEqualTo(KeyStoreName.SOFTWARE);
    assertThat(read.keys().places().seal()).isEqualTo(new Configuration.Seal.Passphrase(secret));
    assertThat(home().sealKey()).doesNotExist();
  }

  @Test
  void thePassphraseOfASystemdCredentialIsRead() throws IOException {
    Path credentials = Files.createDirectory(folder.resolve("cred"));
    Files.writeString(credentials.resolve("seal"), "correct horse\n");
    Files.setPosixFilePermissions(
        credentials.resolve("seal"), PosixFilePermissions.fromString("r--------"));
    CliRun run = CliRun.at(root());
    assertThat(run.run("init", "--seal", "credential:seal").err()).contains("LoadCredential=seal");
    assertThat(root()).isEmptyDirectory();
    run.with("CREDENTIALS_DIRECTORY", credentials.toString());
    assertThat(run.run("init", "--seal", "credential:seal").code()).isZero();
    assertThat(run.run("check").out()).doesNotContain("FAIL");
  }

  @Test
  void namesAreMadeOfThisMachineWhereNoneAreGiven() throws IOException, ConfigurationException {
    assertThat(init().code()).isZero();
    assertThat(ConfigurationFile.read(home()).gateway().deviceId())
        .isEqualTo(Names.defaultDeviceId());
  }

  @Test
  void forProgramsItSaysWhatWasMade() throws IOException {
    CliRun.Ended ended = init("--device-id", "gw1", "-o", "json");
    assertThat(ended.json().path("deviceId").asText()).isEqualTo("gw1");
    assertThat(ended.json().path("authorities")).hasSize(2);
    assertThat(ended.json().path("authorities").get(0).path("sha256").asText()).hasSize(64);
  }

  @Test
  void aPreparedConfigurationIsTakenWhole() throws IOException, ConfigurationException {
    Path prepared = folder.resolve("prepared.toml");
    String text =
        """
        # mine
        [gateway]
        device-id = "gw1"
        trust-domain = "gw1.example"
        [keys]
        root-type = "ec-p384"
        [lifetimes]
        root = "3650d"
        """;
    Files.writeString(prepared, text);
    CliRun.Ended ended = init("--config", prepared.toString());
    assertThat(ended.code()).isZero();
    assertThat(home().configuration()).hasContent(text);
    assertThat(ended.out()).contains("until 2036-11-28T12:00:00Z");
  }

  @ParameterizedTest
  @CsvSource({"data", "vouchsafe.toml", "seal.key"})
  void refusesIfAnythingOfAHomeIsThereAndLeavesItAsItIs(String name) throws IOException {
    Files.createDirectory(root());
    Files.writeString(root().resolve(name), "mine");
    CliRun.Ended ended = init();
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("a home exists").contains(name).contains("--home");
    assertThat(files()).containsExactly(name);
    assertThat(root().resolve(name)).hasContent("mine");
  }

  @Test
  void aSecondInitChangesNothing() throws IOException {
    init();
    List<String> before = files();
    byte[] seal = Files.readAllBytes(home().sealKey());
    assertThat(init().code()).isEqualTo(1);
    assertThat(files()).isEqualTo(before);
    assertThat(home().sealKey()).hasBinaryContent(seal);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--device-id GW",
        "--device-id a.b",
        "--trust-domain a_b",
        "--seal hunter2",
        "--seal file:relative",
        "--key-store pkcs11",
        "--key-store pkcs11,software",
        "--key-store software,software",
        "--key-store software,",
        "--key-store paper",
        "--key-store root-pkcs11",
        "--root-store root-pkcs11",
        "--root-store paper",
        "--root-store software --root-pkcs11-uri pkcs11:token=x",
        "--pkcs11-helper",
        "--tpm-tcti device:/dev/tpm0",
        "--tpm-pcrs sha256:0",
        "--key-store tpm --tpm-pcrs sha256:24",
        "--key-store tpm --tpm-tcti -T",
        "--key-store tpm --tpm-owner-auth secret",
        "--key-store tpm --tpm-owner-auth generated",
        "--pkcs11-uri pkcs11:token=x",
        "--key-store pkcs11 --pkcs11-uri nonsense",
        "--key-store pkcs11 --pkcs11-uri pkcs11:token=x --seal generated",
        "--root import"
      })
  void wrongValuesMakeNothing(String options) {
    CliRun.Ended ended = init(options.split(" ", -1));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(root()).doesNotExist();
  }

  @Test
  void aFolderThatCannotBeMadeIsNamedWithTheNextStep() throws IOException {
    Files.writeString(root(), "a file");
    CliRun.Ended ended = init();
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains(root().toString()).contains("--home").hasLineCount(1);
  }

  @Test
  void aFolderThatOthersCanWriteGetsNoHome() throws IOException {
    Files.createDirectory(root());
    Files.setPosixFilePermissions(root(), PosixFilePermissions.fromString("rwxrwxrwx"));
    CliRun.Ended ended = init();
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("no home was made").contains("chmod go-w");
    assertThat(root()).isEmptyDirectory();
  }

  @Test
  void afterACrashBeforeAnythingWasInPlaceTheNextInitStartsAfresh() throws IOException {
    Path stage = Files.createDirectories(home().stage());
    Files.createDirectories(stage.resolve("data/keys"));
    Files.writeString(stage.resolve("data/keys/half"), "x");
    Files.writeString(stage.resolve("seal.key"), "half");
    Files.createFile(stage.resolve("lock"));
    assertThat(init().code()).isZero();
    assertWhole();
  }

  @Test
  void afterACrashJustBeforeTheLastRenameTheNextInitStartsAfresh() throws IOException {
    Path stage = Files.createDirectories(home().stage());
    Files.createDirectories(stage.resolve("data"));
    for (String name : List.of("seal.key", "vouchsafe.toml")) {
      Files.writeString(stage.resolve(name), "half");
      Files.createLink(root().resolve(name), stage.resolve(name));
    }
    assertThat(init("--device-id", "gw2").code()).isZero();
    assertThat(Files.readString(home().configuration())).contains("gw2");
    assertWhole();
  }

  @Test
  void afterACrashJustAfterTheLastRenameTheHomeIsWholeAndTheLeavingsGo() throws IOException {
    init();
    Path stage = Files.createDirectories(home().stage());
    Files.createLink(stage.resolve("seal.key"), home().sealKey());
    CliRun.Ended again = init();
    assertThat(again.code()).isEqualTo(1);
    assertThat(again.err()).contains("a home exists");
    assertWhole();
  }

  @Test
  void aFileThatIsNoLeavingIsNeverRemovedThoughAHalfFinishedInitWantedItsPlace()
      throws IOException {
    Path stage = Files.createDirectories(home().stage());
    Files.writeString(stage.resolve("seal.key"), "half");
    Files.writeString(home().sealKey(), "of somebody else");
    assertThat(init().code()).isEqualTo(1);
    assertThat(home().sealKey()).hasContent("of somebody else");
  }

  @Test
  void aFailureOnTheWayLeavesNothingThatLooksLikeAHome() throws IOException {
    Files.createDirectory(root());
    Files.writeString(home().registrations(), "a file where the folder should be");
    assertThat(init().code()).isEqualTo(1);
    assertThat(files()).containsExactly("registrations.d");
    Files.delete(home().registrations());
    assertThat(init().code()).isZero();
    assertWhole();
  }

  @Test
  void twoInitsAtOnceMakeOneHome() throws IOException {
    Files.createDirectories(home().stage());
    try (FileChannel other =
        FileChannel.open(
            home().stage().resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      assertThat(other.lock().isValid()).isTrue();
      CliRun.Ended ended = init();
      assertThat(ended.code()).isEqualTo(1);
      assertThat(ended.err()).contains("another init of this home is under way");
      assertThat(files()).containsExactly(".init", ".init/lock");
    }
  }

  @Test
  void aHalfMadeHomeDoesNotServe() throws IOException {
    Files.createDirectories(home().stage().resolve("data"));
    Files.writeString(home().configuration(), "");
    CliRun.Ended ended = CliRun.at(root()).run("check");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.out()).contains("FAIL  home");
  }

  @Test
  void noSecretIsPrinted() throws IOException {
    CliRun.Ended ended = init("--verbose");
    String seal = Files.readString(home().sealKey());
    assertThat(ended.out() + ended.err()).doesNotContain(seal.strip()).doesNotContain("PRIVATE");
  }
}
