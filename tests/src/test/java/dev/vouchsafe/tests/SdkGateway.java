package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A gateway on which a module runs for each SDK, and a broker that got its certificate here: every
 * one under a user of its own.
 */
final class SdkGateway implements AutoCloseable {
  /** What the modules take for the name of their hub. */
  static final String HUB = "hub.gw.example";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String BROKER = "edgeHub";
  private static final String BROKERS_GENERATION = "637421";

  private final GatewayHome home;
  private final RunningGateway gateway;
  private final Path bundle;
  private final Map<ModuleSdk, Path> programs = new EnumMap<>(ModuleSdk.class);
  private final Map<ModuleSdk, String> keys = new EnumMap<>(ModuleSdk.class);
  private @Nullable MqttBroker broker;

  private SdkGateway(GatewayHome home) throws IOException {
    this.home = home;
    gateway = home.serve();
    bundle = home.beside("trust").resolve("bundle.pem");
  }

  /** Starts everything on a home that is made already, and gets closed with this. */
  static SdkGateway start(GatewayHome home) throws IOException, InterruptedException {
    SdkGateway here = new SdkGateway(home);
    boolean whole = false;
    try {
      here.setUp();
      whole = true;
      return here;
    } finally {
      if (!whole) {
        here.close();
      }
    }
  }

  private void setUp() throws IOException, InterruptedException {
    try (UnixHttp connection = gateway.connect()) {
      Files.writeString(bundle, connection.get("/v1/trust-bundle").body());
    }
    add(BROKER, BROKERS_GENERATION, "unix:user:" + MqttBroker.USER, "--profile", "server");
    broker = MqttBroker.start(brokersFolder());
    for (ModuleSdk sdk : ModuleSdk.values()) {
      add(sdk.module(), "gen-" + sdk.uid(), "unix:uid:" + sdk.uid());
      install(sdk);
    }
  }

  RunningGateway gateway() {
    return gateway;
  }

  MqttBroker broker() {
    return Objects.requireNonNull(broker);
  }

  /** The trust bundle as it was published, in a file. */
  Path bundle() {
    return bundle;
  }

  private void add(String name, String generation, String selector, String... more)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "module",
                "add",
                name,
                "--generation",
                generation,
                "--selector",
                selector,
                "--dns",
                "localhost"));
    command.addAll(Arrays.asList(more));
    home.run(command.toArray(String[]::new)).done();
  }

  private void install(ModuleSdk sdk) throws IOException, InterruptedException {
    Path folder = home.beside(sdk.name());
    sdk.install(folder);
    Files.writeString(
        folder.resolve("module.env"),
        home.run("module", "env", sdk.module(), "--hub", HUB, "--gateway", "localhost").done());
    programs.put(sdk, folder);
  }

  /** Makes a folder of the broker's user with a certificate that this user asked for. */
  private Path brokersFolder() throws IOException, InterruptedException {
    List<String> ask = new ArrayList<>(MqttBroker.asUser());
    ask.addAll(
        List.of(
            "curl",
            "-sS",
            "--fail",
            "--unix-socket",
            home.workloadSocket().toString(),
            "--json",
            "{\"commonName\":\"localhost\",\"expiration\":\"2031-01-01T00:00:00Z\"}",
            "http://localhost/modules/%24"
                + BROKER
                + "/genid/"
                + BROKERS_GENERATION
                + "/certificate/server?api-version=2020-07-07"));
    JsonNode answer = JSON.readTree(Programs.run(ask, "").done());
    Path folder = home.beside("broker");
    Files.writeString(folder.resolve("certificate.pem"), answer.path("certificate").asText());
    Files.writeString(
        Files.createFile(
            folder.resolve("key.pem"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))),
        answer.path("privateKey").path("bytes").asText());
    Programs.run("chown", "-R", MqttBroker.USER + ":" + MqttBroker.USER, folder.toString()).done();
    return folder;
  }

  /** Starts another broker, with a certificate for the same host that has nothing to do with us. */
  MqttBroker startStranger() throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory(home.beside("strangers"), "broker");
    Programs.run(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-days",
            "2",
            "-keyout",
            folder.resolve("key.pem").toString(),
            "-out",
            folder.resolve("certificate.pem").toString())
        .done();
    Programs.run("chown", "-R", MqttBroker.USER + ":" + MqttBroker.USER, folder.toString()).done();
    return MqttBroker.start(folder);
  }

  /**
   * Runs the module of an SDK to its end, in just the environment that {@code module env} printed,
   * read by a shell as its help says.
   *
   * @param uid whose process it is
   */
  Programs.Ended run(ModuleSdk sdk, int uid, MqttBroker near, String message)
      throws IOException, InterruptedException {
    Path folder = Objects.requireNonNull(programs.get(sdk));
    List<String> command =
        new ArrayList<>(
            List.of(
                "setpriv",
                "--reuid=" + uid,
                "--regid=" + uid,
                "--clear-groups",
                "--",
                "env",
                "-i",
                "sh",
                "-c",
                "set -a; . \"$1\"; set +a; shift; exec \"$@\"",
                "sh",
                folder.resolve("module.env").toString()));
    command.addAll(sdk.command(folder));
    command.add(message);
    return Programs.run(near.near(command), "");
  }

  /** The verification key of an SDK's module, as an administrator gets it. */
  byte[] key(ModuleSdk sdk) throws IOException, InterruptedException {
    if (!keys.containsKey(sdk)) {
      keys.put(sdk, home.json("module", "key", sdk.module()).path("key").asText());
    }
    byte[] key = Base64.getDecoder().decode(keys.getOrDefault(sdk, ""));
    assertThat(key).hasSize(32);
    return key;
  }

  @Override
  public void close() throws IOException {
    if (broker != null) {
      broker.close();
    }
    gateway.close();
    home.close();
  }
}
