package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The note in a store's folder that a token has refused the PIN of a file: so a service that is
 * started again and again by its supervisor doesn't try it again and again, until the token locks.
 *
 * <p>It tells which token and which version of the file, hashed, and nothing of the PIN.
 */
final class RefusedPinNote {
  static final String FILE = "pin.refused";

  private final Path file;
  private final SecureFiles files;
  private final boolean writes;

  private RefusedPinNote(Path directory, SecureFiles files, boolean writes) {
    this.file = directory.resolve(FILE);
    this.files = files;
    this.writes = writes;
  }

  static RefusedPinNote in(Path directory, SecureFiles files) {
    return new RefusedPinNote(directory, files, true);
  }

  /** One that is believed, and never changed. */
  static RefusedPinNote readOnly(Path directory, SecureFiles files) {
    return new RefusedPinNote(directory, files, false);
  }

  /** Whether that token has refused what is in that version of the PIN's file. */
  boolean is(TokenInfo token, SecureFiles.Version version) throws KeyFault {
    try {
      return MessageDigest.isEqual(files.readOwn(file), text(token, version));
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      throw SecureFiles.fault("the note of a refused PIN can't be read", e);
    }
  }

  /** It has. */
  void keep(TokenInfo token, SecureFiles.Version version) {
    if (writes) {
      try {
        Files.deleteIfExists(file);
        files.writeNew(file, text(token, version));
      } catch (IOException e) {
        System.getLogger(RefusedPinNote.class.getName())
            .log(
                System.Logger.Level.WARNING,
                "{0} can't be written: after a restart the PIN is tried once more",
                file);
      }
    }
  }

  /** It has taken the PIN. */
  void remove() {
    if (writes) {
      SecureFiles.removeQuietly(file);
    }
  }

  private static byte[] text(TokenInfo token, SecureFiles.Version version) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest((token.serial() + '\0' + version.text()).getBytes(StandardCharsets.UTF_8));
      return ("vouchsafe-pin-refused 1 " + HexFormat.of().formatHex(digest) + "\n")
          .getBytes(StandardCharsets.US_ASCII);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }
}
