package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Reads and writes files that hold secrets, and refuses those that somebody else could read or
 * could have written.
 */
final class SecureFiles {
  /** No file of ours comes near it; what is larger was not written by us. */
  static final int LARGEST = 64 * 1024;

  private static final String TEMPORARY = ".tmp-";
  private static final int GROUP_READ = 0040;
  private static final int OTHERS_WRITE = 0002;
  private static final int STICKY = 01000;
  private static final int GROUP_AND_OTHERS = 0077;
  private static final FileAttribute<Set<PosixFilePermission>> FILE_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final FileAttribute<Set<PosixFilePermission>> FOLDER_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final int us;
  private final SecureRandom random;

  /**
   * @param us the user id that, beside root, files may belong to
   */
  SecureFiles(int us, SecureRandom random) {
    this.us = us;
    this.random = random;
  }

  /** A folder of ours: it and all that is in it is for its owner only. */
  void checkFolder(Path folder) throws KeyFault, IOException {
    Status is = status(folder);
    if (!is.folder()) {
      throw new KeyFault.Failed(folder + " is not a folder");
    }
    checkAccess(folder, is, 0, "700");
  }

  /** Makes a folder with mode 0700, whose name is durable when this returns. */
  void makeFolder(Path folder) throws IOException {
    Files.createDirectory(folder, FOLDER_MODE);
    sync(parent(folder));
  }

  /**
   * A file whose code we run: only root and we may write it, and a group that its owner chose. The
   * same holds for each folder above it, or another file could be put in its place. A folder that
   * everybody may write will do if it is sticky, as /tmp is: there nobody can rename what isn't
   * his.
   *
   * @param file its real path, without symbolic links
   */
  void checkProgram(Path file) throws KeyFault.Failed, IOException {
    Status is = status(file);
    if (!is.file()) {
      throw new KeyFault.Failed(file + " is not a regular file");
    }
    checkAccess(file, is, ~OTHERS_WRITE, "o-w");
    for (Path above = file.getParent(); above != null; above = above.getParent()) {
      Status folder = status(above);
      checkAccess(above, folder, (folder.mode() & STICKY) != 0 ? ~0 : ~OTHERS_WRITE, "o-w");
    }
  }

  /** Reads a whole file that is for its owner only, and no symbolic link. */
  byte[] readOwn(Path file) throws KeyFault, IOException {
    return read(file, 0, "600");
  }

  /** Reads a whole file that its group may read as well; follows symbolic links. */
  byte[] readShared(Path file) throws KeyFault, IOException {
    return read(file.toRealPath(), GROUP_READ, "640");
  }

  /** Whether the group of a file may read it. */
  static boolean isShared(Path file) throws IOException {
    return (status(file.toRealPath()).mode() & GROUP_READ) != 0;
  }

  /** What tells a file that was written again from the one before. */
  record Version(Map<String, Object> attributes) {
    /** The same text for the same version. */
    String text() {
      return new TreeMap<>(attributes).toString();
    }
  }

  /** Of the file that a name means now, behind symbolic links. */
  static Version version(Path file) throws IOException {
    return new Version(
        Map.copyOf(Files.readAttributes(file, "unix:dev,ino,lastModifiedTime,size")));
  }

