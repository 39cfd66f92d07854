package dev.vouchsafe.keys;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/** Takes the fields of a binary file apart, and believes no length that the file states. */
final class OctetReader {
  /** The octets are not what they should be. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String message) {
      super(message);
    }
  }

  private final byte[] octets;
  private final ByteBuffer rest;

  OctetReader(byte[] octets) {
    this.octets = octets;
    this.rest = ByteBuffer.wrap(octets);
  }

  /** Goes past a constant. */
  void expect(byte[] constant, String otherwise) throws MalformedException {
    if (rest.remaining() < constant.length
        || !MessageDigest.isEqual(octets(constant.length), constant)) {
      throw new MalformedException(otherwise);
    }
  }

  byte octet() throws MalformedException {
    need(Byte.BYTES);
    return rest.get();
  }

  int integer() throws MalformedException {
    need(Integer.BYTES);
    return rest.getInt();
  }

  byte[] octets(int count) throws MalformedException {
    need(count);
    byte[] taken = new byte[count];
    rest.get(taken);
    return taken;
  }

  /** A field behind its length (4 octets, big-endian). */
  byte[] field() throws MalformedException {
    int length = integer();
    if (length < 0) {
      throw new MalformedException("it has a field of negative length");
    }
    return octets(length);
  }

  String text() throws MalformedException {
    return new String(field(), StandardCharsets.UTF_8);
  }

  /** All that was taken so far. */
  byte[] taken() {
    byte[] taken = new byte[rest.position()];
    System.arraycopy(octets, 0, taken, 0, taken.length);
    return taken;
  }

  byte[] remainder() throws MalformedException {
    return octets(rest.remaining());
  }

  private void need(int count) throws MalformedException {
    if (count > rest.remaining()) {
      throw new MalformedException("it is cut off");
    }
  }
}
