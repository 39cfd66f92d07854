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

/** The file that holds the bundle: read with a limit, written so that a power cut spares it. */
final class BundleFile {
  private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rw-r--r--");

  private final Path file;
  private final String temporary;

  BundleFile(Path file) {
    this.file = file.toAbsolutePath();
    this.temporary = "." + this.file.getFileName() + ".tmp-";
  }

  BundleDocument read() throws IOException {
    PosixFileAttributes is =
        Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    if (!is.isRegularFile()) {
      throw new IOException(file + " is not a regular file");
    }
    if (is.permissions().contains(PosixFilePermission.GROUP_WRITE)
        || is.permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new IOException(file + " can be changed by other users: run chmod 644 " + file);
    }
    try {
      return BundleDocument.parse(content());
    } catch (IOException e) {
      throw new IOException(
          "the trust bundle " + file + " is damaged or of another version: " + e.getMessage(), e);
    }
  }

  private byte[] content() throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      // One octet more than allowed, so that the parser sees that it is too large.
      ByteBuffer content = ByteBuffer.allocate(BundleDocument.LARGEST + 1);
      while (content.hasRemaining() && channel.read(content) >= 0) {
        // goes on until the end of the file or of the buffer
      }
      return Arrays.copyOf(content.array(), content.position());
    }
  }

  /**
   * @throws java.nio.file.FileAlreadyExistsException if the name is taken
   */
  void create(BundleDocument document) throws IOException {
    Path written = write(document);
    try {
      // Unlike a rename, a link never replaces what is there.
      Files.createLink(file, written);
    } finally {
      Files.deleteIfExists(written);
    }
    sync();
  }

  void replace(BundleDocument document) throws IOException {
    Path written = write(document);
    try {
      Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(written);
    }
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

  private Path write(BundleDocument document) throws IOException {
    byte[] text = document.encoded();
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
}
