package dev.vouchsafe.audit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folder of a log. Each of its files is named after the number of its first line, so that the
 * order of the names is that of the lines.
 */
final class LogFolder {
  private static final Pattern SEGMENT = Pattern.compile("[0-8][0-9]{18}\\.jsonl");

  private static final Integer ROOT = 0;
  private static final int WRITABLE_BY_OTHERS = 022;

  private final Path folder;

  LogFolder(Path folder) {
    this.folder = folder;
  }

  Path path() {
    return folder;
  }

  /**
   * Makes the folder, for its owner only.
   *
   * @throws IOException also if somebody else put something there, or can: what is written there is
   *     worth no more than the folder
   */
  void make() throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Path parent = folder.toAbsolutePath().getParent();
      if (parent != null) {
        sync(parent);
      }
    }
    requireOurs();
  }

  private void requireOurs() throws IOException {
    Map<String, Object> found =
        Files.readAttributes(folder, "unix:isDirectory,uid,mode", LinkOption.NOFOLLOW_LINKS);
    if (!Boolean.TRUE.equals(found.get("isDirectory"))) {
      throw new IOException(folder + " is not a folder");
    }
    Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    Object owner = found.get("uid");
    if (!self.equals(owner) && !ROOT.equals(owner)) {
      throw new IOException(folder + " belongs to user " + owner + ", not to the service's");
    }
    if (found.get("mode") instanceof Integer mode && (mode & WRITABLE_BY_OTHERS) != 0) {
      throw new IOException(folder + " can be written by others than its owner");
    }
  }

  /** The log's files, the oldest first. */
  List<Path> segments() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> SEGMENT.matcher(file.getFileName().toString()).matches())
          .sorted()
          .toList();
    }
  }

  /** The file whose first line has that number. */
  Path segment(long first) {
    return folder.resolve("%019d.jsonl".formatted(first));
  }

  /** The number that the name of a file gives to its first line. */
  static long firstOf(Path segment) {
    return Long.parseLong(segment.getFileName().toString().substring(0, 19));
  }

  /** Makes a new, empty file that survives a power cut. */
  FileChannel create(Path segment) throws IOException {
    FileChannel channel =
        FileChannel.open(
            segment,
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    sync(folder);
    return channel;
  }

  /** Writes a small file whole. */
  void put(String name, String content) throws IOException {
    Path fresh = folder.resolve("." + name + ".new");
    Files.deleteIfExists(fresh);
    try (FileChannel channel =
        FileChannel.open(fresh, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
      Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-r--r--"));
      ByteBuffer octets = ByteBuffer.wrap(content.getBytes(StandardCharsets.US_ASCII));
      while (octets.hasRemaining()) {
        channel.write(octets);
      }
      channel.force(true);
    }
    Files.move(fresh, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    sync(folder);
  }

  void remove(List<Path> segments) throws IOException {
    for (Path segment : segments) {
      Files.deleteIfExists(segment);
    }
    sync(folder);
  }

  private static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
