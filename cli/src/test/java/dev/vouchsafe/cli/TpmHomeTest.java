package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.keys.Swtpm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway on a TPM, made, moved and looked at by the command line. */
class TpmHomeTest {
  @TempDir Path folder;
  private Swtpm tpm;

  @BeforeEach
  void startATpm() throws IOException {
    tpm = Swtpm.in(folder);
  }

  @AfterEach
  void stopIt() {
    tpm.close();
  }

  private Path root() {
    return folder.resolve("h");
  }

  private Home home() {
    return Home.at(root());
  }

  private CliRun.Ended command(String... args) {
    return CliRun.at(root()).clock(Clock.systemUTC()).run(args);
  }

  private String good(String... args) {
    CliRun.Ended ended = command(args);
    assertThat(ended.code()).as(ended.err()).isZero();
    return ended.out();
  }

  private ServiceProcess serve() throws IOException {
    replace("[listen]\n", "[listen]\nhttps = \"off\"\n");
    return new ProcessRun(root(), Map.of()).serve();
  }

  private void replace(String from, String to) throws IOException {
    String text = Files.readString(home().configuration());
    assertThat(text).contains(from);
    Files.writeString(home().configuration(), text.replace(from, to));
  }

  private long chain() {
    return good("fetch", "certificate", "--module", "device")
        .lines()
        .filter("-----BEGIN CERTIFICATE-----"::equals)
        .count();
  }

