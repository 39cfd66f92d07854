package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * What tells the objects of one store from all others in a token: 16 random octets that their
 * CKA_ID begins with. Its file is one line: {@code vouchsafe-pkcs11-store 1 HEX}.
 */
final class StoreId {
  static final String FILE = "pkcs11.store";

  private static final String MAGIC = "vouchsafe-pkcs11-store ";
  private static final String VERSION = "1 ";
  private static final int LENGTH = 16;
  private static final int OF_LABEL = 16;

  private final byte[] octets;

  private StoreId(byte[] octets) {
    this.octets = octets;
  }

  static StoreId random(SecureRandom random) {
    byte[] octets = new byte[LENGTH];
    random.nextBytes(octets);
    return new StoreId(octets);
  }

  byte[] encoded() {
    return (MAGIC + VERSION + this + "\n").getBytes(StandardCharsets.US_ASCII);
  }

  /** The id of the store that a folder is the record of. */
  static StoreId read(Path directory, SecureFiles files) throws KeyFault, IOException {
    Path file = directory.resolve(FILE);
    try {
      return parse(files.readOwn(file));
    } catch (MalformedException e) {
      throw new KeyFault.Failed(file + " is damaged or from another version: " + e.getMessage(), e);
    }
  }

  static StoreId parse(byte[] file) throws MalformedException {
    OctetReader in = new OctetReader(file);
    in.expect(MAGIC.getBytes(StandardCharsets.US_ASCII), "it is no file of a PKCS#11 store");
    in.expect(
        VERSION.getBytes(StandardCharsets.US_ASCII), "its format version is unknown to this one");
    byte[] hex = in.octets(2 * LENGTH);
    in.expect(new byte[] {'\n'}, "its line doesn't end where it should");
    if (in.remainder().length > 0) {
      throw new MalformedException("there is something after its line");
    }
    try {
      StoreId id = new StoreId(HexFormat.of().parseHex(new String(hex, StandardCharsets.US_ASCII)));
      if (!Arrays.equals(id.encoded(), file)) {
        throw new MalformedException("its store id is not in lower-case hexadecimal digits");
      }
      return id;
    } catch (IllegalArgumentException e) {
      throw new MalformedException("its store id is not in hexadecimal digits");
    }
  }

  /** The CKA_ID of the key pair of that label. */
  byte[] of(KeyLabel label) {
    return with(label.encoded());
  }

  /** The CKA_ID of the sealing key: no label is encoded like that. */
  byte[] ofSealingKey() {
    return with("vouchsafe sealing key".getBytes(StandardCharsets.US_ASCII));
  }

  private byte[] with(byte[] name) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(name);
      return ByteBuffer.allocate(LENGTH + OF_LABEL).put(octets).put(digest, 0, OF_LABEL).array();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }

  /** Whether an object of that CKA_ID is one of this store. */
  boolean owns(byte[] id) {
    return id.length == LENGTH + OF_LABEL && Arrays.equals(id, 0, LENGTH, octets, 0, LENGTH);
  }

  /** In hexadecimal digits; it is no secret. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(octets);
  }
}
