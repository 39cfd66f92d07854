package dev.vouchsafe.keys;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Optional;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Authenticated encryption under a 32-octet secret that may seal any number of things.
 *
 * <p>A box is {@code salt (32) | nonce (12) | ciphertext | tag (16)}: AES-256-GCM (NIST SP 800-38D)
 * under a key of its own, which HKDF-SHA256 (RFC 5869) makes of the secret, the random salt and the
 * purpose. So a nonce can't meet the same key twice, and a box made for one purpose opens for no
 * other.
 */
final class SealedBox {
  static final int OVERHEAD = 32 + 12 + 16;

  private static final int SALT = 32;
  private static final int NONCE = 12;
  private static final int KEY = 32;
  private static final int TAG_BITS = 128;

  private final SecureRandom random;

  SealedBox(SecureRandom random) {
    this.random = random;
  }

  /**
   * @param bound what the box is bound to; it isn't in the box
   */
  byte[] seal(byte[] secret, String purpose, byte[] bound, byte[] content) {
    byte[] salt = random(SALT);
    byte[] nonce = random(NONCE);
    try {
      byte[] sealed = run(Cipher.ENCRYPT_MODE, secret, purpose, salt, nonce, bound, content);
      return ByteBuffer.allocate(SALT + NONCE + sealed.length)
          .put(salt)
          .put(nonce)
          .put(sealed)
          .array();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime can't encrypt with AES-256-GCM", e);
    }
  }

  /** The content, or nothing if any octet of the box, or what it is bound to, is another. */
  static Optional<byte[]> open(byte[] secret, String purpose, byte[] bound, byte[] box) {
    if (box.length < OVERHEAD) {
      return Optional.empty();
    }
    byte[] salt = Arrays.copyOf(box, SALT);
    byte[] nonce = Arrays.copyOfRange(box, SALT, SALT + NONCE);
    byte[] sealed = Arrays.copyOfRange(box, SALT + NONCE, box.length);
    try {
      return Optional.of(run(Cipher.DECRYPT_MODE, secret, purpose, salt, nonce, bound, sealed));
    } catch (AEADBadTagException e) {
      return Optional.empty();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime can't decrypt with AES-256-GCM", e);
    }
  }

  private byte[] random(int length) {
    byte[] octets = new byte[length];
    random.nextBytes(octets);
    return octets;
  }

  private static byte[] run(
      int mode,
      byte[] secret,
      String purpose,
      byte[] salt,
      byte[] nonce,
      byte[] bound,
      byte[] input)
      throws GeneralSecurityException {
    byte[] key = derive(secret, salt, purpose, bound);
    try {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD(bound);
      return cipher.doFinal(input);
    } finally {
      Arrays.fill(key, (byte) 0);
    }
  }

  /**
   * 32 octets by HKDF-SHA256.
   *
   * @param purpose ASCII, not a prefix of another purpose's text followed by a zero octet
   */
  static byte[] derive(byte[] secret, byte[] salt, String purpose, byte[] info) {
    byte[] name = purpose.getBytes(StandardCharsets.US_ASCII);
    byte[] whole =
        ByteBuffer.allocate(name.length + 1 + info.length)
            .put(name)
            .put((byte) 0)
            .put(info)
            .array();
    try {
      return KDF.getInstance("HKDF-SHA256")
          .deriveData(
              HKDFParameterSpec.ofExtract().addIKM(secret).addSalt(salt).thenExpand(whole, KEY));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime has no HKDF-SHA256", e);
    }
  }
}
