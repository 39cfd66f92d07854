package dev.vouchsafe.keys;

import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.Optional;

/**
 * The kinds of key pair that are made and accepted, each with the one signature algorithm that it
 * is used with (RFC 5480, RFC 8017).
 */
public enum KeyType {
  EC_P256("ec-p256", "EC", 256, "SHA256withECDSA"),
  EC_P384("ec-p384", "EC", 384, "SHA384withECDSA"),
  RSA_2048("rsa-2048", "RSA", 2048, "SHA256withRSA"),
  RSA_3072("rsa-3072", "RSA", 3072, "SHA256withRSA"),
  RSA_4096("rsa-4096", "RSA", 4096, "SHA256withRSA");

  private final String text;
  private final String keyAlgorithm;
  private final int bits;
  private final String signatureAlgorithm;

  KeyType(String text, String keyAlgorithm, int bits, String signatureAlgorithm) {
    this.text = text;
    this.keyAlgorithm = keyAlgorithm;
    this.bits = bits;
    this.signatureAlgorithm = signatureAlgorithm;
  }

  /** The name in configuration, requests and answers, such as {@code ec-p256}. */
  public String text() {
    return text;
  }

  /** The JCA name of the key algorithm: {@code EC} or {@code RSA}. */
  public String keyAlgorithm() {
    return keyAlgorithm;
  }

  /** Size of the field or of the modulus, in bits. */
  public int bits() {
    return bits;
  }

  /** The JCA name of the signature algorithm, such as {@code SHA256withECDSA}. */
  public String signatureAlgorithm() {
    return signatureAlgorithm;
  }

  /** The type of that {@link #text()}, or nothing if there is none. */
  public static Optional<KeyType> parse(String text) {
    for (KeyType type : values()) {
      if (type.text.equals(text)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** The type of a public key, or nothing if we neither make nor accept its kind. */
  public static Optional<KeyType> of(PublicKey key) {
    return switch (key) {
      case ECPublicKey ec -> ofCurve(ec);
      case RSAPublicKey rsa -> ofSize("RSA", rsa.getModulus().bitLength());
      default -> Optional.empty();
    };
  }

  private static Optional<KeyType> ofCurve(ECPublicKey key) {
    return NamedCurves.typeOf(key.getParams());
  }

  private static Optional<KeyType> ofSize(String keyAlgorithm, int bits) {
    for (KeyType type : values()) {
      if (type.keyAlgorithm.equals(keyAlgorithm) && type.bits == bits) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
