package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A TPM 2.0 in software (swtpm) with its state in a folder of a test, on a Unix socket, without a
 * resource manager. It ends with the test: {@link #close} kills it by its process.
 */
public final class Swtpm implements AutoCloseable {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final int END_SECONDS = 10;

  /** The path of a Unix socket has at most 107 octets. */
  private static final int LONGEST_PATH = 100;

  private final Path state;
  private final Path socket;
  private Process process;

  private Swtpm(Path state, Path socket) throws IOException {
    this.state = state;
    this.socket = socket;
    this.process = start();
  }

  /**
   * Starts one.
   *
   * @param folder with a short path; made if need be; a state that is there is used again
   */
  public static Swtpm in(Path folder) throws IOException {
    return in(folder, folder.resolve("state"));
  }

  /** Another one, with its state elsewhere, where a first one was that has ended. */
  static Swtpm in(Path folder, Path where) throws IOException {
    Path state = Files.createDirectories(where.toAbsolutePath());
    Path socket = folder.resolve("tpm.sock").toAbsolutePath();
    if (socket.toString().getBytes(UTF_8).length > LONGEST_PATH) {
      throw new IOException(socket + " is too long for a Unix socket");
    }
    return new Swtpm(state, socket);
  }

  /** What tpm2-tools reach it by. */
  public String tcti() {
    return "swtpm:path=" + socket;
  }

  private Process start() throws IOException {
    Path control = socket.resolveSibling(socket.getFileName() + ".ctrl");
    Files.deleteIfExists(socket);
    Files.deleteIfExists(control);
    Process started =
        new ProcessBuilder(
                "swtpm",
                "socket",
                "--tpm2",
                "--tpmstate",
                "dir=" + state,
                "--server",
                "type=unixio,path=" + socket,
                "--ctrl",
                "type=unixio,path=" + control,
                "--flags",
                "not-need-init,startup-clear")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (!answers(control) || !answers(socket)) {
      if (!started.isAlive() || System.nanoTime() - end > 0) {
        started.destroyForcibly();
        throw new IOException("swtpm does not start: is it installed? run ./test");
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
    return started;
  }

  private static boolean answers(Path socket) {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(socket));
    } catch (IOException e) {
      return false;
    }
  }

  /** Its process id. */
  public long pid() {
    return process.pid();
  }

  /** As a power cut does. */
  public void kill() {
    process.destroyForcibly().onExit().join();
  }

  /** After {@link #kill}: the same TPM, as after a start of its machine. */
  public void restart() throws IOException {
    process = start();
  }

  /** Stops it amid whatever it does: callers wait for ever. */
  public void freeze() throws IOException, InterruptedException {
    signal("-STOP");
  }

  /** After {@link #freeze}. */
  public void thaw() throws IOException, InterruptedException {
    signal("-CONT");
  }

  private void signal(String signal) throws IOException, InterruptedException {
    new ProcessBuilder("kill", signal, Long.toString(pid())).start().waitFor();
  }

  /** Locks it, as whoever tries wrong auth values at it does. */
  public void lockOut() throws IOException, InterruptedException {
    setLockout(1);
    String context = state.resolveSibling("guessed.ctx").toString();
    run("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc256", "-p", "right", "-c", context);
    run("tpm2_flushcontext", "-t");
    try {
      run("tpm2_create", "-Q", "-C", context, "-P", "wrong", "-G", "ecc256");
      throw new IllegalStateException("the TPM takes any auth value");
    } catch (IOException e) {
      run("tpm2_flushcontext", "-t");
    }
  }

  /** After {@link #lockOut}. */
  public void unlock() throws IOException, InterruptedException {
    setLockout(5);
    run("tpm2_dictionarylockout", "--clear-lockout");
  }

  private void setLockout(int tries) throws IOException, InterruptedException {
    run(
        "tpm2_dictionarylockout",
        "--setup-parameters",
        "--max-tries=" + tries,
        "--recovery-time=1000",
        "--lockout-recovery-time=1000");
  }

  /** What a program of tpm2-tools prints that is run on it; it must succeed. */
  public String run(String tool, String... arguments) throws IOException, InterruptedException {
    return run(Map.of(), tcti(), tool, arguments);
  }

  /** The same by another way to it. */
  public static String run(
      Map<String, String> environment, String tcti, String tool, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(tool, "-T", tcti));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process program = builder.start();
    try {
      program.getOutputStream().close();
      String output = new String(program.getInputStream().readAllBytes(), UTF_8);
      if (!program.waitFor(END_SECONDS, TimeUnit.SECONDS) || program.exitValue() != 0) {
        throw new IOException(tool + " failed: " + output);
      }
      return output;
    } finally {
      program.destroyForcibly();
    }
  }

  @Override
  public void close() {
    kill();
  }
}
