package dev.vouchsafe.keys;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A server process that is started again whenever it ends, and whose workers are killed when they
 * hang.
 *
 * <p>One thread does all of that, from start to close: the server asks the kernel for its own death
 * when the thread that started it ends (PR_SET_PDEATHSIG), so it doesn't outlive us however we end.
 * Its workers end when their socket does, unless they hang just then. So whenever a server ends, is
 * given up or hangs, all processes are killed that have its socket in their environment, whoever
 * their parent is by then. Those that nobody is left to kill are killed by the next start ({@link
 * HelperFolder}).
 */
final class HelperProcess implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(HelperProcess.class.getName());
  private static final long BETWEEN_LOOKS = TimeUnit.MILLISECONDS.toNanos(100);

  /** A process that ends sooner twice in a row is started again only after a pause. */
  private static final long SOON = TimeUnit.SECONDS.toNanos(1);

  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long CLOSING = TimeUnit.SECONDS.toMillis(2);
  private static final int MOST_WORDS = 400;

  private final List<String> command;
  private final Path socket;
  private final Path modulePath;
  private final BooleanSupplier hangs;
  private final Thread thread;
  private volatile @Nullable Process process;
  private volatile String lastWords = "";
  private volatile boolean closed;

  /**
   * @param socket where it listens
   * @param modulePath the library that it runs, for people
   * @param hangs whether a worker takes longer than it may
   */
  HelperProcess(List<String> command, Path socket, Path modulePath, BooleanSupplier hangs) {
    this.command = command;
    this.socket = socket;
    this.modulePath = modulePath;
    this.hangs = hangs;
    this.thread = Thread.ofPlatform().daemon().name("pkcs11-helper").unstarted(this::supervise);
  }

  void start() {
    thread.start();
  }

  /** Whether it runs, and has made its socket. */
  boolean isThere() {
    Process now = process;
    return now != null && now.isAlive() && Files.exists(socket);
  }

  /** Whether it takes clients: there is a moment when its socket has a name and doesn't listen. */
  boolean listens() {
    if (!isThere()) {
      return false;
    }
    try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      return client.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  /** What the last one that ended had to say, for people; may be empty. */
  String lastWords() {
    return lastWords.isEmpty() ? "" : ": " + lastWords;
  }

  private void supervise() {
    boolean soonBefore = false;
    while (!closed) {
      long started = System.nanoTime();
      try {
        Files.deleteIfExists(socket);
        Process now = builder().start();
        process = now;
        try {
          attend(now);
        } finally {
          kill(now);
        }
      } catch (IOException e) {
        lastWords = String.valueOf(e.getMessage());
      } catch (InterruptedException e) {
        // Nobody but close() would do that.
        closed = true;
      }
      if (!closed) {
        LOG.log(
            System.Logger.Level.WARNING,
            "the helper process of {0} has ended, and is started again{1}",
            modulePath,
            lastWords());
        boolean soon = System.nanoTime() - started < SOON;
        if (soon && soonBefore) {
          LockSupport.parkNanos(PAUSE);
        }
        soonBefore = soon;
      }
    }
    Process last = process;
    if (last != null) {
      kill(last);
    }
  }

  private ProcessBuilder builder() {
    ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(Redirect.DISCARD);
    // They would make it talk of what passes through it.
    builder.environment().keySet().removeIf(name -> name.startsWith("P11_KIT_"));
    builder.environment().put(HelperFolder.VARIABLE, socket.toString());
    return builder;
  }

  /** Until it ends. */
  private void attend(Process now) throws IOException, InterruptedException {
    now.getOutputStream().close();
    Thread.ofPlatform().daemon().name("pkcs11-helper-words").start(() -> listen(now));
    boolean told = false;
    while (!now.waitFor(BETWEEN_LOOKS, TimeUnit.NANOSECONDS)) {
      if (closed) {
        kill(now);
      } else if (hangs.getAsBoolean()) {
        if (!told) {
          LOG.log(
              System.Logger.Level.WARNING,
              "the PKCS#11 library {0} hangs in a call: its process is killed",
              modulePath);
        }
        told = true;
        HelperFolder.killWorkers(socket, now.pid());
      } else {
        told = false;
      }
    }
  }

  /** Nobody may keep it from writing, and the last of it may say why it ended. */
  private void listen(Process now) {
    byte[] buffer = new byte[MOST_WORDS];
    try (InputStream errors = now.getErrorStream()) {
      for (int count = errors.read(buffer); count >= 0; count = errors.read(buffer)) {
        lastWords =
            new String(buffer, 0, count, StandardCharsets.UTF_8)
                .strip()
                .replaceAll("\\p{Cntrl}+", "; ");
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.log(System.Logger.Level.DEBUG, "a helper process was cut short: {0}", e.getMessage());
    }
  }

  private void kill(Process server) {
    server.destroyForcibly();
    // A worker that the server starts while we look is the next round's, or the next start's.
    HelperFolder.killWorkers(socket, HelperFolder.NONE);
  }

  @Override
  public void close() {
    closed = true;
    Process now = process;
    if (now != null) {
      kill(now);
    }
    try {
      thread.join(CLOSING);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