  @Test
  void itIsMadeServedAndLookedAt() throws Exception {
    String made = good("init", "--key-store", "tpm", "--tpm-tcti", tpm.tcti());
    assertThat(made).contains("key store      tpm: " + tpm.tcti()).contains("tpm-auth.key");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(home().tpmAuthKey())))
        .isEqualTo("rw-------");
    assertThat(home().sealKey()).doesNotExist();
    assertThat(good("check")).contains("device-1 in key store tpm").doesNotContain("FAIL");
    try (ServiceProcess service = serve()) {
      // Leaf, issuing CA, device CA: the TPM does not sign each leaf.
      assertThat(chain()).isEqualTo(3);
      assertThat(good("ca", "status")).containsPattern("device-1 +active +tpm +works");
      assertThat(service.log()).doesNotContain(Files.readString(home().tpmAuthKey()).strip());
    }
  }

  @Test
  void aLostAuthValueIsNamedWithItsSettingAndItsReturnMendsAll() throws Exception {
    good("init", "--key-store", "tpm", "--tpm-tcti", tpm.tcti());
    Path kept = folder.resolve("kept");
    Files.move(home().tpmAuthKey(), kept);
    CliRun.Ended check = command("check");
    assertThat(check.code()).isEqualTo(1);
    assertThat(check.out()).containsPattern("FAIL  key store tpm .*tpm-auth\\.key");
    assertThat(command("serve").err()).contains("tpm-auth.key").contains("[keys] tpm-");
    Files.move(kept, home().tpmAuthKey());
    assertThat(good("check")).doesNotContain("FAIL");
  }

  @Test
  void withoutATpmTheNextStoreIsTakenAndLaterTheGatewayMovesToOne() throws Exception {
    String nowhere = "swtpm:path=" + folder.resolve("none");
    CliRun.Ended made = command("init", "--key-store", "tpm,software", "--tpm-tcti", nowhere);
    assertThat(made.code()).as(made.err()).isZero();
    assertThat(made.err())
        .contains("key store tpm is not taken")
        .contains("[keys] tpm-tcti")
        .contains("vouchsafe ca prepare --key-store tpm");
    assertThat(home().tpmAuthKey()).doesNotExist();
    assertThat(Files.readString(home().configuration())).contains("# tpm-tcti = ");
    try (ServiceProcess _ = serve()) {
      assertThat(chain()).isEqualTo(2);
      String key = good("module", "key", "device");
      replace("# tpm-tcti = \"" + nowhere, "tpm-tcti = \"" + tpm.tcti());
      good("ca", "prepare", "--key-store", "tpm");
      good("ca", "activate");
      assertThat(chain()).isEqualTo(3);
      assertThat(good("module", "key", "device")).isEqualTo(key);
      assertThat(good("ca", "show")).containsPattern("device-2 +device +active +tpm");
    }
  }

  @Test
  void anInitThatFailsLeavesNothingAndTheNextOneWorks() throws Exception {
    Path wrong = folder.resolve("owner");
    Files.writeString(wrong, "not the owner's\n");
    Files.setPosixFilePermissions(wrong, PosixFilePermissions.fromString("rw-------"));
    CliRun.Ended refused =
        command(
            "init",
            "--key-store",
            "tpm",
            "--tpm-tcti",
            tpm.tcti(),
            "--tpm-owner-auth",
            "file:" + wrong);
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("tpm-owner-auth").doesNotContain("not the owner's");
    assertThat(root()).isEmptyDirectory();
    good("init", "--key-store", "tpm", "--tpm-tcti", tpm.tcti());
  }

  @Test
  void aChangedPcrIsNamedWithItsBankAndIndexAndMovingMendsIt() throws Exception {
    good("init", "--key-store", "tpm", "--tpm-tcti", tpm.tcti(), "--tpm-pcrs", "sha256:7");
    assertThat(good("check")).doesNotContain("FAIL");
    tpm.run("tpm2_pcrextend", "7:sha256=" + "5a".repeat(32));
    CliRun.Ended check = command("check");
    assertThat(check.code()).isEqualTo(1);
    assertThat(check.out()).containsPattern("FAIL  key store tpm .*sha256:7.*\\[keys] tpm-pcrs");
    try (ServiceProcess _ = serve()) {
      assertThat(command("ca", "status").code()).isEqualTo(4);
      good("ca", "prepare", "--key-store", "tpm");
      good("ca", "activate");
      assertThat(good("ca", "status")).containsPattern("device-2 +active +tpm +works");
    }
  }

  /** The retired key is bound to what the machine was; that is no failure of what it is. */
  @Test
  void afterTheMoveFromAChangedPcrTheCheckHasNoFailure() throws Exception {
    good("init", "--key-store", "tpm", "--tpm-tcti", tpm.tcti(), "--tpm-pcrs", "sha256:7");
    tpm.run("tpm2_pcrextend", "7:sha256=" + "5a".repeat(32));
    try (ServiceProcess _ = serve()) {
      good("ca", "prepare", "--key-store", "tpm");
      good("ca", "activate");
    }
    CliRun.Ended check = command("check");
    assertThat(check.out())
        .doesNotContain("FAIL")
        .containsPattern("WARN  key store tpm +key: .*sha256:7.*a later key")
        .containsPattern("OK    authorities +device-2 in key store tpm");
    assertThat(check.code()).isZero();
  }

  @Test
  void settingsOfATpmThatIsOpenAreTakenUpByARestart() throws Exception {
    good("init", "--key-store", "tpm", "--tpm-tcti", tpm.tcti());
    try (ServiceProcess _ = serve()) {
      replace("tpm-tcti = ", "tpm-pcrs = \"sha256:7\"\ntpm-tcti = ");
      CliRun.Ended refused = command("ca", "prepare", "--key-store", "tpm");
      assertThat(refused.code()).isEqualTo(1);
      assertThat(refused.err()).contains("[keys] tpm-pcrs").contains("restart the service");
      assertThat(good("ca", "show")).doesNotContain("device-2");
    }
    try (ServiceProcess _ = new ProcessRun(root(), Map.of()).serve()) {
      replace("[keys]\n", "[keys]\ndevice-type = \"ec-p384\"\n");
      CliRun.Ended impossible = command("ca", "prepare");
      assertThat(impossible.code()).isEqualTo(1);
      assertThat(impossible.err())
          .contains("request-invalid")
          .contains("[keys] device-type is ec-p384");
      replace("device-type = \"ec-p384\"", "device-type = \"ec-p256\"");
      assertThat(good("ca", "prepare")).contains("device-2 is prepared, its key in key store tpm");
      good("ca", "activate");
      tpm.run("tpm2_pcrextend", "7:sha256=" + "5a".repeat(32));
      assertThat(command("ca", "status").code()).as("it is bound").isEqualTo(4);
    }
  }

  @Test
  void aKilledInitLeavesNoHandleInTheTpmForLong() throws Exception {
    Path prepared = folder.resolve("prepared.toml");
    Files.writeString(
        prepared,
        """
        [gateway]
        device-id = "gw1"
        trust-domain = "gw1.example"
        [keys]
        store = "tpm"
        tpm-tcti = "%s"
        tpm-objects = "persistent"
        """
            .formatted(tpm.tcti()));
    Files.setPosixFilePermissions(prepared, PosixFilePermissions.fromString("rw-r--r--"));
    try (ServiceProcess init =
        ServiceProcess.start(root(), List.of(), "init", "--config", prepared.toString())) {
      // The store has its name in the stage: its objects are in the TPM.
      Await.until(() -> Files.exists(home().stagedData().resolve("keys")) || !init.isAlive());
      init.signal("KILL");
      init.ended();
    }
    assertThat(home().data()).doesNotExist();
    assertThat(handles()).isPositive();
    good("init", "--config", prepared.toString());
    // Sealing key, root and device CA of this home, and nothing of the other.
    assertThat(handles()).isEqualTo(3);
  }

  private long handles() throws Exception {
    return tpm.run("tpm2_getcap", "handles-persistent")
        .lines()
        .filter(line -> line.contains("0x81"))
        .count();
  }
}
