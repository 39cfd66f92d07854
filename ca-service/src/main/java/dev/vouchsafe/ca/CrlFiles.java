package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/**
 * The folder {@code crl} beside the ledger: the last list of each authority, as it is served. What
 * is there is not believed before its signature was verified.
 */
final class CrlFiles {
  /** More than a million entries; larger ones are neither written nor read. */
  private static final long LARGEST = 64L * 1024 * 1024;

  private final Path folder;

  CrlFiles(Path directory) {
    this.folder = directory.resolve("crl");
  }

  private Path file(String authority) {
    return folder.resolve(authority + ".crl");
  }

  /** The list of that authority, if there is one. */
  Optional<byte[]> read(String authority) throws IOException {
    Path file = file(authority);
    try {
      if (Files.size(file) > LARGEST) {
        throw new IOException(file + " is larger than " + LARGEST + " octets");
      }
      return Optional.of(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Puts a list in the place of the one before it; when this returns, it survives a power cut. */
  void write(String authority, byte[] der) throws IOException {
    if (der.length > LARGEST) {
      // It would not be read either.
      throw new IOException(
          "the list has " + der.length + " octets, and " + LARGEST + " can be kept");
    }
    makeFolder();
    Path fresh = folder.resolve(authority + ".crl.new");
    try {
      writeSynced(fresh, der);
      Files.move(fresh, file(authority), StandardCopyOption.ATOMIC_MOVE);
    } finally {
      // On a full disk half a list would take room that others need.
      Files.deleteIfExists(fresh);
    }
    sync(folder);
  }

  private static void writeSynced(Path fresh, byte[] der) throws IOException {
    Files.deleteIfExists(fresh);
    try (FileChannel channel =
        FileChannel.open(fresh, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
      Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-------"));
      ByteBuffer octets = ByteBuffer.wrap(der);
      while (octets.hasRemaining()) {
        channel.write(octets);
      }
      channel.force(true);
    }
  }

  private void makeFolder() throws IOException {
    try {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Path parent = folder.toAbsolutePath().getParent();
      if (parent != null) {
        sync(parent);
      }
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw new IOException(folder + " is not a folder", e);
      }
    }
  }

  private static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
