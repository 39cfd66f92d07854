package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How tpm2-tools are found and run: programs of the test stand in for them. */
class TpmToolsTest {
  private static final String VERSION = "echo 'tool=\"x\" version=\"5.4\" tctis=\"x\"'";

  @TempDir Path bin;
  @TempDir Path home;
  private final SecureFiles files =
      new SecureFiles(SoftwareStores.effectiveUser(), new SecureRandom());

  private void program(String name, String script) throws Exception {
    Path file = Files.writeString(bin.resolve(name), "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private TpmTools find() throws KeyFault {
    return TpmTools.find(List.of(bin), "device:/dev/x", files, Map.of());
  }

  private byte[] run(TpmCall call) throws Exception {
    return find().run(home, call);
  }

  @Test
  void missingToolsAreToldWithTheirPackageAndNothingIsMade() throws Exception {
    TpmHome keys = new TpmHome(home, "device:/dev/tpmrm0", List.of(bin));
    assertThatThrownBy(keys::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("Debian package tpm2-tools");
    assertThat(keys.folder).doesNotExist();
    assertThat(keys.examine())
        .anyMatch(finding ->
            finding.outcome() == KeyStoreFinding.Outcome.FAILED
                && finding.remedy().contains("Debian package tpm2-tools"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"4.3.2", "3.1", "0"})
  void toolsBeforeVersionFiveAreTooOld(String version) throws Exception {
    program("tpm2_createprimary", "echo 'tool=\"x\" version=\"" + version + "\" tctis=\"x\"'");
    assertThatThrownBy(this::find)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("too old, version " + version)
        .hasMessageContaining("Debian package tpm2-tools");
  }

  @ParameterizedTest
  @ValueSource(strings = {"echo hello", "exit 1", "head -c 100000 /dev/zero"})
  void aProgramThatTellsNoVersionIsNoneOfThem(String script) throws Exception {
    program("tpm2_createprimary", script);
    assertThatThrownBy(this::find)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("doesn't tell its version");
  }

  @Test
  void aProgramThatOthersMayWriteIsNotRun() throws Exception {
    program("tpm2_createprimary", "touch " + home.resolve("ran") + "; " + VERSION);
    Files.setPosixFilePermissions(
        bin.resolve("tpm2_createprimary"), PosixFilePermissions.fromString("rwxr-xrwx"));
    assertThatThrownBy(this::find)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("open to other users");
    assertThat(home.resolve("ran")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cmd:sh -c id",
        "/tmp/evil.so",
        "libtss2-tcti-cmd.so:x",
        "device:/dev/tpm0; id",
        "device:/dev/tpm0\nx",
        "",
        "pcap:x",
        "--help"
      })
  void noOtherWayToATpmIsTaken(String tcti) {
    assertThatThrownBy(() -> TpmTools.checkTcti(Optional.of(tcti)))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("tpm-tcti");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "device:/dev/tpmrm0",
        "device",
        "tabrmd:",
        "tabrmd:bus_name=com.intel.tss2.Tabrmd,bus_type=session",
        "swtpm:path=/run/x.sock",
        "swtpm:host=127.0.0.1,port=2321",
        "mssim:host=::1,port=2321"
      })
  void theWaysThatAreKnownAreTaken(String tcti) throws Exception {
    TpmTools.checkTcti(Optional.of(tcti));
    TpmTools.checkTcti(Optional.empty());
  }

  @Test
  void withoutTheSettingTheFirstDeviceIsTakenAndNeverAPortThatAnyUserCouldOpen() throws Exception {
    Path managed = bin.resolve("tpmrm0");
    Path bare = bin.resolve("tpm0");
    List<Path> devices = List.of(managed, bare);
    assertThatThrownBy(() -> TpmTools.way(Optional.empty(), devices))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("set tpm-tcti")
        .hasMessageContaining(managed.toString());
    Files.createFile(bare);
    assertThat(TpmTools.way(Optional.empty(), devices)).isEqualTo("device:" + bare);
    Files.createFile(managed);
    assertThat(TpmTools.way(Optional.empty(), devices)).isEqualTo("device:" + managed);
    assertThat(TpmTools.way(Optional.of("tabrmd:"), devices)).isEqualTo("tabrmd:");
  }

  @Test
  void aStoreWithoutTheSettingDoesNotAskAProgramThatPlaysATpmOnALocalPort() throws Exception {
    TpmHome keys = new TpmHome(home, "device:/dev/x", TpmTools.PLACES);
    keys.settings =
        new TpmSettings(
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            TpmSettings.Objects.BLOBS);
    assumeThat(TpmTools.DEVICES).noneMatch(Files::exists);
    assertThatThrownBy(keys::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("set tpm-tcti");
    assertThat(keys.folder).doesNotExist();
  }

  @Test
  void eachProgramIsCheckedBeforeItRunsAndNotOnlyTheFirst() throws Exception {
    program("tpm2_createprimary", VERSION);
    program("tpm2_sign", "touch " + home.resolve("ran"));
    Files.setPosixFilePermissions(
        bin.resolve("tpm2_sign"), PosixFilePermissions.fromString("rwxr-xrwx"));
    assertThatThrownBy(() -> run(TpmCall.of("tpm2_sign")))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("open to other users");
    assertThat(home.resolve("ran")).doesNotExist();
  }

  @Test
  void aProgramThatIsKilledOrCannotBeStartedNowSaysNothingAboutTheKeys() throws Exception {
    program("tpm2_createprimary", VERSION);
    program("tpm2_sign", "kill -9 $$");
    TpmTools tools = find();
    assertThatThrownBy(() -> run(TpmCall.of("tpm2_sign")))
        .isInstanceOfSatisfying(
            TpmException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(TpmRc.Kind.BROKEN);
              assertThat(TpmFaults.fault("", tools, e)).isInstanceOf(KeyFault.Unavailable.class);
            });
    program("tpm2_hmac", "exit 0");
    // A folder that is gone, as any other reason why the system starts no process.
    assertThatThrownBy(() -> find().run(home.resolve("gone"), TpmCall.of("tpm2_hmac")))
        .isInstanceOfSatisfying(
            TpmException.class, e -> assertThat(e.kind()).isEqualTo(TpmRc.Kind.GONE));
  }

  @Test
  void aProgramSeesNothingOfOurEnvironmentAndItsArgumentsAsTheyAre() throws Exception {
    program("tpm2_createprimary", VERSION);
    program("tpm2_show", "/usr/bin/env; for a; do echo \"<$a>\"; done; pwd");
    String said = new String(run(TpmCall.of("tpm2_show", "$(id)", "a b;c")), UTF_8);
    assertThat(said.lines().filter(line -> !line.startsWith("_=") && !line.startsWith("PWD=")))
        .containsExactly(
            "LC_ALL=C",
            "<-T>",
            "<device:/dev/x>",
            "<$(id)>",
            "<a b;c>",
            home.toRealPath().toString());
  }

  @Test
  void anAuthValueGoesInByStandardInputOnlyAndIsInNoMessage() throws Exception {
    program("tpm2_createprimary", VERSION);
    program("tpm2_show", "echo \"$@\"; cat");
    program("tpm2_fail", "cat >&2; echo 'ERROR: no(0x9a2)' >&2; exit 3");
    TpmHome keys = new TpmHome(home, "device:/dev/x", List.of(bin));
    keys.ownerAuth(keys.passphrase("hush"));
    TpmAuth auth = TpmAuth.ofOwner(keys.settings, files);
    assertThat(new String(run(TpmCall.of("tpm2_show", "-c", "o").authorized("-P", auth)), UTF_8))
        .isEqualTo("-T device:/dev/x -c o -P file:-\nhex:68757368");
    assertThatThrownBy(() -> run(TpmCall.of("tpm2_fail").authorized("-P", auth)))
        .isInstanceOfSatisfying(
            TpmException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(TpmRc.Kind.AUTH);
              assertThat(e.getMessage()).doesNotContain("68757368").doesNotContain("hush");
            });
  }

  @Test
  void aProgramThatDoesNotEndIsEnded() throws Exception {
    program("tpm2_createprimary", VERSION);
    program("tpm2_hang", "echo $$ > pid; exec sleep 1000");
    TpmCall call = new TpmCall("tpm2_hang", List.of(), Optional.empty(), 300_000_000L, 0);
    assertThatThrownBy(() -> run(call))
        .isInstanceOfSatisfying(
            TpmException.class, e -> assertThat(e.kind()).isEqualTo(TpmRc.Kind.HUNG));
    long pid = Long.parseLong(Files.readString(home.resolve("pid")).strip());
    assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
  }

  @Test
  void ofEndlessOutputOnlyTheBeginningIsKept() throws Exception {
    program("tpm2_createprimary", VERSION);
    program("tpm2_much", "head -c 9000000 /dev/zero; head -c 9000000 /dev/zero >&2");
    assertThat(run(TpmCall.of("tpm2_much"))).hasSize(64 * 1024);
  }

  @Test
  void aProgramThatIsGoneSinceIsToldWithItsPackage() throws Exception {
    program("tpm2_createprimary", VERSION);
    assertThatThrownBy(() -> run(TpmCall.of("tpm2_sign")))
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("Debian package tpm2-tools");
  }

  @Test
  void anAnswerThatIsNoSignatureIsNotHandedOut() throws Exception {
    try (Swtpm tpm = Swtpm.in(home.resolve("tpm"))) {
      TpmHome keys = new TpmHome(home, tpm.tcti(), List.of(bin));
      for (String tool :
          List.of("createprimary", "readpublic", "create", "load", "hmac", "getcap")) {
        Files.createSymbolicLink(bin.resolve("tpm2_" + tool), Path.of("/usr/bin/tpm2_" + tool));
      }
      Files.createSymbolicLink(
          bin.resolve("tpm2_flushcontext"), Path.of("/usr/bin/tpm2_flushcontext"));
      program("tpm2_sign", "while [ \"$1\" != -o ]; do shift; done; head -c 71 /dev/zero > $2");
      try (PrivateKeyStore store = keys.create()) {
        assertThatThrownBy(() -> store.make(CA, KeyType.EC_P256))
            .isInstanceOf(KeyFault.Failed.class)
            .hasMessageContaining("no signature");
        assertThat(keys.file(CA)).doesNotExist();
        Files.delete(bin.resolve("tpm2_sign"));
        Files.createSymbolicLink(bin.resolve("tpm2_sign"), Path.of("/usr/bin/tpm2_sign"));
        assertThat(TpmHome.signs(store.make(CA, KeyType.EC_P256))).isTrue();
      }
    }
  }
}
