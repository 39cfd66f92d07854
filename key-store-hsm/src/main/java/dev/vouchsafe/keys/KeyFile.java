package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The file of one key pair: {@code "VSKEYPRV" | version (1) | type | label | public key | box}, the
 * three in the middle each behind its length (4 octets). The box is bound to all that stands before
 * it.
 *
 * <p>The label is the encoded {@link KeyLabel}, the public key a SubjectPublicKeyInfo (RFC 5280
 * section 4.1), the box a {@link SealedBox} with the private key in PKCS#8 (RFC 5958).
 */
final class KeyFile {
  static final byte VERSION = 1;

  /** What names of key files end with. */
  static final String SUFFIX = ".key";

  private static final byte[] MAGIC = "VSKEYPRV".getBytes(StandardCharsets.US_ASCII);

  private final KeyType type;
  private final byte[] label;
  private final byte[] publicKey;
  private final byte[] box;

  KeyFile(KeyType type, byte[] label, byte[] publicKey, byte[] box) {
    this.type = type;
    this.label = label;
    this.publicKey = publicKey;
    this.box = box;
  }

  KeyType type() {
    return type;
  }

  byte[] label() {
    return label;
  }

  byte[] publicKey() {
    return publicKey;
  }

  byte[] box() {
    return box;
  }

  /** All that stands before the box. */
  byte[] bound() {
    return bound(type, label, publicKey);
  }

  static byte[] bound(KeyType type, byte[] label, byte[] publicKey) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(MAGIC);
    out.write(VERSION);
    for (byte[] field :
        new byte[][] {type.text().getBytes(StandardCharsets.US_ASCII), label, publicKey}) {
      out.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(field.length).array());
      out.writeBytes(field);
    }
    return out.toByteArray();
  }

  byte[] encoded() {
    byte[] before = bound();
    return ByteBuffer.allocate(before.length + box.length).put(before).put(box).array();
  }

  static KeyFile parse(byte[] octets) throws MalformedException {
    OctetReader in = new OctetReader(octets);
    in.expect(MAGIC, "it is not a key file");
    byte version = in.octet();
    if (version != VERSION) {
      throw new MalformedException(
          "its format version is " + version + ", and this program knows " + VERSION);
    }
    KeyType type =
        KeyType.parse(in.text())
            .orElseThrow(() -> new MalformedException("its type of key is unknown"));
    return new KeyFile(type, in.field(), in.field(), in.remainder());
  }

  /** The file of that label: a name of fixed length, whatever the label holds. */
  static Path in(Path folder, byte[] label) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(label);
      return folder.resolve(HexFormat.of().formatHex(digest) + SUFFIX);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }
}
