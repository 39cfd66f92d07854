package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** tpm2-abrmd, a resource manager, in front of a TPM in software, on a message bus of its own. */
final class TpmBroker implements AutoCloseable {
  static final String TCTI = "tabrmd:bus_type=session";
  private static final String ADDRESS = "DBUS_SESSION_BUS_ADDRESS";
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

  private final Map<String, String> environment;
  private final Process bus;
  private final Process broker;

  /**
   * @param folder with a short path
   */
  TpmBroker(Path folder, Swtpm tpm) throws IOException {
    String address = "unix:path=" + folder.resolve("bus").toAbsolutePath();
    this.environment = Map.of(ADDRESS, address);
    this.bus =
        start(
            List.of("dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=" + address));
    await(
        "dbus-send",
        "--session",
        "--dest=org.freedesktop.DBus",
        "/",
        "org.freedesktop.DBus.Peer.Ping");
    this.broker = start(List.of("tpm2-abrmd", "--session", "--allow-root", "--tcti=" + tpm.tcti()));
    await("tpm2_getcap", "-T", TCTI, "handles-transient");
  }

  Map<String, String> environment() {
    return environment;
  }

  private Process start(List<String> command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    return builder
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /** Until that program succeeds. */
  private void await(String... command) throws IOException {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (start(List.of(command)).onExit().join().exitValue() != 0) {
      if (System.nanoTime() - end > 0) {
        close();
        throw new IOException(command[0] + " never succeeds: is it installed? run ./test");
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  @Override
  @SuppressWarnings("ConstantValue")
  public void close() {
    if (broker != null) {
      broker.destroyForcibly().onExit().join();
    }
    bus.destroyForcibly().onExit().join();
  }
}
