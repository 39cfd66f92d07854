package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a file that we obey can be written by us and root only. The folder is looked at too:
 * whoever can write that can put another file in place.
 */
final class FileTrust {
  private static final Path STATUS = Path.of("/proc/self/status");

  private FileTrust() {}

  /**
   * Throws unless root or our own user owns the file and its folder, and nobody else can write
   * either; of a link, both ends are looked at.
   */
  static void require(Path file) throws IOException, ConfigurationException {
    Path real = file.toRealPath();
    for (Path path : List.of(Home.parent(file), real, Home.parent(real))) {
      Optional<String> problem = problem(path);
      if (problem.isPresent()) {
        throw new ConfigurationException(problem.get());
      }
    }
  }

  /**
   * Throws unless root or our own user owns the folder, and nobody else can write it.
   *
   * @param what what the folder is for, to begin the message with
   */
  static void requireFolder(String what, Path folder) throws IOException, CommandFailure {
    Optional<String> problem = problem(folder);
    if (problem.isPresent()) {
      throw CommandFailure.failed(what + ": " + problem.get());
    }
  }

  /** What is wrong with that file's or folder's owner or mode, if anything is. */
  static Optional<String> problem(Path path) throws IOException {
    long owner = owner(path);
    long self = ownUser();
    if (owner != 0 && owner != self) {
      return Optional.of(
          path
              + " belongs to user "
              + owner
              + "; it must belong to root or to the user that runs this ("
              + self
              + "): chown it");
    }
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
    if (permissions.contains(PosixFilePermission.GROUP_WRITE)
        || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
      return Optional.of(path + " can be written by others than its owner: chmod go-w " + path);
    }
    return Optional.empty();
  }

  /** The user id that the file or folder belongs to. */
  static long owner(Path path) throws IOException {
    // Every Linux file system has this attribute; its type is that of the "unix" view.
    return Integer.toUnsignedLong((Integer) Files.getAttribute(path, "unix:uid"));
  }

  /**
   * Our effective user id. Not by the owner of {@code /proc/self}: that is root once the process
   * can't be dumped (proc_pid_status(5), prctl(2) PR_SET_DUMPABLE).
   */
  static long ownUser() throws IOException {
    for (String line : Files.readAllLines(STATUS, StandardCharsets.UTF_8)) {
      if (line.startsWith("Uid:")) {
        return Long.parseLong(List.of(line.split("\\s+", -1)).get(2));
      }
    }
    throw new IOException(STATUS + " has no line Uid:");
  }
}
