package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder that a helper's socket is in, which only we can enter, and which tells the next
 * process what an earlier one that was killed has left: its socket, and workers that hang.
 *
 * <p>A file in it is locked as long as its process lives: the kernel ends that lock, however the
 * process ends, and wherever it counts its processes. Closing any channel of such a file ends the
 * lock as well, so those of this process are told by their name, and never opened a second time.
 */
final class HelperFolder implements AutoCloseable {
  /** In a helper's environment: its socket, which its workers have from it. */
  static final String VARIABLE = "VOUCHSAFE_PKCS11_HELPER";

  /** No process. */
  static final long NONE = -1;

  private static final System.Logger LOG = System.getLogger(HelperFolder.class.getName());
  private static final String PREFIX = "vouchsafe-pkcs11-";
  private static final String SOCKET = "socket";
  private static final String OWNER = "owner";
  private static final String OURS = PREFIX + ourName() + "-";

  private final Path folder;
  private final FileChannel owner;

  private HelperFolder(Path folder, FileChannel owner) {
    this.folder = folder;
    this.owner = owner;
  }

  /** A process id comes again; together with its start it doesn't. */
  private static String ourName() {
    ProcessHandle us = ProcessHandle.current();
    return us.pid() + "-" + us.info().startInstant().map(start -> start.toEpochMilli()).orElse(0L);
  }

  /** Makes one, after what is left of processes that have ended was removed. */
  static HelperFolder make(SecureFiles files) throws IOException {
    Path all = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
    sweep(all, files);
    Path folder =
        Files.createTempDirectory(
            all,
            OURS,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    FileChannel owner =
        FileChannel.open(
            folder.resolve(OWNER), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      if (owner.tryLock() == null) {
        throw new IOException(folder + " is taken for one that was left");
      }
      locked = true;
      return new HelperFolder(folder, owner);
    } finally {
      if (!locked) {
        owner.close();
      }
    }
  }

  /** Where the helper listens. */
  Path socket() {
    return folder.resolve(SOCKET);
  }

  private static void sweep(Path all, SecureFiles files) throws IOException {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(all, PREFIX + "*")) {
      for (Path folder : left) {
        if (!Objects.toString(folder.getFileName(), "").startsWith(OURS)) {
          removeIfLeft(folder, files);
        }
      }
    }
  }

  private static void removeIfLeft(Path folder, SecureFiles files) {
    try {
      // Whoever makes such a folder for others doesn't tell us what to kill.
      files.checkFolder(folder);
      try (FileChannel owner = FileChannel.open(folder.resolve(OWNER), StandardOpenOption.WRITE);
          @Nullable FileLock lock = owner.tryLock()) {
        if (lock != null) {
          killWorkers(folder.resolve(SOCKET), NONE);
          remove(folder);
        }
      }
    } catch (IOException | KeyFault e) {
      LOG.log(System.Logger.Level.DEBUG, "{0} is left as it is: {1}", folder, e.getMessage());
    }
  }

  /**
   * Kills the processes that have that socket in their environment.
   *
   * @param server the one that isn't, or {@link #NONE}
   */
  static void killWorkers(Path socket, long server) {
    try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
      all.filter(process -> process.pid() != server && isOf(process, socket))
          .forEach(ProcessHandle::destroyForcibly);
    }
  }

  private static boolean isOf(ProcessHandle process, Path socket) {
    try {
      byte[] environment =
          Files.readAllBytes(Path.of("/proc", Long.toString(process.pid()), "environ"));
      return Arrays.asList(new String(environment, StandardCharsets.UTF_8).split("\0", -1))
          .contains(VARIABLE + "=" + socket);
    } catch (IOException e) {
      // It has ended, or is somebody else's.
      return false;
    }
  }

  private static void remove(Path folder) {
    for (String name : new String[] {SOCKET, OWNER, ""}) {
      SecureFiles.removeQuietly(folder.resolve(name));
    }
  }

  @Override
  public void close() {
    remove(folder);
    try {
      owner.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "a lock can''t be closed: {0}", e.getMessage());
    }
  }
}
