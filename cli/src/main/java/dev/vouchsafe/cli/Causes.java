package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Says in words what the file system meant: its exceptions often carry a bare path. */
final class Causes {
  private Causes() {}

  static String of(IOException e) {
    return switch (e) {
      case AccessDeniedException denied -> denied.getFile() + ": permission denied";
      case NoSuchFileException missing -> missing.getFile() + ": no such file or folder";
      case FileAlreadyExistsException exists -> exists.getFile() + ": exists already";
      case FileSystemException other when other.getReason() != null ->
          other.getFile() + ": " + other.getReason();
      case DirectoryNotEmptyException full -> full.getFile() + ": not empty";
      case NotDirectoryException file -> file.getFile() + ": not a folder";
      default -> text(e);
    };
  }

  /** Its message; its kind, where it has none. */
  static String text(Throwable e) {
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message;
  }
}
