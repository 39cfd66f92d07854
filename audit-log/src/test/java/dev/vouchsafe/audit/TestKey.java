package dev.vouchsafe.audit;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;

/** An audit key of a test's own, which can be away. */
final class TestKey implements AuditKeys.Signer {
  private final KeyPair pair;
  private volatile boolean away;

  TestKey() {
    this(generate());
  }

  TestKey(KeyPair pair) {
    this.pair = pair;
  }

  private static KeyPair generate() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** SubjectPublicKeyInfo, for a process of its own. */
  String publicHex() {
    return HexFormat.of().formatHex(pair.getPublic().getEncoded());
  }

  /** PKCS#8, for a process of its own. */
  String privateHex() {
    return HexFormat.of().formatHex(pair.getPrivate().getEncoded());
  }

  void setAway(boolean gone) {
    away = gone;
  }

  ECPublicKey key() {
    return (ECPublicKey) pair.getPublic();
  }

  @Override
  public Optional<ECPublicKey> publicKey() {
    return away ? Optional.empty() : Optional.of(key());
  }

  @Override
  public byte[] sign(byte[] octets) throws AuditUnavailableException {
    if (away) {
      throw new AuditUnavailableException("unplugged by the test");
    }
    try {
      Signature signature = Signature.getInstance(CheckpointText.ALGORITHM);
      signature.initSign(pair.getPrivate());
      signature.update(octets);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** A text of three parts, signed by this key whatever it says. */
  String jws(String header, String payload) {
    Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();
    String input =
        encoder.encodeToString(header.getBytes(StandardCharsets.UTF_8))
            + "."
            + encoder.encodeToString(payload.getBytes(StandardCharsets.UTF_8));
    try {
      return input + "." + encoder.encodeToString(sign(input.getBytes(StandardCharsets.US_ASCII)));
    } catch (AuditUnavailableException e) {
      throw new AssertionError(e);
    }
  }
}
