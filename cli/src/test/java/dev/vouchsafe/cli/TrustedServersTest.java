package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server of another CA is trusted by what modules get exactly while the operator says so. */
class TrustedServersTest {
  @TempDir Path folder;

  @BeforeEach
  void makeTwoHomes() throws IOException {
    for (String name : List.of("gateway", "plant")) {
      assertThat(run(name, "init", "--device-id", name).code()).isZero();
      configure(name, "[listen]\n", "[listen]\nhttps = \"127.0.0.1:0\"\n");
    }
  }

  private CliRun.Ended run(String home, String... args) {
    return CliRun.at(folder.resolve(home)).clock(Clock.systemUTC()).run(args);
  }

  private ServiceProcess serve(String home) throws IOException {
    return ServiceProcess.start(folder.resolve(home), List.of(), "serve");
  }

  private void configure(String home, String line, String instead) throws IOException {
    Path file = Home.at(folder.resolve(home)).configuration();
    Files.writeString(file, Files.readString(file).replace(line, instead));
  }

  /** Whether openssl, as a module would, verifies that server by what the gateway hands out. */
  private boolean verifies(String server) throws Exception {
    Path bundle = folder.resolve("bundle.pem");
    Files.writeString(bundle, run("gateway", "fetch", "bundle").out());
    Process openssl =
        new ProcessBuilder(
                "openssl",
                "s_client",
                "-connect",
                server,
                "-CAfile",
                bundle.toString(),
                "-no-CApath",
                "-no-CAstore",
                "-verify_return_error",
                "-verify_ip",
                "127.0.0.1")
            .redirectErrorStream(true)
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectOutput(folder.resolve("openssl.txt").toFile())
            .start();
    try {
      assertThat(openssl.waitFor(20, TimeUnit.SECONDS)).isTrue();
    } finally {
      openssl.destroyForcibly();
    }
    String said = Files.readString(folder.resolve("openssl.txt"));
    assertThat(said).contains("CONNECTED");
    return openssl.exitValue() == 0 && said.contains("Verify return code: 0 (ok)");
  }

  private static String https(String ready) {
    return ready.replaceAll("(?s).*https://([0-9.:]+).*", "$1");
  }

  @Test
  void opensslVerifiesItAfterTheCaWasAddedAndNoMoreAfterItWasRemoved() throws Exception {
    try (ServiceProcess plant = serve("plant");
        ServiceProcess gateway = serve("gateway")) {
      String server = https(String.valueOf(plant.line()));
      assertThat(gateway.line()).startsWith("ready ");
      assertThat(verifies(server)).isFalse();
      Path ca = folder.resolve("plant.pem");
      Files.writeString(ca, run("plant", "bundle", "export").out());
      JsonNode added = run("gateway", "bundle", "add", ca.toString(), "-o", "json").json();
      assertThat(added.path("sequence").asInt()).isEqualTo(2);
      assertThat(verifies(server)).isTrue();
      assertThat(run("gateway", "bundle", "export").out()).contains(Files.readString(ca));
      assertThat(run("gateway", "bundle", "export", "--format", "json").json().path("keys"))
          .hasSize(1);
      CliRun.Ended twice = run("gateway", "bundle", "add", ca.toString());
      assertThat(twice.code()).isEqualTo(1);
      assertThat(twice.err()).contains("bundle-duplicate");

      // It outlives the service, killed as it may be.
      gateway.signal("KILL");
      int _ = gateway.ended();
      try (ServiceProcess again = serve("gateway")) {
        assertThat(again.line()).startsWith("ready ");
        assertThat(verifies(server)).isTrue();
        String id = added.path("extra").path(0).path("sha256").asText();
        assertThat(run("gateway", "bundle", "remove", id.substring(0, 10)).code()).isZero();
        assertThat(verifies(server)).isFalse();
        assertThat(run("gateway", "bundle", "remove", id).err()).contains("bundle-unknown");
        assertThat(run("gateway", "audit", "show").out())
            .contains("add-to-bundle", "remove-from-bundle", id);
      }
    }
  }

  @Test
  void whatTheConfigurationNamesIsThereFromTheStartAndGoesWithTheNextOne() throws Exception {
    Path ca = folder.resolve("plant.pem");
    Files.writeString(ca, run("plant", "bundle", "export").out());
    configure("gateway", "[listen]\n", "[bundle]\nextra = [\"" + ca + "\"]\n[listen]\n");
    try (ServiceProcess gateway = serve("gateway")) {
      assertThat(gateway.line()).startsWith("ready ");
      JsonNode extra = run("gateway", "bundle", "show", "-o", "json").json().path("extra");
      assertThat(extra).hasSize(1);
      assertThat(extra.path(0).path("addedBy").asText()).isEqualTo("configuration");
      CliRun.Ended removed =
          run("gateway", "bundle", "remove", extra.path(0).path("sha256").asText());
      assertThat(removed.err()).contains("bundle-configured", "[bundle] extra");
      gateway.signal("TERM");
      assertThat(gateway.ended()).isZero();
    }
    configure("gateway", "extra = [\"" + ca + "\"]\n", "");
    try (ServiceProcess gateway = serve("gateway")) {
      assertThat(gateway.line()).startsWith("ready ");
      JsonNode bundle = run("gateway", "bundle", "show", "-o", "json").json();
      assertThat(bundle.path("extra")).isEmpty();
      assertThat(bundle.path("sequence").asInt()).isEqualTo(3);
    }
  }

  @Test
  void aFileThatIsNotThereStopsTheStart() throws Exception {
    configure("gateway", "[listen]\n", "[bundle]\nextra = [\"/nonexistent/ca.pem\"]\n[listen]\n");
    try (ServiceProcess gateway = serve("gateway")) {
      assertThat(gateway.line()).isNull();
      assertThat(gateway.ended()).isEqualTo(1);
      assertThat(gateway.log()).contains("vouchsafe: [bundle] extra: ", "/nonexistent/ca.pem");
    }
  }
}
