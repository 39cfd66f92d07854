package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Callers that lie, on the modules' socket of the program as it ships. Nothing is issued to them.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AttackTest {
  private static final String ASK =
      "POST /v1/certificates?module=pinned HTTP/1.1\r\nHost: localhost\r\n"
          + "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"profile\":\"server\"}";

  private final GatewayHome home;
  private final RunningGateway gateway;
  private int issued;

  AttackTest() throws IOException, InterruptedException {
    home = GatewayHome.initialised();
    gateway = home.serve();
  }

  @BeforeAll
  void register() throws IOException, InterruptedException {
    home.addModule(
        "pinned",
        "--selector",
        "unix:path:" + Path.of("/usr/bin/curl").toRealPath(),
        "--profile",
        "server",
        "--dns",
        "pinned.example");
    home.addModule(
        "script",
        "--selector",
        "unix:path:" + Path.of("/usr/bin/perl").toRealPath(),
        "--profile",
        "server",
        "--dns",
        "script.example");
  }

  @AfterEach
  void nothingButWhatATestSaysWasIssued() throws Exception {
    assertThat(gateway.isAlive()).isTrue();
    assertThat(home.json("cert", "list").path("items"))
        .filteredOn(item -> !item.path("module").asText().contains("/"))
        .hasSize(issued);
  }

  @AfterAll
  void end() throws IOException {
    gateway.close();
    home.close();
  }

  /** Asks with curl, which prints the status behind the body. */
  private Programs.Ended curl(List<String> before, String target, String... more)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(before);
    command.addAll(
        List.of(
            "curl",
            "-sS",
            "-w",
            "\n%{http_code}",
            "--unix-socket",
            home.workloadSocket().toString()));
    command.addAll(Arrays.asList(more));
    command.add("http://localhost" + target);
    return Programs.run(command, "");
  }

  @Test
  void theRegisteredExecutableIsServed() throws Exception {
    String said =
        curl(List.of(), "/v1/certificates?module=pinned", "--json", "{\"profile\":\"server\"}")
            .done();
    assertThat(said).endsWith("\n201");
    issued++;
  }

  @Test
  void aCallerOfAnotherExecutableIsRefused() throws Exception {
    try (UnixHttp connection = gateway.connect()) {
      UnixHttp.Answer answer = connection.exchange(ASK);
      assertThat(answer.status()).as(answer.body()).isEqualTo(403);
      assertThat(answer.header("content-type")).startsWith("application/problem+json");
      assertThat(answer.text("code")).isNotEmpty();
      assertThat(answer.body())
          .as("a caller doesn't learn what was measured")
          .doesNotContain("curl");
    }
  }

  @Test
  void aCopyOfTheExecutableIsNotTheExecutable() throws Exception {
    Path copy = home.beside("copy").resolve("curl");
    Programs.run("cp", "/usr/bin/curl", copy.toString()).done();
    Programs.Ended ended =
        Programs.run(
            copy.toString(),
            "-sS",
            "-w",
            "\n%{http_code}",
            "--unix-socket",
            home.workloadSocket().toString(),
            "--json",
            "{\"profile\":\"server\"}",
            "http://localhost/v1/certificates?module=pinned");
    assertThat(ended.done()).endsWith("\n403");
  }

  @Test
  void aCallerOfAnotherUserIsRefused() throws Exception {
    Assumptions.assumeTrue(GatewayHome.uid() == 0, "only root can become somebody else");
    List<String> asNobody = List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");
    String json = "{\"profile\":\"server\"}";
    assertThat(curl(asNobody, "/v1/certificates?module=pinned", "--json", json).done())
        .endsWith("\n403");
    assertThat(curl(asNobody, "/v1/trust-bundle").done())
        .as("the trust bundle is for everybody")
        .endsWith("\n200");
  }

  @Test
  void anAdministratorsSocketIsNotForEverybody() throws Exception {
    Assumptions.assumeTrue(GatewayHome.uid() == 0, "only root can become somebody else");
    Programs.Ended ended =
        Programs.run(
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "curl",
            "-sS",
            "--unix-socket",
            home.adminSocket().toString(),
            "http://localhost/v1/certificates");
    assertThat(ended.exit()).as("curl: couldn't connect").isEqualTo(7);
  }

  @Test
  void anUnknownModuleAndAWrongGenerationAreRefused() throws Exception {
    try (UnixHttp connection = gateway.connect()) {
      assertThat(connection.exchange(ASK.replace("pinned", "nobody")).status()).isEqualTo(403);
    }
    home.addModule("here", "--generation", "2", "--profile", "server", "--dns", "here.example");
    try (UnixHttp connection = gateway.connect()) {
      String target = "/modules/here/genid/%s/certificate/server?api-version=2020-07-07";
      String body = "{\"commonName\":\"here.example\",\"expiration\":\"2031-01-01T00:00:00Z\"}";
      UnixHttp.Answer answer = connection.post(target.formatted("1"), body);
      assertThat(answer.status()).isEqualTo(403);
      assertThat(answer.text("message")).isNotEmpty();
      assertThat(connection.post(target.formatted("2"), body).status()).isEqualTo(201);
      issued++;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"other.example", "pinned.example.evil.example", "*.example", "10.0.0.1"})
  void aNameOutsideTheRegistrationIsRefused(String name) throws Exception {
    String json = "{\"profile\":\"server\",\"commonName\":\"" + name + "\"}";
    assertThat(curl(List.of(), "/v1/certificates?module=pinned", "--json", json).done())
        .contains("name-not-granted")
        .endsWith("\n403");
  }

  @Test
  void aProcessThatIsAnotherProgramByNowIsNotAnswered() throws Exception {
    String program =
        """
        use IO::Socket::UNIX;
        use Fcntl;
        my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
        fcntl($s, F_SETFD, 0);
        my $ping = "GET /v1/identity?module=script HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n";
        syswrite($s, $ping);
        sysread($s, my $answer, 65536);
        print STDERR substr($answer, 0, 12), "\\n";
        open(STDIN, '<&', $s);
        open(my $out, '>&', \\*STDOUT);
        exec('/bin/bash', '-c', 'printf "%s" "$1" >&0; IFS= read -r line <&0; printf "%s" "$line"',
             'bash', $ARGV[1]);
        """;
    String ask = ASK.replace("module=pinned", "module=script");
    Programs.Ended ended =
        Programs.run("perl", "-e", program, home.workloadSocket().toString(), ask);
    assertThat(ended.err()).as("before the exec, it is the module").contains("HTTP/1.1 200");
    assertThat(ended.out()).doesNotContain("HTTP/1.1 2");
  }

  @Test
  void theRegisteredScriptItselfIsServed() throws Exception {
    String program =
        """
        use IO::Socket::UNIX;
        my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
        syswrite($s, $ARGV[1]);
        sysread($s, my $answer, 65536);
        print $answer;
        """;
    String ask = ASK.replace("module=pinned", "module=script");
    assertThat(Programs.run("perl", "-e", program, home.workloadSocket().toString(), ask).done())
        .startsWith("HTTP/1.1 201");
    issued++;
  }

  @Test
  void malformedJsonAndAnOversizeBodyAreRejected() throws Exception {
    home.addModule("open", "--profile", "server", "--dns", "open.example");
    try (UnixHttp connection = gateway.connect()) {
      assertThat(connection.post("/v1/certificates?module=open", "{\"profile\":").status())
          .isBetween(400, 422);
    }
    try (UnixHttp connection = gateway.connect()) {
      connection.send(ASK.replace("Content-Length: 20", "Content-Length: 131073"));
      assertThat(connection.receive().status()).isEqualTo(413);
    }
  }

  @Test
  void aBodyThatNeverComesIsGivenUpWhileOthersAreServed() throws Exception {
    try (UnixHttp slow = gateway.connect();
        UnixHttp other = gateway.connect()) {
      slow.send(ASK.substring(0, ASK.length() - 1));
      assertThat(other.get("/v1/trust-bundle").status()).isEqualTo(200);
      assertThat(slow.receive().status()).isEqualTo(408);
      assertThat(slow.closedByServer()).isTrue();
    }
  }
}
