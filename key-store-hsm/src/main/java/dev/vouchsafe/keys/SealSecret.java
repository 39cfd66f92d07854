package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** The secret that a {@link SealSource} or a token's PIN file holds, until it is closed. */
final class SealSecret implements AutoCloseable {
  /** Octets of a generated secret. */
  static final int GENERATED = 32;

  /** Characters of a good passphrase (NIST SP 800-63B-4 section 3.1.1.2). */
  static final int LONG_ENOUGH = 15;

  /** Octets; tokens take less, and few more than 64. */
  static final int LONGEST_PIN = 256;

  private final Path file;
  private final byte[] octets;
  private final boolean random;

  private SealSecret(Path file, byte[] octets, boolean random) {
    this.file = file;
    this.octets = octets;
    this.random = random;
  }

  /** The file that the secret is read from. */
  static Path file(SealSource source) throws KeyFault.Failed {
    return switch (source) {
      case SealSource.PassphraseFile passphrase -> passphrase.file();
      case SealSource.GeneratedFile generated -> generated.file();
      case SealSource.SystemdCredential credential -> {
        Path name = Path.of(credential.name());
        if (name.getNameCount() != 1 || name.isAbsolute() || name.toString().startsWith(".")) {
          throw new KeyFault.Failed(
              "the name of a systemd credential is a plain file name, not " + credential.name());
        }
        yield credential.directory().resolve(name);
      }
    };
  }

  /** Reads it; a {@link SealSource.GeneratedFile} must be there already. */
  static SealSecret read(SealSource source, SecureFiles files) throws KeyFault {
    Path file = file(source);
    try {
      return switch (source) {
        case SealSource.GeneratedFile _ -> generated(file, files.readOwn(file));
        case SealSource.PassphraseFile _, SealSource.SystemdCredential _ ->
            line(file, files.readShared(file), "passphrase");
      };
    } catch (IOException e) {
      throw SecureFiles.fault("the secret that seals the keys can't be read", e);
    }
  }

  /** Reads the PIN of a token, from a file that is like a passphrase's. */
  static SealSecret readPin(Path file, SecureFiles files) throws KeyFault {
    SealSecret pin;
    try {
      pin = line(file, files.readShared(file), "PIN");
    } catch (IOException e) {
      throw SecureFiles.fault("pin-source can't be read", e);
    } catch (KeyFault.Failed e) {
      throw new KeyFault.Failed("pin-source: " + e.getMessage(), e);
    }
    if (pin.octets.length > LONGEST_PIN) {
      pin.close();
      throw new KeyFault.Failed(
          "pin-source: " + file + " holds more than the " + LONGEST_PIN + " octets of a PIN");
    }
    return pin;
  }

  /** Makes the file of a {@link SealSource.GeneratedFile}: 32 random octets in base64. */
  static void generate(Path file, SecureFiles files, SecureRandom random) throws IOException {
    byte[] secret = new byte[GENERATED];
    random.nextBytes(secret);
    byte[] text = Base64.getEncoder().encode(secret);
    try {
      files.writeNew(file, text);
    } finally {
      Arrays.fill(secret, (byte) 0);
      Arrays.fill(text, (byte) 0);
    }
  }

  private static SealSecret generated(Path file, byte[] content) throws KeyFault.Failed {
    byte[] text = withoutLineEnd(content);
    byte[] secret = new byte[0];
    try {
      secret = Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      // Judged below, and not passed on: its message shows a character of the secret.
    }
    byte[] again = Base64.getEncoder().encode(secret);
    boolean good = secret.length == GENERATED && MessageDigest.isEqual(again, text);
    Arrays.fill(content, (byte) 0);
    Arrays.fill(text, (byte) 0);
    Arrays.fill(again, (byte) 0);
    if (!good) {
      Arrays.fill(secret, (byte) 0);
      throw new KeyFault.Failed(
          file + " is damaged, or no generated seal file: that holds 32 octets in base64");
    }
    return new SealSecret(file, secret, true);
  }

  private static SealSecret line(Path file, byte[] content, String what) throws KeyFault.Failed {
    byte[] line = withoutLineEnd(content);
    Arrays.fill(content, (byte) 0);
    if (!isOneLine(line)) {
      Arrays.fill(line, (byte) 0);
      throw new KeyFault.Failed(file + " holds no " + what + ": that is one line of UTF-8 text");
    }
    return new SealSecret(file, line, false);
  }

  private static boolean isOneLine(byte[] line) {
    for (byte octet : line) {
      if (octet == '\n' || octet == '\r' || octet == 0) {
        return false;
      }
    }
    try {
      char[] text = characters(line);
      Arrays.fill(text, '\0');
      return text.length > 0;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  private static char[] characters(byte[] utf8) throws CharacterCodingException {
    CharBuffer decoded = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8));
    char[] text = new char[decoded.remaining()];
    decoded.get(text);
    Arrays.fill(decoded.array(), '\0');
    return text;
  }

  private static byte[] withoutLineEnd(byte[] content) {
    int end = content.length;
    if (end > 0 && content[end - 1] == '\n') {
      end--;
      if (end > 0 && content[end - 1] == '\r') {
        end--;
      }
    }
    return Arrays.copyOf(content, end);
  }

  /** Where it came from. */
  Path file() {
    return file;
  }

  /** Whether it is a passphrase that could be guessed. */
  boolean isShort() {
    if (random) {
      return false;
    }
    char[] text = text();
    Arrays.fill(text, '\0');
    return text.length < LONG_ENOUGH;
  }

  /** Whether it is random octets, so that no slow derivation is needed. */
  boolean isRandom() {
    return random;
  }

  /** The secret itself: the key of a random secret, or a PIN. */
  byte[] key() {
    return octets.clone();
  }

  /** The key of a passphrase, by PBKDF2-HMAC-SHA256 (RFC 8018 section 5.2). */
  byte[] key(byte[] salt, int iterations) {
    char[] text = text();
    PBEKeySpec specification = new PBEKeySpec(text, salt, iterations, 256);
    try {
      return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
          .generateSecret(specification)
          .getEncoded();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime has no PBKDF2-HMAC-SHA256", e);
    } finally {
      specification.clearPassword();
      Arrays.fill(text, '\0');
    }
  }

  private char[] text() {
    try {
      return characters(octets);
    } catch (CharacterCodingException e) {
      throw new IllegalStateException("a passphrase was kept that is not UTF-8", e);
    }
  }

  /** Forgets it. */
  @Override
  public void close() {
    Arrays.fill(octets, (byte) 0);
  }
}
