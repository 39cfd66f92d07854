package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Files and folders that are there, whole, after a power cut. */
final class DurableFiles {
  private DurableFiles() {}

  /**
   * Writes a file whole: a temporary file in the same folder, synced and renamed into place.
   *
   * @param mode such as {@code rw-r--r--}; the umask takes nothing from it
   */
  static void write(Path file, byte[] content, String mode) throws IOException {
    Path folder = Home.parent(file.toAbsolutePath());
    Path temporary = folder.resolve("." + file.getFileName() + "." + UUID.randomUUID());
    try {
      create(temporary, content, mode);
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
    sync(folder);
  }

  /** Makes a new file and syncs it; its folder is the caller's to sync. */
  static void create(Path file, byte[] content, String mode) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      ByteBuffer buffer = ByteBuffer.wrap(content);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
      channel.force(true);
    }
  }

  /** Makes a folder of that mode, with the folders above it, unless it is there already. */
  static void folder(Path folder, String mode) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Path parent = Home.parent(folder);
    folder(parent, "rwxr-xr-x");
    Files.createDirectory(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(mode));
    sync(parent);
  }

  /** Syncs one file or folder. */
  static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Syncs every file and folder below, and the folder itself. */
  static void syncTree(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            sync(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            sync(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Deletes a folder with all that is in it, following no link. Nothing there is fine. */
  static void deleteTree(Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      Files.deleteIfExists(folder);
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
