package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Homes under a CA of others, which openssl plays: {@code init --root import} and {@code csr}. */
class OutsideHomeTest {
  private static final String CONFIGURATION =
      """
      [gateway]
      device-id = "gw1"
      trust-domain = "gw1.example"
      [listen]
      https = "off"
      """;

  @TempDir Path folder;

  private Path home() {
    return folder.resolve("home");
  }

  private CliRun.Ended run(String... words) {
    return CliRun.at(home()).clock(Clock.systemUTC()).run(words);
  }

  private String shell(String script) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("sh", "-ec", script)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(script + "\n" + output).isZero();
    return output;
  }

  private void makeCa() throws IOException, InterruptedException {
    shell(
        """
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key \
          -out ca.pem -days 3650 -subj '/O=Plant/CN=Plant Root' \
          -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
        """);
  }

  private CliRun.Ended init(String... options) throws IOException {
    Path prepared = folder.resolve("prepared.toml");
    Files.writeString(prepared, CONFIGURATION);
    return run(
        Stream.concat(Stream.of("init", "--config", prepared.toString()), Stream.of(options))
            .toArray(String[]::new));
  }

  private String file(String name) {
    return folder.resolve(name).toString();
  }

  /** The service of that home runs, and those who verify are told to trust the CA. */
  private void assertServes() throws Exception {
    assertThat(run("check").out()).doesNotContain("FAIL");
    try (ServiceProcess service = new ProcessRun(home(), Map.of()).serve()) {
      assertThat(run("ca", "status").code()).isZero();
      assertThat(run("bundle", "export", "--out", file("bundle.pem")).code()).isZero();
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    assertThat(shell("openssl x509 -in bundle.pem -noout -subject")).contains("Plant Root");
  }

  @Test
  void aHomeWithAnImportedRootServesAndItsBundleIsThatRoot() throws Exception {
    makeCa();
    CliRun.Ended ended =
        init("--root", "import", "--root-file", file("ca.pem"), "--root-key", file("ca.key"));
    assertThat(ended.code()).as(ended.err()).isZero();
    assertThat(ended.out()).contains("root-1         CN=Plant Root");
    assertThat(ended.err())
        .contains("ca.key still holds the root's private key")
        .doesNotContain("PRIVATE KEY-----");
    assertServes();
  }

  @Test
  void thePassphraseComesFromAFileOrTheStandardInputAndIsShownNowhere() throws Exception {
    makeCa();
    shell("openssl pkcs12 -export -in ca.pem -inkey ca.key -passout pass:horse7staple -out ca.p12");
    Path pass = folder.resolve("pass");
    Files.writeString(pass, "not-the-one\n");
    Files.setPosixFilePermissions(pass, PosixFilePermissions.fromString("rw-------"));
    CliRun.Ended wrong =
        init(
            "--root",
            "import",
            "--root-file",
            file("ca.p12"),
            "--root-passphrase-file",
            pass.toString());
    assertThat(wrong.code()).isEqualTo(1);
    assertThat(wrong.err()).contains("passphrase").doesNotContain("not-the-one").hasLineCount(1);
    assertThat(home()).doesNotExist();
    Path prepared = folder.resolve("prepared.toml");
    CliRun.Ended good =
        CliRun.at(home())
            .clock(Clock.systemUTC())
            .given("horse7staple\n")
            .run(
                "init",
                "--config",
                prepared.toString(),
                "--root",
                "import",
                "--root-file",
                file("ca.p12"),
                "--root-passphrase-file",
                "-");
    assertThat(good.code()).as(good.err()).isZero();
    assertThat(good.out() + good.err()).doesNotContain("horse7staple");
    try (Stream<Path> all = Files.walk(home())) {
      for (Path each : all.filter(Files::isRegularFile).toList()) {
        assertThat(Files.readString(each, StandardCharsets.ISO_8859_1))
            .doesNotContain("horse7staple");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--root import",
        "--root csr --root-file FILE",
        "--root self --root-key FILE",
        "--root parent",
        "--root-passphrase-file FILE"
      })
  void optionsThatDoNotGoTogetherAreWrongUsage(String options) throws IOException {
    CliRun.Ended ended = run(("init " + options).split(" ", -1));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(home()).doesNotExist();
  }

  @Test
  void aRootThatCannotBeTakenLeavesNoHomeAndNoKey() throws Exception {
    makeCa();
    shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key");
    CliRun.Ended mismatch =
        init("--root", "import", "--root-file", file("ca.pem"), "--root-key", file("other.key"));
    assertThat(mismatch.code()).isEqualTo(1);
    assertThat(mismatch.err()).contains("that of none of the certificates").hasLineCount(1);
    shell(
        """
        openssl req -x509 -key ca.key -out leaf.pem -days 9 -subj /CN=leaf \
          -addext basicConstraints=critical,CA:FALSE -config /dev/null 2>/dev/null || \
        openssl req -x509 -key ca.key -out leaf.pem -days 9 -subj /CN=leaf \
          -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=keyCertSign
        """);
    CliRun.Ended bad =
        init("--root", "import", "--root-file", file("leaf.pem"), "--root-key", file("ca.key"));
    assertThat(bad.code()).isEqualTo(1);
    assertThat(bad.err()).contains("the root: ");
    assertThat(home().resolve("data")).doesNotExist();
    assertThat(home().resolve("seal.key")).doesNotExist();
  }

  @Test
  void aHomeThatWaitsForItsCertificateSaysSoEverywhereAndServesOnceItIsThere() throws Exception {
    makeCa();
    CliRun.Ended ended = init("--root", "csr");
    assertThat(ended.code()).as(ended.err()).isZero();
    assertThat(ended.out()).contains("waits for its certificate", "ca request", "ca activate");

    CliRun.Ended request = run("ca", "request");
    assertThat(request.out()).startsWith("-----BEGIN CERTIFICATE REQUEST-----");
    assertThat(run("ca", "request", "-o", "json").json().path("request").asText())
        .isEqualTo(request.out());
    assertThat(run("check").out())
        .containsPattern("FAIL  authorities +device-1 .* waits for its certificate; have what");
    CliRun.Ended status = run("ca", "status");
    assertThat(status.code()).isEqualTo(1);
    assertThat(status.out()).contains("device-1", "waits for its certificate", "next: have what");
    assertThat(run("ca", "status", "-o", "json").json().path("waiting").asText())
        .isEqualTo("device-1");
    CliRun.Ended serve = run("serve");
    assertThat(serve.code()).isEqualTo(1);
    assertThat(serve.err()).contains("device-1 waits for its certificate", "ca activate");

    Files.writeString(folder.resolve("device.csr"), request.out());
    sign("device");
    CliRun.Ended lost = run("ca", "activate", "--certificate", file("ca.pem"));
    assertThat(lost.code()).isEqualTo(1);
    assertThat(lost.err())
        .contains("none of the certificates is for the key", "nothing was changed");
    CliRun.Ended active = run("ca", "activate", "--certificate", file("chain.pem"));
    assertThat(active.code()).as(active.err()).isZero();
    assertThat(active.out()).contains("device-1 is active", "next: vouchsafe ");
    assertServes();
    assertThat(run("ca", "activate", "--certificate", file("chain.pem")).err())
        .contains("no authority of this home waits");
    assertThat(run("ca", "request").code()).isEqualTo(1);
  }

  private void sign(String name) throws IOException, InterruptedException {
    shell(
        "openssl x509 -req -in "
            + name
            + ".csr -CA ca.pem -CAkey ca.key -days 700"
            + " -copy_extensions copy -out "
            + name
            + ".pem 2>/dev/null; cat "
            + name
            + ".pem ca.pem > chain.pem");
  }

  private void makeCsrHome() throws Exception {
    makeCa();
    assertThat(init("--root", "csr").code()).isZero();
    Files.writeString(folder.resolve("device.csr"), run("ca", "request").out());
    sign("device");
    assertThat(run("ca", "activate", "--certificate", file("chain.pem")).code()).isZero();
  }

  @Test
  void theNextDeviceCaOfSuchAHomeGoesTheSameWayWhileNoServiceRuns() throws Exception {
    makeCsrHome();
    CliRun.Ended prepared = run("ca", "prepare");
    assertThat(prepared.code()).as(prepared.err()).isZero();
    assertThat(prepared.out()).contains("device-2", "ca activate --certificate");
    assertServes();
    Files.writeString(folder.resolve("device.csr"), run("ca", "request").out());
    sign("device");
    assertThat(run("ca", "activate", "--certificate", file("chain.pem")).out())
        .contains("device-2 is active");
    assertServes();
  }

  @Test
  void theNextDeviceCaOfSuchAHomeGoesTheSameWayWhileTheServiceRuns() throws Exception {
    makeCsrHome();
    try (ServiceProcess service = new ProcessRun(home(), Map.of()).serve()) {
      assertThat(run("ca", "request").err()).contains("no authority of this home waits");
      CliRun.Ended root = run("ca", "prepare", "--authority", "root");
      assertThat(root.code()).isEqualTo(3);
      assertThat(root.err()).contains("is with others");
      CliRun.Ended prepared = run("ca", "prepare", "-o", "json");
      assertThat(prepared.code()).as(prepared.err()).isZero();
      assertThat(prepared.json().path("id").asText()).isEqualTo("device-2");
      assertThat(run("ca", "status").out()).contains("next: have what", "ca request");
      assertThat(run("ca", "abort").out()).contains("device-2 is given up");
      assertThat(run("ca", "prepare").out()).contains("device-3", "waits for its certificate");
      CliRun.Ended request = run("ca", "request");
      assertThat(request.out()).startsWith("-----BEGIN CERTIFICATE REQUEST-----");
      Files.writeString(folder.resolve("device.csr"), request.out());
      assertThat(run("ca", "activate", "--certificate", file("chain.pem")).err())
          .contains("none of the certificates is for the key of device-3");
      sign("device");
      CliRun.Ended active = run("ca", "activate", "--certificate", file("chain.pem"));
      assertThat(active.code()).as(active.err()).isZero();
      assertThat(active.out()).contains("device-3 is active", "it signs from now on");
      assertThat(run("ca", "show").out()).containsPattern("device-3 +device +active");
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    assertServes();
  }

  @Test
  void whileNoServiceRunsTheOptionsOfPrepareHoldOrAreRefusedAndARequestIsGivenUp()
      throws Exception {
    makeCsrHome();
    CliRun.Ended root = run("ca", "prepare", "--authority", "root");
    assertThat(root.code()).isEqualTo(3);
    assertThat(root.err()).contains("the root of this home is with others").hasLineCount(1);
    CliRun.Ended elsewhere = run("ca", "prepare", "--key-store", "tpm");
    assertThat(elsewhere.code()).isEqualTo(1);
    assertThat(elsewhere.err()).contains("only while the service runs", "nothing was changed");
    assertThat(run("ca", "request").code()).isEqualTo(1);
    CliRun.Ended prepared = run("ca", "prepare", "--key-store", "software", "-o", "json");
    assertThat(prepared.code()).as(prepared.err()).isZero();
    assertThat(prepared.json().path("state").asText()).isEqualTo("prepared");
    assertThat(prepared.json().path("request").asText()).startsWith("-----BEGIN CERTIFICATE REQ");
    assertThat(run("ca", "prepare").err()).contains("waits for its certificate already");
    assertThat(run("ca", "abort", "device-7").code()).isEqualTo(3);
    assertThat(run("ca", "abort", "-o", "json").json().path("state").asText()).isEqualTo("retired");
    assertThat(run("ca", "request").code()).isEqualTo(1);
    assertServes();
  }

  @Test
  void theFirstRequestIsGivenUpAndMadeAnew() throws Exception {
    makeCa();
    assertThat(init("--root", "csr").code()).isZero();
    assertThat(run("ca", "abort").out()).contains("device-1 is given up");
    CliRun.Ended serve = run("serve");
    assertThat(serve.code()).isEqualTo(1);
    assertThat(serve.err()).contains("`vouchsafe ca prepare` makes one");
    assertThat(run("ca", "prepare").out()).contains("device-2", "waits for its certificate");
    Files.writeString(folder.resolve("device.csr"), run("ca", "request").out());
    sign("device");
    assertThat(run("ca", "activate", "--certificate", file("chain.pem")).code()).isZero();
    assertServes();
  }

  @Test
  void aClockBehindTheFloorStopsTheStepsThatTheServiceWouldNotTakeByIt() throws Exception {
    makeCsrHome();
    CliRun.Ended early =
        CliRun.at(home())
            .clock(Clock.offset(Clock.systemUTC(), Duration.ofDays(-30)))
            .run("ca", "prepare");
    assertThat(early.code()).isEqualTo(4);
    assertThat(early.err()).contains("nothing was changed");
    assertThat(run("ca", "request").code()).isEqualTo(1);
    assertThat(run("ca", "prepare").code()).isZero();
  }

  @Test
  void whatWasAnnouncedByTheConfigurationAndIsOursNowStopsNoStart() throws Exception {
    makeCsrHome();
    shell(
        """
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout next.key \
          -out next.pem -days 3650 -subj '/O=Plant/CN=Next Root' \
          -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
        """);
    Path configuration = home().resolve("vouchsafe.toml");
    Files.writeString(
        configuration,
        Files.readString(configuration) + "\n[bundle]\nextra = [\"" + file("next.pem") + "\"]\n");
    assertThat(run("ca", "prepare").code()).isZero();
    Files.writeString(folder.resolve("device.csr"), run("ca", "request").out());
    shell("cp next.pem ca.pem; cp next.key ca.key");
    sign("device");
    assertThat(run("ca", "activate", "--certificate", file("chain.pem")).code()).isZero();
    try (ServiceProcess service = new ProcessRun(home(), Map.of()).serve()) {
      assertThat(run("bundle", "show").out()).contains("Next Root", "Plant Root");
      service.signal("TERM");
      assertThat(service.ended()).isZero();
      assertThat(service.log()).contains("is an authority of this gateway now");
    }
  }

  @Test
  void aKillAtAnyMomentOfInitAndActivateLeavesAHomeThatGoesOn() throws Exception {
    makeCa();
    Random random = new Random(77);
    for (int round = 0; round < 4; round++) {
      Path home = folder.resolve("h" + round);
      kill(home, random, List.of("init", "--root", "csr"));
      CliRun here = CliRun.at(home).clock(Clock.systemUTC());
      boolean made = Files.exists(home.resolve("data"));
      assertThat(here.run("init", "--root", "csr").code()).isEqualTo(made ? 1 : 0);
      Files.writeString(folder.resolve("device.csr"), here.run("ca", "request").out());
      sign("device");
      kill(home, random, List.of("ca", "activate", "--certificate", file("chain.pem")));
      CliRun.Ended again = here.run("ca", "activate", "--certificate", file("chain.pem"));
      boolean done = again.code() == 0 || again.err().contains("no authority of this home waits");
      assertThat(done).as(again.err()).isTrue();
      CliRun.Ended check = here.run("check");
      assertThat(check.out()).doesNotContain("FAIL");
      try (ServiceProcess service = new ProcessRun(home, offHttps(home)).serve()) {
        assertThat(here.run("ca", "status").code()).isZero();
        service.signal("TERM");
        assertThat(service.ended()).isZero();
      }
    }
  }

  private static Map<String, String> offHttps(Path home) throws IOException {
    Path file = home.resolve("vouchsafe.toml");
    Files.writeString(
        file, Files.readString(file).replace("[listen]\n", "[listen]\nhttps = \"off\"\n"));
    return Map.of();
  }

  private static void kill(Path home, Random random, List<String> words) throws Exception {
    List<String> command = new ArrayList<>(words);
    try (ServiceProcess process =
        ServiceProcess.start(home, List.of(), command.toArray(String[]::new))) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300 + random.nextInt(1500)));
      process.signal("KILL");
      process.ended();
    }
  }

  /** The commands of docs/outside-roots.md, in their order, in a folder of their own. */
  @Test
  void theStepsOfThePageWork() throws Exception {
    String root = System.getProperty("vouchsafe.root");
    Path page = (root == null ? Path.of("..") : Path.of(root)).resolve("docs/outside-roots.md");
    Matcher blocks = Pattern.compile("(?s)```(sh|ini)\\n(.*?)```").matcher(Files.readString(page));
    int steps = 0;
    while (blocks.find()) {
      if (blocks.group(1).equals("ini")) {
        Files.writeString(folder.resolve("ca.cnf"), blocks.group(2));
        continue;
      }
      for (String line : blocks.group(2).replace("\\\n", " ").lines().toList()) {
        if (line.startsWith("vouchsafe ")) {
          step(line.substring("vouchsafe ".length()));
        } else if (!line.isBlank() && !line.startsWith("#")) {
          shell(line);
        }
        steps++;
      }
    }
    assertThat(steps).isGreaterThan(10);
  }

  private void step(String line) throws IOException {
    if (line.endsWith(" serve")) {
      return;
    }
    String[] sides = line.split(" > ", 2);
    List<String> words = new ArrayList<>();
    for (String word : sides[0].trim().split(" +", -1)) {
      words.add(word.matches(".*\\.(pem|csr|key|p12|txt)") ? file(word) : word);
    }
    if (words.getFirst().equals("--home")) {
      words.set(1, folder.resolve(words.get(1)).toString());
    }
    CliRun.Ended ended = CliRun.plain().clock(Clock.systemUTC()).run(words.toArray(String[]::new));
    assertThat(ended.code()).as(line + "\n" + ended.out() + ended.err()).isZero();
    if (sides.length > 1) {
      Files.writeString(folder.resolve(sides[1].trim()), ended.out());
    }
  }
}
