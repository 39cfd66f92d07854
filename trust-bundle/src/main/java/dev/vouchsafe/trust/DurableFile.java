package dev.vouchsafe.trust;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;

/** A small file: read with a limit, written so that a power cut spares it. */
final class DurableFile {
  private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rw-r--r--");

  private final Path file;
  private final String temporary;

  DurableFile(Path file) {
    this.file = file.toAbsolutePath();
    this.temporary = "." + this.file.getFileName() + ".tmp-";
  }

  /**
   * @param most octets that are allowed; what is larger comes as one octet more than that
   * @throws IOException also if it is no regular file, or if others than its owner may change it
   */
  byte[] read(int most) throws IOException {
    PosixFileAttributes is =
        Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    if (!is.isRegularFile()) {
      throw new IOException(file + " is not a regular file");
    }
    if (is.permissions().contains(PosixFilePermission.GROUP_WRITE)
        || is.permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new IOException(file + " can be changed by other users: run chmod 644 " + file);
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      // One octet more than allowed, so that the parser sees that it is too large.
      ByteBuffer content = ByteBuffer.allocate((int) Math.min(most, is.size()) + 1);
      while (content.hasRemaining() && channel.read(content) >= 0) {
        // goes on until the end of the file or of the buffer
      }
      return Arrays.copyOf(content.array(), content.position());
    }
  }

  /**
   * @throws java.nio.file.FileAlreadyExistsException if the name is taken
   */
  void create(byte[] text) throws IOException {
    Path written = write(text);
    try {
      // Unlike a rename, a link never replaces what is there.
      Files.createLink(file, written);
    } finally {
      Files.deleteIfExists(written);
    }
    sync();
  }

  void replace(byte[] text) throws IOException {
    Path written = write(text);
    try {
      Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(written);
    }
    sync();
  }

  /** Removes it, so that it stays away after a power cut. */
  void delete() throws IOException {
    Files.deleteIfExists(file);
    sync();
  }

  /** Removes what an interrupted write left. */
  void sweep() throws IOException {
    try (DirectoryStream<Path> left =
        Files.newDirectoryStream(
            folder(), path -> path.getFileName().toString().startsWith(temporary))) {
      for (Path path : left) {
        Files.deleteIfExists(path);
      }
    }
  }

  private Path write(byte[] text) throws IOException {
    Path path = Files.createTempFile(folder(), temporary, "");
    boolean done = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      ByteBuffer rest = ByteBuffer.wrap(text);
      while (rest.hasRemaining()) {
        channel.write(rest);
      }
      Files.setPosixFilePermissions(path, MODE);
      channel.force(true);
      done = true;
      return path;
    } finally {
      if (!done) {
        Files.deleteIfExists(path);
      }
    }
  }

  private void sync() throws IOException {
    try (FileChannel channel = FileChannel.open(folder(), StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private Path folder() throws IOException {
    Path folder = file.getParent();
    if (folder == null) {
      throw new NotDirectoryException(file.toString());
    }
    return folder;
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
