package dev.vouchsafe.audit;

import java.io.IOException;
import java.io.UncheckedIOException;
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

  private static final Pattern COPY = Pattern.compile("[0-8][0-9]{18}\\.jsonl\\.[0-9]+\\.torn");

  /** More than a group of entries takes. */
  private static final long MOST_KEPT = 64L * 1024 * 1024;

  /** What a file system may need for a file besides what is in it. */
  private static final long SPARE = 64L * 1024;

  private static final Integer ROOT = 0;
  private static final int WRITABLE_BY_OTHERS = 022;

  private final Path folder;
  private final Sync sync;

  LogFolder(Path folder) {
    this(folder, LogFolder::sync);
  }

  LogFolder(Path folder, Sync sync) {
    this.folder = folder;
    this.sync = sync;
  }

  /** Has the names in a folder survive a power cut. */
  interface Sync {
    void of(Path folder) throws IOException;
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
        sync.of(parent);
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
      return named(files, SEGMENT);
    }
  }

  /** The copies of {@link #keepAside}, by the files that they are of, the oldest first. */
  List<Path> copies() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return named(files, COPY);
    }
  }

  /**
   * Those whose name is like that.
   *
   * @throws IOException also what the stream, which reads the folder as it goes, has no way to say
   */
  static List<Path> named(Stream<Path> files, Pattern name) throws IOException {
    try {
      return files
          .filter(file -> name.matcher(file.getFileName().toString()).matches())
          .sorted()
          .toList();
    } catch (UncheckedIOException e) {
      throw new IOException("a folder can't be read: " + e.getMessage(), e);
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

  /** Makes a new, empty file; {@link #sync} has it survive a power cut. */
  FileChannel create(Path file) throws IOException {
    return FileChannel.open(
        file,
        Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  /** Has what files there are, and aren't, survive a power cut. */
  void sync() throws IOException {
    sync.of(folder);
  }

  /** Where what stood behind a place in a file is kept. */
  Path aside(Path segment, long from) {
    return folder.resolve(segment.getFileName() + "." + from + ".torn");
  }

  /**
   * Copies what stands behind a place in a file, as far as it isn't beyond all measure.
   *
   * @return false if there is no space for it: the log must not wait for that
   */
  boolean keepAside(Path segment, long from) throws IOException {
    Path aside = aside(segment, from);
    Path fresh = folder.resolve("." + aside.getFileName() + ".new");
    Files.deleteIfExists(fresh);
    try {
      copy(segment, from, fresh);
    } catch (IOException e) {
      Files.deleteIfExists(fresh);
      long needed = Math.min(Files.size(segment) - from, MOST_KEPT) + SPARE;
      // Whatever else is wrong may pass, and the copy be made then.
      if (Files.getFileStore(folder).getUsableSpace() >= needed) {
        throw e;
      }
      return false;
    }
    Files.move(fresh, aside, StandardCopyOption.ATOMIC_MOVE);
    sync();
    return true;
  }

  private void copy(Path segment, long from, Path fresh) throws IOException {
    try (FileChannel source =
            FileChannel.open(segment, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
        FileChannel copy = create(fresh)) {
      long left = Math.min(source.size() - from, MOST_KEPT);
      long at = from;
      while (left > 0) {
        long copied = source.transferTo(at, left, copy);
        if (copied <= 0) {
          throw new IOException(segment + " became shorter");
        }
        at += copied;
        left -= copied;
      }
      copy.force(true);
    }
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
    sync();
  }

  void remove(List<Path> segments) throws IOException {
    for (Path segment : segments) {
      Files.deleteIfExists(segment);
    }
    sync();
  }

  private static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
