package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log that the service itself wrote, as the commands show and verify it. */
class AuditOfServiceTest {
  @TempDir Path folder;

  @BeforeEach
  void makeAHome() throws Exception {
    assertThat(run("init").code()).isZero();
    Path configuration = Home.at(root()).configuration();
    Files.writeString(
        configuration,
        Files.readString(configuration)
            .replace("[listen]\n", "[listen]\nhttps = \"127.0.0.1:0\"\n"));
  }

  private Path root() {
    return folder.resolve("h");
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(root()).clock(Clock.systemUTC()).run(args);
  }

  @Test
  void whoGotWhatAndWhoWasRefusedIsShownAndVerifiesWhileItRunsAndAfterAKill() throws Exception {
    String checkpoint;
    String serial;
    String uid = String.valueOf(FileTrust.ownUser());
    try (ServiceProcess service = ServiceProcess.start(root(), List.of(), "serve")) {
      assertThat(service.line()).startsWith("ready ");
      String[] add = {"module", "add", "web", "--profile", "server", "--dns", "a.example"};
      assertThat(run(with(add, "--selector", "unix:uid:" + uid)).code()).isZero();
      JsonNode fetched = run("fetch", "certificate", "--profile", "server", "-o", "json").json();
      serial = fetched.path("serial").asText();
      assertThat(run("module", "remove", "web").code()).isZero();
      assertThat(run("fetch", "identity", "--module", "web").code()).isEqualTo(3);

      Await.until(() -> run("audit", "show", "--verdict", "refused").out().contains("refused"));
      CliRun.Ended shown = run("audit", "show", "--serial", serial, "--verbose");
      assertThat(shown.out())
          .contains("issued       web  certificate  pid ", " uid " + uid, "serial " + serial)
          .contains("wanted unix:uid:" + uid + ", measured ", ", match yes");
      assertThat(run("audit", "verify").err()).contains("service writes it with its first");
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    CliRun.Ended verified = run("audit", "verify", "--print-checkpoint");
    assertThat(verified.code()).isZero();
    checkpoint = verified.out().strip();

    try (ServiceProcess service = ServiceProcess.start(root(), List.of(), "serve")) {
      assertThat(service.line()).startsWith("ready ");
      assertThat(run("audit", "verify", "--since-checkpoint", checkpoint).code()).isZero();
      service.signal("KILL");
      int _ = service.ended();
    }
    CliRun.Ended killed = run("audit", "verify", "--since-checkpoint", checkpoint);
    assertThat(killed.out()).contains("nothing was cut off");
    assertThat(killed.code()).isZero();
    assertThat(run("audit", "show").out().lines().filter(line -> line.contains("  start  ")))
        .hasSize(2);
  }

  private static String[] with(String[] args, String... more) {
    String[] all = Arrays.copyOf(args, args.length + more.length);
    System.arraycopy(more, 0, all, args.length, more.length);
    return all;
  }
}
