package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;

/**
 * The file {@code jwks.json} beside the ledger, readable by all: with it tokens can be verified
 * without the service. It holds a key before that key signs for the first time.
 */
final class JwksFile {
  static final String NAME = "jwks.json";

  private final Path folder;
  private final String name;

  JwksFile(Path folder) {
    this(folder, NAME);
  }

  /** Another file of the same kind. */
  JwksFile(Path folder, String name) {
    this.folder = folder;
    this.name = name;
  }

  /** Makes the file have just that content; when this returns, it survives a power cut. */
  void hold(String content) throws IOException {
    byte[] octets = content.getBytes(StandardCharsets.UTF_8);
    if (has(octets)) {
      // Whoever wrote it may have been killed before it was synced.
      sync(folder.resolve(name));
    } else {
      write(octets);
    }
    sync(folder);
  }

  private boolean has(byte[] wanted) throws IOException {
    try {
      Path file = folder.resolve(name);
      return Files.size(file) == wanted.length && Arrays.equals(Files.readAllBytes(file), wanted);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private void write(byte[] content) throws IOException {
    Path fresh = folder.resolve(name + ".new");
    Files.deleteIfExists(fresh);
    try (FileChannel channel =
        FileChannel.open(fresh, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
      // Set and not only asked for at creation, where the umask would have a say.
      Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-r--r--"));
      ByteBuffer octets = ByteBuffer.wrap(content);
      while (octets.hasRemaining()) {
        channel.write(octets);
      }
      channel.force(true);
    }
    Files.move(fresh, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
  }
}
