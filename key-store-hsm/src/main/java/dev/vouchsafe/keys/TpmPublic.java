package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.util.Optional;

/**
 * The public area of an object of ours: a TPM2B_PUBLIC (TPM 2.0 Library, part 2, section 12.2.5) of
 * one of the three kinds that we make, and nothing else.
 */
final class TpmPublic {
  private static final int RSA = 0x0001;
  private static final int KEYED_HASH = 0x0008;
  private static final int ECC = 0x0023;
  private static final int SHA_256 = 0x000b;
  private static final int NULL = 0x0010;
  private static final int RSASSA = 0x0014;
  private static final int ECDSA = 0x0018;
  private static final int HMAC = 0x0005;
  private static final int NIST_P256 = 0x0003;
  private static final int DIGEST = 32;
  private static final byte UNCOMPRESSED = 4;

  /** fixedTPM, fixedParent, sensitiveDataOrigin and sign, and no other but those below. */
  private static final int ATTRIBUTES = 0x00040032;

  private static final int USER_WITH_AUTH = 0x00000040;
  private static final int NO_DA = 0x00000400;

  private final byte[] octets;
  private final int type;
  private final int attributes;
  private final byte[] policy;
  private final byte[] first;
  private final byte[] second;

  private TpmPublic(
      byte[] octets, int type, int attributes, byte[] policy, byte[] first, byte[] second) {
    this.octets = octets;
    this.type = type;
    this.attributes = attributes;
    this.policy = policy;
    this.first = first;
    this.second = second;
  }

  static TpmPublic parse(byte[] octets) throws MalformedException {
    OctetReader in = new OctetReader(octets);
    if (number(in) != octets.length - Short.BYTES) {
      throw new MalformedException("its public area is cut off, or there is something after it");
    }
    int type = number(in);
    expect(in, SHA_256);
    int attributes = in.integer();
    byte[] policy = sized(in);
    if ((attributes & ~(USER_WITH_AUTH | NO_DA)) != ATTRIBUTES
        || ((attributes & USER_WITH_AUTH) == 0) != (policy.length == DIGEST)
        || (policy.length != 0 && policy.length != DIGEST)) {
      throw new MalformedException("its public area allows what we don't ask for");
    }
    byte[] second = new byte[0];
    byte[] first;
    switch (type) {
      case ECC -> {
        expect(in, NULL, ECDSA, SHA_256, NIST_P256, NULL);
        first = sized(in);
        second = sized(in);
      }
      case RSA -> {
        expect(in, NULL, RSASSA, SHA_256, KeyType.RSA_2048.bits(), 0, 0);
        first = sized(in);
      }
      case KEYED_HASH -> {
        expect(in, HMAC, SHA_256);
        first = sized(in);
      }
      default -> throw new MalformedException("its public area is of a type that we don't make");
    }
    if (in.remainder().length > 0) {
      throw new MalformedException("there is something after its public area");
    }
    return new TpmPublic(octets.clone(), type, attributes, policy, first, second);
  }

  private static int number(OctetReader in) throws MalformedException {
    return ByteBuffer.wrap(in.octets(Short.BYTES)).getShort() & 0xffff;
  }

  private static byte[] sized(OctetReader in) throws MalformedException {
    return in.octets(number(in));
  }

  private static void expect(OctetReader in, int... constants) throws MalformedException {
    for (int constant : constants) {
      if (number(in) != constant) {
        throw new MalformedException("its public area has other parameters than we ask for");
      }
    }
  }

  /** As it was read. */
  byte[] octets() {
    return octets.clone();
  }

  boolean isHmac() {
    return type == KEYED_HASH;
  }

  /** Whether it is used under a policy, and not under its auth value. */
  boolean hasPolicy() {
    return policy.length > 0;
  }

  /** Whether wrong auth values for it count against the whole TPM. */
  boolean countsWrongAuth() {
    return (attributes & NO_DA) == 0;
  }

  /** Its public key; nothing for a secret key, or if it is none. */
  Optional<PublicKey> key(SoftwareCrypto crypto) {
    return switch (type) {
      case ECC -> TokenPublicKey.ofPoint(crypto, KeyType.EC_P256, point());
      case RSA ->
          TokenPublicKey.ofModulus(crypto, first, TokenPublicKey.EXPONENT.toByteArray())
              .filter(key -> KeyType.of(key).equals(Optional.of(KeyType.RSA_2048)));
      default -> Optional.empty();
    };
  }

  /** A coordinate may be without its leading zeros. */
  private byte[] point() {
    int size = KeyType.EC_P256.bits() / Byte.SIZE;
    if (first.length > size || second.length > size) {
      return new byte[0];
    }
    byte[] point = new byte[1 + 2 * size];
    point[0] = UNCOMPRESSED;
    System.arraycopy(first, 0, point, 1 + size - first.length, first.length);
    System.arraycopy(second, 0, point, 1 + 2 * size - second.length, second.length);
    return point;
  }

  /** The Name that the TPM gives it (part 1, section 16): its hash, behind the algorithm's id. */
  TpmName name() {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      sha256.update(octets, Short.BYTES, octets.length - Short.BYTES);
      return TpmName.of(
          ByteBuffer.allocate(Short.BYTES + DIGEST)
              .putShort((short) SHA_256)
              .put(sha256.digest())
              .array());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }

  @Override
  public String toString() {
    return "public area " + name();
  }
}
