package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * The file that a store in a TPM begins with: {@code "VSTPMSTO" | version (1) | flags (1) | handle
 * (4) | primary | chip | public | private | SHA-256 (32)}, the four before the hash each behind its
 * length (4 octets).
 *
 * @param persistent whether the store's objects are kept at persistent handles
 * @param authorized whether they have an auth value
 * @param handle the sealing key's persistent handle, or 0
 * @param primary the Name of the owner hierarchy's primary key that they were made under
 * @param chip the Name of a primary key of the endorsement hierarchy, which outlives a clear;
 *     {@link TpmName#NONE} if the TPM didn't make one
 * @param sealingKey the HMAC key that secrets are derived from
 */
record TpmStoreFile(
    boolean persistent,
    boolean authorized,
    int handle,
    TpmName primary,
    TpmName chip,
    TpmBlob sealingKey) {
  static final String FILE = "tpm.store";

  private static final byte[] MAGIC = "VSTPMSTO".getBytes(StandardCharsets.US_ASCII);
  private static final byte VERSION = 1;
  private static final byte PERSISTENT = 1;
  private static final byte AUTHORIZED = 2;
  private static final int LONGEST_NAME = 66;
  private static final int DIGEST = 32;

  byte[] encoded() {
    byte[] before = bound();
    return ByteBuffer.allocate(before.length + DIGEST).put(before).put(digest(before)).array();
  }

  private byte[] bound() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(MAGIC);
    out.write(VERSION);
    out.write((persistent ? PERSISTENT : 0) | (authorized ? AUTHORIZED : 0));
    out.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(handle).array());
    for (byte[] field :
        new byte[][] {
          primary.octets(),
          chip.octets(),
          sealingKey.publicArea().octets(),
          sealingKey.privateArea()
        }) {
      out.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(field.length).array());
      out.writeBytes(field);
    }
    return out.toByteArray();
  }

  static TpmStoreFile parse(byte[] octets) throws MalformedException {
    OctetReader in = new OctetReader(octets);
    in.expect(MAGIC, "it is no file of a TPM store");
    byte version = in.octet();
    if (version != VERSION) {
      throw new MalformedException(
          "its format version is " + version + ", and this program knows " + VERSION);
    }
    byte flags = in.octet();
    if ((flags & ~(PERSISTENT | AUTHORIZED)) != 0) {
      throw new MalformedException("it has flags that this program doesn't know");
    }
    boolean persistent = (flags & PERSISTENT) != 0;
    int handle = TpmHandles.checked(in.integer(), persistent);
    TpmStoreFile file =
        new TpmStoreFile(
            persistent, (flags & AUTHORIZED) != 0, handle, name(in), name(in), TpmBlob.read(in));
    if (!file.sealingKey.publicArea().isHmac()) {
      throw new MalformedException("its sealing key is of another kind");
    }
    if (!Arrays.equals(digest(in.taken()), in.remainder())) {
      throw new MalformedException("its hash doesn't fit");
    }
    return file;
  }

  private static TpmName name(OctetReader in) throws MalformedException {
    byte[] name = in.field();
    if (name.length > LONGEST_NAME) {
      throw new MalformedException("it has a Name that is too long");
    }
    return TpmName.of(name);
  }

  private static byte[] digest(byte[] octets) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(octets);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }
}
