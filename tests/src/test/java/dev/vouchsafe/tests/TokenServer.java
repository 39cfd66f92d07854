package dev.vouchsafe.tests;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * {@code p11-kit server} in front of a SoftHSM2: killed, the token is gone for the service that
 * uses it by p11-kit's client; started, it is back.
 */
final class TokenServer implements AutoCloseable {
  private static final long BETWEEN_LOOKS = 500_000;
  private static final List<Path> CLIENTS =
      List.of(
          Path.of("/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so"),
          Path.of("/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so"));

  private final Path socket;
  private final Map<String, String> environment;
  private @Nullable Process process;

  /** Starts it, and lets the home's commands and the URI of its keys know of it. */
  static TokenServer before(SoftHsm hsm, GatewayHome home) throws IOException {
    TokenServer server = new TokenServer(home.beside("p11").resolve("s"), hsm.environment());
    Map<String, String> known = new HashMap<>(hsm.environment());
    known.put("P11_KIT_SERVER_ADDRESS", "unix:path=" + server.socket);
    home.setEnvironment(known);
    hsm.setLibrary(CLIENTS.stream().filter(Files::exists).findFirst().orElseThrow());
    server.start();
    return server;
  }

  private TokenServer(Path socket, Map<String, String> environment) {
    this.socket = socket;
    this.environment = environment;
  }

  void start() throws IOException {
    Files.deleteIfExists(socket);
    ProcessBuilder builder =
        new ProcessBuilder(
                "p11-kit",
                "server",
                "--foreground",
                "--name",
                socket.toString(),
                "--provider",
                "/usr/lib/softhsm/libsofthsm2.so",
                "pkcs11:")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.environment().putAll(environment);
    process = builder.start();
    while (!listens()) {
      if (Thread.currentThread().isInterrupted()) {
        throw new IOException("interrupted while p11-kit server starts");
      }
      LockSupport.parkNanos(BETWEEN_LOOKS);
    }
  }

  private boolean listens() {
    try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      return client.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  void kill() {
    Process running = Objects.requireNonNull(process);
    List<ProcessHandle> workers = running.descendants().toList();
    running.destroyForcibly().onExit().join();
    for (ProcessHandle worker : workers) {
      worker.destroyForcibly();
      worker.onExit().join();
    }
    process = null;
  }

  @Override
  public void close() {
    if (process != null) {
      kill();
    }
  }
}
