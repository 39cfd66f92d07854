package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** The secret that a {@link SealSource} holds, until it is closed. */
final class SealSecret implements AutoCloseable {
  /** Octets of a generated secret. */
  static final int GENERATED = 32;

  private final byte[] octets;
  private final boolean random;

  private SealSecret(byte[] octets, boolean random) {
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
            passphrase(file, files.readShared(file));
      };
    } catch (IOException e) {
      throw SecureFiles.fault("the secret that seals the keys can't be read", e);
    }
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
    try {
      byte[] secret = Base64.getDecoder().decode(text);
      if (secret.length != GENERATED) {
        Arrays.fill(secret, (byte) 0);
        throw new KeyFault.Failed(file + " is not a generated seal file: it has another length");
      }
      return new SealSecret(secret, true);
    } catch (IllegalArgumentException e) {
      // Without the cause: its message shows a character of the secret.
      throw new KeyFault.Failed(file + " is not a generated seal file: it is not base64");
    } finally {
      Arrays.fill(content, (byte) 0);
      Arrays.fill(text, (byte) 0);
    }
  }

  private static SealSecret passphrase(Path file, byte[] content) throws KeyFault.Failed {
    byte[] line = withoutLineEnd(content);
    Arrays.fill(content, (byte) 0);
    String wrong = null;
    if (line.length == 0) {
      wrong = " is empty";
    } else {
      for (byte octet : line) {
        if (octet == '\n' || octet == '\r' || octet == 0) {
          wrong = " has more than one line, or is not text";
        }
      }
    }
    if (wrong != null) {
      Arrays.fill(line, (byte) 0);
      throw new KeyFault.Failed(file + wrong + ": a passphrase is one line of UTF-8");
    }
    return new SealSecret(line, false);
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

  /** Whether it is random octets, so that no slow derivation is needed. */
  boolean isRandom() {
    return random;
  }

  /** The key of a random secret is the secret itself. */
  byte[] key() {
    return octets.clone();
  }

  /**
   * The key of a passphrase, by PBKDF2-HMAC-SHA256 (RFC 8018 section 5.2).
   *
   * @throws CharacterCodingException if the passphrase is not UTF-8
   */
  byte[] key(byte[] salt, int iterations) throws CharacterCodingException {
    CharBuffer characters = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(octets));
    char[] text = new char[characters.remaining()];
    characters.get(text);
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
      Arrays.fill(characters.array(), '\0');
    }
  }

  /** Forgets it. */
  @Override
  public void close() {
    Arrays.fill(octets, (byte) 0);
  }
}
