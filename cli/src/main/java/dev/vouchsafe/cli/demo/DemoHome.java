package dev.vouchsafe.cli.demo;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * The throw-away home, and every process that was started for it. Closing ends the processes and
 * deletes the folder, whatever happened before.
 */
final class DemoHome implements AutoCloseable {
  private static final Pattern HTTPS_LINE = Pattern.compile("(?m)^#? *https *=.*$");
  private static final Pattern LISTEN_TABLE = Pattern.compile("(?m)^\\[listen]$");
  private static final String ANY_PORT = "https = \"127.0.0.1:0\"";

  private final Path folder;
  private final boolean keep;
  private final Deque<Process> processes = new ArrayDeque<>();

  private DemoHome(Path folder, boolean keep) {
    this.folder = folder;
    this.keep = keep;
  }

  /**
   * Makes the folder, open to nobody else, with a short path: a socket's path has at most 107
   * octets.
   *
   * @param keep whether closing leaves the folder
   */
  static DemoHome make(boolean keep) throws IOException {
    Path folder =
        Files.createTempDirectory(
            "vouchsafe-demo-",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    return new DemoHome(folder, keep);
  }

  Path home() {
    return folder.resolve("home");
  }

  Path scratch() {
    return folder;
  }

  /**
   * Lets the https listener take any free port of the loopback interface, so that nothing else is
   * in the way.
   */
  void anyHttpsPort() throws IOException {
    Path file = home().resolve("vouchsafe.toml");
    String text = Files.readString(file);
    String changed = HTTPS_LINE.matcher(text).replaceFirst(ANY_PORT);
    if (changed.equals(text)) {
      changed = LISTEN_TABLE.matcher(text).replaceFirst("[listen]\n" + ANY_PORT);
    }
    if (changed.equals(text)) {
      changed = text + "\n[listen]\n" + ANY_PORT + "\n";
    }
    Files.writeString(file, changed);
  }

  /** Ends that process when this is closed. */
  synchronized Process adopt(Process process) {
    processes.push(process);
    return process;
  }

  /** Asks a process to end and waits for it; returns its status, or -1 if it had to be killed. */
  static int end(Process process) {
    process.destroy();
    try {
      if (process.waitFor(15, TimeUnit.SECONDS)) {
        return process.exitValue();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.destroyForcibly();
    return -1;
  }

  @Override
  public synchronized void close() throws IOException {
    while (!processes.isEmpty()) {
      end(processes.pop());
    }
    if (!keep && Files.exists(folder)) {
      delete(folder);
    }
  }

  private static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          @SuppressWarnings("NullAway") // the exception is null when the folder was walked whole
          public FileVisitResult postVisitDirectory(Path dir, IOException failure)
              throws IOException {
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
