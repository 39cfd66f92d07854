package dev.vouchsafe.keys;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An administrator's own {@code p11-kit server} in front of SoftHSM2, which can be killed and
 * started again: the token is gone and back.
 */
final class P11KitServer implements AutoCloseable {
  private static final long BETWEEN_LOOKS = 500_000;
  private static final List<Path> CLIENTS =
      List.of(
          Path.of("/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so"),
          Path.of("/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so"));

  private final Path socket;
  private final SoftHsm hsm;
  private @Nullable Process process;

  P11KitServer(Path socket, SoftHsm hsm) {
    this.socket = socket;
    this.hsm = hsm;
  }

  /** p11-kit's client, a library of which each copy is one of its own. */
  static Path client() {
    return CLIENTS.stream()
        .filter(Files::exists)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("p11-kit is not installed: run ./test"));
  }

  String address() {
    return "unix:path=" + socket;
  }

  void start() throws IOException, InterruptedException {
    Files.deleteIfExists(socket);
    ProcessBuilder builder =
        new ProcessBuilder(
                "p11-kit",
                "server",
                "--foreground",
                "--name",
                socket.toString(),
                "--provider",
                SoftHsm.library().toString(),
                "pkcs11:")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.environment().putAll(hsm.environment());
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

  /** Takes the token away from all that use it. */
  void kill() {
    Process running = process;
    if (running != null) {
      List<ProcessHandle> workers = running.descendants().toList();
      running.destroyForcibly().onExit().join();
      workers.forEach(worker -> {
        worker.destroyForcibly();
        worker.onExit().join();
      });
      process = null;
    }
  }

  @Override
  public void close() {
    kill();
  }
}