  private byte[] read(Path file, int alsoAllowed, String mode) throws KeyFault, IOException {
    Status before = status(file);
    if (!before.file()) {
      throw new KeyFault.Failed(file + " is not a regular file");
    }
    checkAccess(file, before, alsoAllowed, mode);
    byte[] content;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      content = readAll(channel, file);
    }
    // Java can't ask an open file who owns it: so the name must have meant the same file
    // throughout.
    if (!before.equals(status(file))) {
      throw new KeyFault.Failed(file + " was exchanged while it was read");
    }
    return content;
  }

  private static byte[] readAll(FileChannel channel, Path file) throws KeyFault, IOException {
    ByteBuffer buffer = ByteBuffer.allocate(LARGEST + 1);
    while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
      // goes on until the end of the file or of the buffer
    }
    try {
      if (!buffer.hasRemaining()) {
        throw new KeyFault.Failed(file + " is larger than " + LARGEST + " octets");
      }
      return Arrays.copyOf(buffer.array(), buffer.position());
    } finally {
      Arrays.fill(buffer.array(), (byte) 0);
    }
  }

  /**
   * Writes a new file with mode 0600. When this returns, the file and its name survive a power cut;
   * if it throws, the name is as it was.
   *
   * @throws FileAlreadyExistsException if the name is taken, also if somebody else takes it now
   */
  void writeNew(Path file, byte[] content) throws IOException {
    byte[] suffix = new byte[12];
    random.nextBytes(suffix);
    Path folder = parent(file);
    Path temporary = folder.resolve(TEMPORARY + HexFormat.of().formatHex(suffix));
    try {
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              FILE_MODE)) {
        ByteBuffer rest = ByteBuffer.wrap(content);
        while (rest.hasRemaining()) {
          channel.write(rest);
        }
        channel.force(true);
      }
      // Unlike a rename, a link never replaces what is there.
      Files.createLink(file, temporary);
    } finally {
      Files.deleteIfExists(temporary);
    }
    try {
      sync(folder);
    } catch (IOException e) {
      Files.deleteIfExists(file);
      throw e;
    }
  }

  /**
   * Removes what an interrupted {@link #writeNew} of that file left beside it: its other name, by
   * which a secret would stay when the file is removed. In a folder that is not ours alone, only
   * what is surely ours is touched.
   */
  void sweepBeside(Path file) throws IOException {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (DirectoryStream<Path> left = Files.newDirectoryStream(parent(file), TEMPORARY + "*")) {
      for (Path other : left) {
        if (!Files.isSymbolicLink(other) && Files.isSameFile(other, file)) {
          Files.deleteIfExists(other);
        }
      }
    }
  }

  /** Removes what an interrupted {@link #writeNew} left. */
  static void sweep(Path folder) throws IOException {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(folder, TEMPORARY + "*")) {
      for (Path file : left) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** What can't be removed now is named by the next attempt. */
  static void removeQuietly(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      System.getLogger(SecureFiles.class.getName())
          .log(System.Logger.Level.WARNING, "{0} is left over and can't be removed", path);
    }
  }

  static void sync(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  static Path parent(Path path) throws IOException {
    Path parent = path.toAbsolutePath().getParent();
    if (parent == null) {
      throw new NotDirectoryException(path.toString());
    }
    return parent;
  }

  /** What a person can mend is failed, what may pass is unavailable; both name the file. */
  static KeyFault fault(String what, IOException e) {
    return switch (e) {
      case NoSuchFileException x ->
          new KeyFault.Failed(what + ": " + x.getFile() + " does not exist", e);
      case FileAlreadyExistsException x ->
          new KeyFault.Failed(what + ": " + x.getFile() + " exists already", e);
      case AccessDeniedException x ->
          new KeyFault.Failed(what + ": no permission for " + x.getFile(), e);
      default -> new KeyFault.Unavailable(what + ": " + e.getMessage(), e);
    };
  }

  /** What a name means now, without following a symbolic link. */
  private record Status(
      int owner, int mode, boolean folder, boolean file, long device, long inode) {}

  private static Status status(Path path) throws IOException {
    Map<String, Object> is =
        Files.readAttributes(
            path, "unix:uid,mode,isDirectory,isRegularFile,dev,ino", LinkOption.NOFOLLOW_LINKS);
    if (is.get("uid") instanceof Integer owner
        && is.get("mode") instanceof Integer mode
        && is.get("isDirectory") instanceof Boolean folder
        && is.get("isRegularFile") instanceof Boolean file
        && is.get("dev") instanceof Long device
        && is.get("ino") instanceof Long inode) {
      return new Status(owner, mode, folder, file, device, inode);
    }
    throw new IOException(path + " is on a file system that does not tell owner and mode");
  }

  private void checkAccess(Path path, Status is, int alsoAllowed, String mode)
      throws KeyFault.Failed {
    if (is.owner() != us && is.owner() != 0) {
      throw new KeyFault.Failed(
          path + " belongs to user " + is.owner() + ": run chown " + us + " " + path);
    }
    if ((is.mode() & GROUP_AND_OTHERS & ~alsoAllowed) != 0) {
      throw new KeyFault.Failed(path + " is open to other users: run chmod " + mode + " " + path);
    }
  }
}
