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

  JwksFile(Path folder) {
    this.folder = folder;
  }

  /** Whether the file has just that content. */
  boolean has(String content) throws IOException {
    try {
      Path file = folder.resolve(NAME);
      byte[] wanted = content.getBytes(StandardCharsets.UTF_8);
      return Files.size(file) == wanted.length && Arrays.equals(Files.readAllBytes(file), wanted);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** Replaces the file; when this returns, the new content survives a power cut. */
  void write(String content) throws IOException {
    Path fresh = folder.resolve(NAME + ".new");
    Files.deleteIfExists(fresh);
    try (FileChannel channel =
        FileChannel.open(fresh, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
      // Set and not only asked for at creation, where the umask would have a say.
      Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-r--r--"));
      ByteBuffer octets = ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8));
      while (octets.hasRemaining()) {
        channel.write(octets);
      }
      channel.force(true);
    }
    Files.move(fresh, folder.resolve(NAME), StandardCopyOption.ATOMIC_MOVE);
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
