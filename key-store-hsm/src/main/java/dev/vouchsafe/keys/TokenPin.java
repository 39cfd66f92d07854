package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Logs in with the PIN that a file holds, and never twice with one that was refused: a token counts
 * wrong PINs and locks.
 *
 * <p>The PIN is in memory only while it is tried. Of a wrong one a digest is kept with the token's
 * serial number, under a random key that is nowhere else: another PIN in the file, or another
 * token, is tried. So is the same PIN once more when the file was written again: whoever does that
 * has a reason, such as a PIN that was set in the token meanwhile. A note in the store's folder
 * tells the next process of it, which doesn't try it, since its file may be a new one at every
 * start. What a token says of its PIN and not of ours (locked, expired, not set) is not kept: its
 * flags are read before each login.
 */
final class TokenPin {
  private final Path file;
  private final SecureFiles files;
  private final SecureRandom random;
  private final SecretKeySpec key;
  private final @Nullable RefusedPinNote note;
  private @Nullable Refused refused;

  /** A wrong PIN, and the file as it was then. */
  private static final class Refused {
    private final byte[] digest;
    private final SecureFiles.Version file;

    Refused(byte[] digest, SecureFiles.Version file) {
      this.digest = digest;
      this.file = file;
    }

    boolean isOf(byte[] other) {
      return MessageDigest.isEqual(digest, other);
    }
  }

  /**
   * @param note what is known of earlier processes, where there were any
   */
  TokenPin(Path file, SecureFiles files, SecureRandom random, @Nullable RefusedPinNote note) {
    this.file = file;
    this.files = files;
    this.note = note;
    this.random = random;
    byte[] octets = new byte[32];
    random.nextBytes(octets);
    this.key = new SecretKeySpec(octets, "HmacSHA256");
    Arrays.fill(octets, (byte) 0);
  }

  /**
   * Logs the user in once.
   *
   * @return whether the token has taken the PIN; if not, somebody else of this process had logged
   *     in before, and it wasn't looked at
   * @throws KeyFault.Failed if the PIN can't be read, isn't taken, or wasn't before
   */
  synchronized boolean login(CryptokiSession session, TokenInfo token)
      throws KeyFault, CryptokiException {
    // Before it is read: a file that is written meanwhile is another one at the next look.
    SecureFiles.Version version = version();
    try (SealSecret secret = SealSecret.readPin(file, files)) {
      byte[] pin = secret.key();
      try {
        byte[] digest = digest(token, pin);
        Refused now = new Refused(digest, version);
        if (isRefused(token, secret, now)) {
          throw new KeyFault.Failed(
              refusal(token) + ", or not answered, and is not tried a second time: " + remedy());
        }
        return login(session, token, secret, pin, now);
      } finally {
        Arrays.fill(pin, (byte) 0);
      }
    }
  }

  private boolean isRefused(TokenInfo token, SealSecret secret, Refused now) throws KeyFault {
    Refused last = refused;
    if (last != null && last.isOf(now.digest)) {
      return last.file.equals(now.file);
    }
    if (note == null || !note.forbids(token, secret)) {
      return false;
    }
    refused = now;
    return true;
  }

  private String remedy() {
    return "correct the file; if the token has that PIN now, write the file again while the service"
        + " runs"
        + (note == null ? "" : ", or remove " + note.file());
  }

  private boolean login(
      CryptokiSession session, TokenInfo token, SealSecret secret, byte[] pin, Refused ifWrong)
      throws KeyFault, CryptokiException {
    if (note != null) {
      note.trying(token, random);
    }
    try {
      session.login(pin);
    } catch (CryptokiException e) {
      noted(token, secret, isWrong(e));
      if (e.kind() == Ckr.Kind.PIN) {
        refused = isWrong(e) ? ifWrong : null;
        throw new KeyFault.Failed(refusal(token) + ": " + e.getMessage(), e);
      }
      // Another store of this process has logged in before, which counts for all of it.
      if (!e.is(Ckr.USER_ALREADY_LOGGED_IN)) {
        throw e;
      }
      return false;
    }
    refused = null;
    if (note != null) {
      note.taken(token, secret);
    }
    return true;
  }

  private void noted(TokenInfo token, SealSecret secret, boolean wrong) {
    if (note != null && wrong) {
      note.refused(token, secret, random);
    } else if (note != null) {
      note.notTried();
    }
  }

  private SecureFiles.Version version() throws KeyFault {
    try {
      return SecureFiles.version(file);
    } catch (IOException e) {
      throw SecureFiles.fault("pin-source can't be read", e);
    }
  }

  private static boolean isWrong(CryptokiException e) {
    return e.is(Ckr.PIN_INCORRECT) || e.is(Ckr.PIN_INVALID) || e.is(Ckr.PIN_LEN_RANGE);
  }

  private String refusal(TokenInfo token) {
    return "the PIN in pin-source " + file + " was refused by token " + token.named();
  }

  private byte[] digest(TokenInfo token, byte[] pin) {
    try {
      Mac mac = Mac.getInstance(key.getAlgorithm());
      mac.init(key);
      mac.update((token.serial() + '\0').getBytes(StandardCharsets.UTF_8));
      return mac.doFinal(pin);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime has no HMAC-SHA256", e);
    }
  }
}
