package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The service as a process of its own. */
class ServeCommandTest {
  @TempDir Path folder;

  @BeforeEach
  void makeAHome() throws IOException {
    assertThat(CliRun.at(root()).clock(Clock.systemUTC()).run("init").code()).isZero();
    configure("https = \"127.0.0.1:0\"");
  }

  private Path root() {
    return folder.resolve("h");
  }

  private Home home() {
    return Home.at(root());
  }

  /** Puts a line under {@code [listen]}. */
  private void configure(String line) throws IOException {
    String text = Files.readString(home().configuration());
    Files.writeString(
        home().configuration(), text.replace("[listen]\n", "[listen]\n" + line + "\n"));
  }

  private ServiceProcess serve() throws IOException {
    return ServiceProcess.start(root(), List.of(), "serve");
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(root()).clock(Clock.systemUTC()).run(args);
  }

  private void assertDoesNotStart(String... said) throws IOException, InterruptedException {
    try (ServiceProcess service = serve()) {
      assertThat(service.line()).isNull();
      assertThat(service.ended()).isEqualTo(1);
      assertThat(service.log().lines().filter(line -> line.startsWith("vouchsafe: ")))
          .singleElement()
          .asString()
          .contains(said);
    }
  }

  @Test
  void itServesFromReadyToTheSignalAndEndsInOrder() throws Exception {
    try (ServiceProcess service = serve()) {
      assertThat(service.line())
          .startsWith("ready ")
          .contains("unix:" + home().workloadSocket())
          .contains("unix:" + home().adminSocket())
          .contains("https://127.0.0.1:");
      String selector = "unix:uid:" + FileTrust.ownUser();
      run(
          "module",
          "add",
          "web",
          "--selector",
          selector,
          "--profile",
          "server",
          "--dns",
          "a.example");
      assertThat(run("fetch", "identity").out()).contains("module       web");
      CliRun.Ended fetched =
          run(
              "fetch",
              "certificate",
              "--profile",
              "server",
              "--out",
              folder.resolve("o").toString());
      assertThat(fetched.code()).isZero();
      CliRun.Ended refused =
          run("fetch", "certificate", "--profile", "server", "--dns", "evil.example");
      assertThat(refused.code()).isEqualTo(3);
      assertThat(run("cert", "list", "--module", "web").out()).contains("dns:a.example", "issued");
      assertThat(run("ca", "show").out()).contains("root-1", "device-1");
      assertThat(run("bundle", "show").out()).contains("sequence  1");
      assertThat(run("fetch", "bundle").out()).isEqualTo(run("bundle", "export").out());
      assertThat(run("check").out()).contains("OK    service").doesNotContain("FAIL");
      run("module", "remove", "web");
      assertThat(run("fetch", "identity").code()).isEqualTo(3);
      long before = System.nanoTime();
      service.signal("TERM");
      assertThat(service.ended()).isZero();
      assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(8));
      assertThat(service.line()).isNull();
    }
    assertThat(run("fetch", "identity").code()).isEqualTo(4);
  }

  @Test
  void aSecondServiceOnTheSameHomeIsRefusedAndTheFirstOneStaysUp() throws Exception {
    try (ServiceProcess first = serve()) {
      assertThat(first.line()).startsWith("ready ");
      assertDoesNotStart("another service runs on this home, process " + first.pid());
      assertThat(run("ca", "show").code()).isZero();
    }
  }

  @Test
  void afterAKillItStartsAgain() throws Exception {
    try (ServiceProcess first = serve()) {
      assertThat(first.line()).startsWith("ready ");
      first.signal("KILL");
      first.ended();
    }
    try (ServiceProcess second = serve()) {
      assertThat(second.line()).startsWith("ready ");
      second.signal("INT");
      assertThat(second.ended()).isZero();
    }
  }

  @Test
  void aClosedOutputBreaksNothing() throws Exception {
    try (ServiceProcess service = serve()) {
      service.closeItsOutput();
      Await.until(() -> run("ca", "show").code() == 0);
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
  }

  @Test
  void systemdIsToldWhenItIsReady() throws Exception {
    String address = folder.resolve("notify").toString();
    Process systemd = SystemCallsTest.receiver(address);
    try (ServiceProcess service =
        ServiceProcess.start(root(), List.of("NOTIFY_SOCKET=" + address), "serve")) {
      assertThat(service.line()).startsWith("ready ");
      assertThat(SystemCallsTest.received(systemd)).isEqualTo("READY=1");
    }
  }

  @Test
  void theLogIsOneLineAnEventAndHoldsNoSecret() throws Exception {
    try (ServiceProcess service = serve()) {
      assertThat(service.line()).startsWith("ready ");
      service.signal("TERM");
      service.ended();
      assertThat(service.log().lines())
          .isNotEmpty()
          .allMatch(line -> line.matches("\\d{4}-.*Z (INFO|WARNING) [a-zA-Z.]+ .*"));
      assertThat(service.log()).doesNotContain("PRIVATE KEY").contains("seal.key");
    }
  }

  @Test
  void dataOfAnotherVersionIsLeftAsItIs() throws Exception {
    Files.writeString(home().format(), "99\n");
    assertDoesNotStart("is of version 99", "nothing was changed");
    assertThat(home().format()).hasContent("99\n");
  }

  @Test
  void anUnknownKeyStopsTheStart() throws Exception {
    configure("workloud = \"/x\"");
    assertDoesNotStart("vouchsafe.toml", "workloud", "nearest known: workload");
  }

  @Test
  void aConfigurationThatOthersCanWriteStopsTheStart() throws Exception {
    Files.setPosixFilePermissions(
        home().configuration(), PosixFilePermissions.fromString("rw-rw-rw-"));
    assertDoesNotStart("vouchsafe.toml", "chmod go-w");
  }

  @Test
  void foldersThatOthersCanWriteStopTheStart() throws Exception {
    for (Path open : List.of(home().data(), home().run(), root())) {
      Set<PosixFilePermission> before = Files.getPosixFilePermissions(open);
      Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxr-x"));
      assertDoesNotStart(open.toString(), "chmod go-w");
      Files.setPosixFilePermissions(open, before);
    }
  }

  @Test
  void aSocketPathThatIsTooLongStopsTheStart() throws Exception {
    configure("workload = \"/" + "d".repeat(107) + "\"");
    assertDoesNotStart("[listen] workload", "108 octets");
  }

  @Test
  void aFolderInPlaceOfASocketStopsTheStartAndIsLeftAsItIs() throws Exception {
    Files.createDirectory(home().workloadSocket());
    assertDoesNotStart("workload.sock");
    assertThat(home().workloadSocket()).isDirectory();
  }

  @Test
  void aSocketInUseStopsTheStartAndItsOwnerKeepsIt() throws Exception {
    try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      other.bind(UnixDomainSocketAddress.of(home().adminSocket()));
      assertDoesNotStart("admin.sock");
      assertThat(home().adminSocket()).exists();
      assertThat(other.isOpen()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"trust-domain = \"other.example\"", "layer = 2"})
  void anotherGatewayThanThatOfInitIsRefused(String line) throws Exception {
    String text = Files.readString(home().configuration());
    Files.writeString(
        home().configuration(),
        line.startsWith("layer")
            ? text.replace("[gateway]\n", "[gateway]\n" + line + "\n")
            : text.replaceAll("(?m)^trust-domain.*$", line));
    assertDoesNotStart("device CA", "another");
  }

  @Test
  void aLostSealStopsTheStart() throws Exception {
    Files.delete(home().sealKey());
    assertDoesNotStart("key store software, [keys] seal", "seal.key");
  }

  @Test
  void withoutAHomeItSaysWhatToDo() throws Exception {
    try (ServiceProcess service =
        ServiceProcess.start(folder.resolve("none"), List.of(), "serve")) {
      assertThat(service.ended()).isEqualTo(1);
      assertThat(service.log()).contains("vouchsafe init");
    }
  }
}
