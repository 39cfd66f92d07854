package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The note in a store's folder of a PIN that a token has refused, or that is being tried: so a
 * service that is started again and again by its supervisor doesn't try a wrong one again and
 * again, until the token locks.
 *
 * <p>A refused PIN is told by a slow salted digest of it, and not by its file: the file of a
 * systemd credential, or of a container's secret, is a new one at every start. A PIN that is only
 * being tried may be right: so nothing of it is written, only that it is tried. If the process ends
 * before the answer, the next one tries once more, unless the token says that a wrong one was
 * tried; after that it counts as refused.
 */
final class RefusedPinNote {
  static final String FILE = "pin.refused";

  /** Of PBKDF2: a copy of the note must not tell a PIN that is nearly right. */
  private static final int ITERATIONS = 600_000;

  private static final int SALT = 16;
  private static final String REFUSED = "refused";
  private static final String TRYING = "trying";
  private static final String TRYING_AGAIN = "trying-again";
  private static final Pattern LINE =
      Pattern.compile("vouchsafe-pin 2 ([a-z-]{1,20}) ([0-9a-f]{32}) ([0-9a-f]{64})\\n");

  private final Path file;
  private final SecureFiles files;
  private final boolean writes;
  private byte @Nullable [] before;

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

  /** Where it is, for people: whoever removes it allows one more try. */
  Path file() {
    return file;
  }

  /**
   * A line.
   *
   * @param state what it says
   * @param salt in hexadecimal digits
   * @param digest the same, of the token and perhaps of a PIN
   */
  private record Entry(String state, String salt, String digest) {
    private static final String BEGINNING = "vouchsafe-pin 2";

    static @Nullable Entry parse(byte[] content) {
      Matcher line = LINE.matcher(new String(content, StandardCharsets.US_ASCII));
      return line.matches() ? new Entry(line.group(1), line.group(2), line.group(3)) : null;
    }

    byte[] encoded() {
      return String.join(" ", BEGINNING, state, salt, digest + "\n")
          .getBytes(StandardCharsets.US_ASCII);
    }

    boolean isRefused(TokenInfo token, SealSecret pin) {
      return state.equals(REFUSED) && digest.equals(digestOf(salt, token, pin));
    }

    boolean isOf(String wanted, TokenInfo token) {
      return state.equals(wanted) && digest.equals(digestOf(salt, token));
    }
  }

  /**
   * Whether that PIN must not be tried at that token.
   *
   * @return whether it was refused, by what this note says or by that of another store beside it;
   *     or was tried twice without an answer; or once, where the token has counted a wrong one
   */
  boolean forbids(TokenInfo token, SealSecret pin) throws KeyFault {
    Entry own = read(file);
    if (own != null) {
      boolean cutOff = own.isOf(TRYING, token) && token.is(Ck.CKF_USER_PIN_COUNT_LOW);
      if (cutOff || own.isOf(TRYING_AGAIN, token) || own.isRefused(token, pin)) {
        return true;
      }
    }
    for (Path other : others()) {
      if (refuses(other, token, pin)) {
        return true;
      }
    }
    return false;
  }

  private @Nullable Entry read(Path note) throws KeyFault {
    try {
      return Entry.parse(files.readOwn(note));
    } catch (NoSuchFileException e) {
      return null;
    } catch (IOException e) {
      throw SecureFiles.fault("the note of a refused PIN can't be read", e);
    }
  }

  /** One that can't be read is for its own store to tell of. */
  private boolean refuses(Path other, TokenInfo token, SealSecret pin) {
    try {
      Entry said = read(other);
      return said != null && said.isRefused(token, pin);
    } catch (KeyFault e) {
      return false;
    }
  }

  /** Those of the stores beside this one, which may be in the same token. */
  private List<Path> others() {
    List<Path> others = new ArrayList<>();
    try {
      Path folder = SecureFiles.parent(file);
      try (DirectoryStream<Path> beside = Files.newDirectoryStream(SecureFiles.parent(folder))) {
        for (Path store : beside) {
          Path note = store.resolve(FILE);
          if (!store.equals(folder) && Files.isRegularFile(note)) {
            others.add(note);
          }
        }
      }
    } catch (IOException e) {
      System.getLogger(RefusedPinNote.class.getName())
          .log(System.Logger.Level.DEBUG, "no other store's note can be seen: {0}", e.getMessage());
    }
    return others;
  }

  /** A PIN is given to that token now; one of the others must follow. */
  void trying(TokenInfo token, SecureRandom random) throws KeyFault {
    if (!writes) {
      return;
    }
    Entry last = read(file);
    before = last == null ? null : last.encoded();
    boolean again = last != null && last.isOf(TRYING, token);
    String salt = salt(random);
    write(new Entry(again ? TRYING_AGAIN : TRYING, salt, digestOf(salt, token)).encoded());
  }

  /** The token has taken it: so it isn't refused any more, whichever store has noted that. */
  void taken(TokenInfo token, SealSecret pin) {
    if (writes) {
      SecureFiles.removeQuietly(file);
      for (Path other : others()) {
        if (refuses(other, token, pin)) {
          SecureFiles.removeQuietly(other);
        }
      }
    }
  }

  /** The token has refused it. */
  void refused(TokenInfo token, SealSecret pin, SecureRandom random) {
    if (writes) {
      String salt = salt(random);
      write(new Entry(REFUSED, salt, digestOf(salt, token, pin)).encoded());
    }
  }

  /** The token has said nothing of the PIN: so nothing more is known of it than before. */
  void notTried() {
    if (writes) {
      byte[] last = before;
      if (last == null) {
        SecureFiles.removeQuietly(file);
      } else {
        write(last);
      }
    }
  }

  private void write(byte[] content) {
    try {
      Files.deleteIfExists(file);
      files.writeNew(file, content);
    } catch (IOException e) {
      System.getLogger(RefusedPinNote.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "{0} can't be written: after a restart the PIN is tried once more",
              file);
    }
  }

  private static String salt(SecureRandom random) {
    byte[] salt = new byte[SALT];
    random.nextBytes(salt);
    return HexFormat.of().formatHex(salt);
  }

  private static String digestOf(String salt, TokenInfo token) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256")
                  .digest((salt + ' ' + token.serial()).getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }

  private static String digestOf(String salt, TokenInfo token, SealSecret pin) {
    byte[] both = (salt + ' ' + token.serial()).getBytes(StandardCharsets.UTF_8);
    return HexFormat.of().formatHex(pin.key(both, ITERATIONS));
  }
}
