package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Authenticated encryption of a module's data: {@code 0x03 | salt (16) | ciphertext | tag (16)}.
 *
 * <p>AES-256-GCM (NIST SP 800-38D) under a key of its own for each box, which HKDF-SHA256 (RFC
 * 5869) makes of the module's data key, the random salt, and the info {@code vouchsafe module data
 * 3}. So the nonce, which is all zeros, never meets a key twice, and the IV that callers choose,
 * which they may repeat, is only authenticated: the AAD is module name, generation id and IV, each
 * behind its length in 4 octets, big-endian.
 */
final class DataBox {
  static final int OVERHEAD = 1 + 16 + 16;

  private static final byte VERSION = 3;
  private static final byte[] INFO = "vouchsafe module data 3".getBytes(StandardCharsets.US_ASCII);
  private static final int SALT = 16;
  private static final int KEY = 32;
  private static final int NONCE = 12;
  private static final int TAG_BITS = 128;

  private final SecureRandom random = new SecureRandom();

  byte[] seal(SecretKeySpec key, byte[] bound, byte[] plaintext) {
    byte[] salt = new byte[SALT];
    random.nextBytes(salt);
    try {
      Cipher cipher = cipher(Cipher.ENCRYPT_MODE, key, salt, bound);
      byte[] box = new byte[OVERHEAD + plaintext.length];
      box[0] = VERSION;
      System.arraycopy(salt, 0, box, 1, SALT);
      cipher.doFinal(plaintext, 0, plaintext.length, box, 1 + SALT);
      return box;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime can't encrypt with AES-256-GCM", e);
    }
  }

  /**
   * @throws IssuanceException {@link Reason#CIPHERTEXT_INVALID}; what was wrong with a box of our
   *     version is not told
   */
  byte[] open(SecretKeySpec key, byte[] bound, byte[] box) throws IssuanceException {
    requireVersion(box);
    byte[] salt = Arrays.copyOfRange(box, 1, 1 + SALT);
    try {
      return cipher(Cipher.DECRYPT_MODE, key, salt, bound)
          .doFinal(box, 1 + SALT, box.length - 1 - SALT);
    } catch (AEADBadTagException e) {
      // Without the cause: nothing about which part was wrong goes on from here.
      throw invalid(
          "ciphertext: it was changed, or is not of this module, generation and"
              + " initializationVector");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime can't decrypt with AES-256-GCM", e);
    }
  }

  private static void requireVersion(byte[] box) throws IssuanceException {
    int version = box.length == 0 ? -1 : box[0];
    if (version == 1 || version == 2) {
      throw invalid(
          "ciphertext: version "
              + version
              + " is a format of the Azure IoT Edge daemon, whose key is not here: only that daemon"
              + " can decrypt it");
    }
    if (version != VERSION || box.length < OVERHEAD) {
      throw invalid("ciphertext: it is not in the format of version " + VERSION);
    }
  }

  /** What a box is bound to; no two triples have the same octets. */
  static byte[] bound(ModuleKeys.Module module, byte[] iv) {
    byte[] name = module.name().getBytes(StandardCharsets.UTF_8);
    byte[] generation = module.generation().getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(3 * Integer.BYTES + name.length + generation.length + iv.length)
        .putInt(name.length)
        .put(name)
        .putInt(generation.length)
        .put(generation)
        .putInt(iv.length)
        .put(iv)
        .array();
  }

  private static Cipher cipher(int mode, SecretKeySpec key, byte[] salt, byte[] bound)
      throws GeneralSecurityException {
    SecretKey own =
        KDF.getInstance("HKDF-SHA256")
            .deriveKey(
                "AES",
                HKDFParameterSpec.ofExtract().addIKM(key).addSalt(salt).thenExpand(INFO, KEY));
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, own, new GCMParameterSpec(TAG_BITS, new byte[NONCE]));
    cipher.updateAAD(bound);
    return cipher;
  }

  private static IssuanceException invalid(String message) {
    return new IssuanceException(Reason.CIPHERTEXT_INVALID, message);
  }
}
