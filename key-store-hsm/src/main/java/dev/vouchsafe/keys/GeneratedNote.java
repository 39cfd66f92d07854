package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Optional;

/**
 * The note in the folder of a store that is being made that a secret was generated for it, which
 * lies elsewhere. It is written before the secret and removed when the store is whole: so that what
 * a crash leaves can be cleared away, and nobody else's file is.
 */
final class GeneratedNote {
  private final Path note;
  private final SecureFiles files;

  /**
   * @param name of the note in the store's folder
   */
  GeneratedNote(Path directory, String name, SecureFiles files) {
    this.note = directory.resolve(name);
    this.files = files;
  }

  /** Whether a secret was generated, and the store was not made to the end. */
  boolean exists() {
    return Files.exists(note, LinkOption.NOFOLLOW_LINKS);
  }

  /**
   * Makes the secret, if it is one that is to be generated, and the note before it.
   *
   * @throws FileAlreadyExistsException if there is such a file already, which is left as it is
   */
  void generate(Optional<SealSource> source, SecureRandom random) throws IOException {
    if (!(source.orElse(null) instanceof SealSource.GeneratedFile secret)) {
      return;
    }
    if (Files.exists(secret.file(), LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(secret.file().toString());
    }
    files.writeNew(note, named(secret.file()));
    try {
      SealSecret.generate(secret.file(), files, random);
    } catch (FileAlreadyExistsException e) {
      Files.delete(note);
      throw e;
    }
  }

  private static byte[] named(Path file) {
    return file.toAbsolutePath().normalize().toString().getBytes(StandardCharsets.UTF_8);
  }

  /** The store is whole: the secret stays with it. */
  void done() throws IOException {
    Files.deleteIfExists(note);
  }

  /** Removes the secret of a store that was not made to the end, if the note is about that one. */
  void removeSecret(Optional<SealSource> source) throws IOException, KeyFault {
    if (!exists()) {
      return;
    }
    files.checkFolder(SecureFiles.parent(note));
    if (source.orElse(null) instanceof SealSource.GeneratedFile secret
        && Arrays.equals(files.readOwn(note), named(secret.file()))) {
      files.sweepBeside(secret.file());
      Files.deleteIfExists(secret.file());
    }
    Files.delete(note);
  }
}
