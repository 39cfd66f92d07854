package dev.vouchsafe.tests;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A real mosquitto under its own user, listening with TLS alone where the module SDKs look for an
 * edge hub. It lets in who brings a SAS token, and remembers what each brought.
 */
final class MqttBroker implements AutoCloseable {
  /** The user that Debian's package makes for it. */
  static final String USER = "mosquitto";

  /** Everything that modules send. */
  private static final String TELEMETRY = "devices/+/modules/+/messages/events/#";

  private static final int PORT = 8883;
  private static final Duration LONGEST_START = Duration.ofSeconds(20);
  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(10);

  private final OwnNetwork network;
  private final Path folder;
  private final Process process;

  private MqttBroker(OwnNetwork network, Path folder, Process process) {
    this.network = network;
    this.folder = folder;
    this.process = process;
  }

  /**
   * What a client brought when it connected.
   *
   * @param password the secret that it brought; in no text of this record
   */
  record Login(String clientId, String userName, String password) {
    @Override
    public String toString() {
      return clientId + " as " + userName;
    }
  }

  /** The command that runs another as the broker's user. */
  static List<String> asUser() {
    return List.of("setpriv", "--reuid=" + USER, "--regid=" + USER, "--clear-groups", "--");
  }

  /**
   * Starts it.
   *
   * @param folder belongs to the broker's user, and has {@code certificate.pem} and {@code key.pem}
   */
  static MqttBroker start(Path folder) throws IOException, InterruptedException {
    Path plugin = Programs.compile("remember_logins", "-shared", "-fPIC");
    Files.copy(plugin, folder.resolve("remember_logins.so"));
    Path configuration = folder.resolve("mosquitto.conf");
    Files.writeString(
        configuration,
        """
        listener %1$d %2$s
        certfile %3$s/certificate.pem
        keyfile %3$s/key.pem
        allow_anonymous true
        log_type all
        plugin %3$s/remember_logins.so
        plugin_opt_file %3$s/logins
        """
            .formatted(PORT, InetAddress.getLoopbackAddress().getHostAddress(), folder));
    List<String> command = new ArrayList<>(asUser());
    command.addAll(List.of("/usr/sbin/mosquitto", "-c", configuration.toString()));
    OwnNetwork network = OwnNetwork.open();
    Process process =
        new ProcessBuilder(network.inside(command))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    MqttBroker broker = new MqttBroker(network, folder, process);
    broker.awaitStart();
    return broker;
  }

  /** Its last word before it serves; a port that is taken ends it after that. */
  private void awaitStart() throws IOException {
    long end = System.nanoTime() + LONGEST_START.toNanos();
    while (!log().contains(" running\n")) {
      if (!process.isAlive() || System.nanoTime() > end) {
        close();
        throw new AssertionError("mosquitto does not run: " + log());
      }
      LockSupport.parkNanos(BETWEEN_LOOKS.toNanos());
    }
  }

  /** What it has logged so far. */
  String log() throws IOException {
    return Files.readString(folder.resolve("log"));
  }

  /** Who was let in so far, in that order. */
  List<Login> logins() throws IOException {
    Path file = folder.resolve("logins");
    List<Login> logins = new ArrayList<>();
    for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
      String[] parts = line.split("\t", -1);
      logins.add(new Login(parts[0], parts[1], parts[2]));
    }
    return logins;
  }

  /** Whether nobody but its owner may read what {@link #logins} reads. */
  boolean keepsLoginsToItself() throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("logins")))
        .equals("rw-------");
  }

  /** The command that runs this one where the broker can be reached. */
  List<String> near(List<String> command) {
    return network.inside(command);
  }

  /**
   * From now on the broker keeps what modules send for this watcher.
   *
   * @param bundle the only CA certificates that the watcher believes
   */
  void watch(String watcher, Path bundle) throws IOException, InterruptedException {
    Programs.run(watcher(watcher, bundle, "-E"), "").done();
  }

  /** The next message for this watcher, as {@code topic TAB content}; waits for it. */
  String next(String watcher, Path bundle) throws IOException, InterruptedException {
    return Programs.run(watcher(watcher, bundle, "-C", "1", "-W", "20", "-F", "%t\t%p"), "")
        .done()
        .stripTrailing();
  }

  private List<String> watcher(String name, Path bundle, String... more) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "mosquitto_sub",
                "-h",
                "localhost",
                "-p",
                String.valueOf(PORT),
                "--cafile",
                bundle.toString(),
                "-i",
                name,
                // A session that outlives the connection, and every message kept for it.
                "-c",
                "-q",
                "1",
                "-t",
                TELEMETRY));
    command.addAll(List.of(more));
    return near(command);
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
    network.close();
  }
}
