package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The file that holds a software store's master secret, sealed: {@code "VSKSTORE" | version (1) |
 * derivation (1) | for a passphrase: iterations (4), salt (16) | box}. The box is bound to all that
 * stands before it.
 */
final class StoreHeader {
  static final byte VERSION = 1;
  static final int SALT = 16;

  /** What we read, so that a damaged header can't keep us busy for hours. */
  static final int MOST_ITERATIONS = 10_000_000;

  private static final byte[] MAGIC = "VSKSTORE".getBytes(StandardCharsets.US_ASCII);
  private static final byte RANDOM_SECRET = 1;
  private static final byte PASSPHRASE = 2;

  private final int iterations;
  private final byte[] salt;
  private final byte[] box;

  private StoreHeader(int iterations, byte[] salt, byte[] box) {
    this.iterations = iterations;
    this.salt = salt;
    this.box = box;
  }

  /** One whose box is still missing, for a random secret. */
  static StoreHeader forRandomSecret() {
    return new StoreHeader(0, new byte[0], new byte[0]);
  }

  /** One whose box is still missing, for a passphrase. */
  static StoreHeader forPassphrase(int iterations, byte[] salt) {
    return new StoreHeader(iterations, salt, new byte[0]);
  }

  StoreHeader with(byte[] sealedMaster) {
    return new StoreHeader(iterations, salt, sealedMaster);
  }

  /** Of PBKDF2, or 0 if the sealing secret is random and needs none. */
  int iterations() {
    return iterations;
  }

  /** Of PBKDF2, else empty. */
  byte[] salt() {
    return salt;
  }

  /** A {@link SealedBox} with the master secret. */
  byte[] box() {
    return box;
  }

  boolean forPassphrase() {
    return iterations > 0;
  }

  /** All that stands before the box. */
  byte[] bound() {
    ByteBuffer out = ByteBuffer.allocate(MAGIC.length + 2 + Integer.BYTES + SALT);
    out.put(MAGIC).put(VERSION).put(forPassphrase() ? PASSPHRASE : RANDOM_SECRET);
    if (forPassphrase()) {
      out.putInt(iterations).put(salt);
    }
    byte[] octets = new byte[out.position()];
    out.get(0, octets);
    return octets;
  }

  byte[] encoded() {
    byte[] before = bound();
    return ByteBuffer.allocate(before.length + box.length).put(before).put(box).array();
  }

  static StoreHeader parse(byte[] octets) throws MalformedException {
    OctetReader in = new OctetReader(octets);
    in.expect(MAGIC, "it is not the header of a key store");
    byte version = in.octet();
    if (version != VERSION) {
      throw new MalformedException(
          "its format version is " + version + ", and this program knows " + VERSION);
    }
    byte derivation = in.octet();
    if (derivation == RANDOM_SECRET) {
      return new StoreHeader(0, new byte[0], in.remainder());
    }
    if (derivation != PASSPHRASE) {
      throw new MalformedException("its key derivation is unknown");
    }
    int iterations = in.integer();
    if (iterations < 1 || iterations > MOST_ITERATIONS) {
      throw new MalformedException("its count of iterations is out of range");
    }
    return new StoreHeader(iterations, in.octets(SALT), in.remainder());
  }
}
