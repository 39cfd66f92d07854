package dev.vouchsafe.keys;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.security.interfaces.ECKey;
import java.security.interfaces.RSAKey;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAKeyGenParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Cryptography by JCA provider objects that were picked and proven at construction, and are never
 * exchanged afterwards.
 *
 * <p>Every call takes a new {@link Signature} or {@link KeyPairGenerator}. Keeping them for each
 * thread gains 3 % with the native provider, and would keep private keys reachable after their
 * store was closed, and an object for each virtual thread.
 */
final class JcaCrypto implements SoftwareCrypto {
  private static final byte[] CHECKED_MESSAGE =
      "vouchsafe self-check".getBytes(StandardCharsets.US_ASCII);

  private final String description;
  private final Provider ec;
  private final Provider rsa;

  private JcaCrypto(String description, Provider ec, Provider rsa) throws GeneralSecurityException {
    this.description = description;
    this.ec = ec;
    this.rsa = rsa;
    for (KeyType type : KeyType.values()) {
      signature(type);
      generator(type);
      factory(type);
    }
    prove(generate(KeyType.EC_P256));
  }

  static JcaCrypto choose() {
    String reason;
    try {
      Throwable error = AmazonCorrettoCryptoProvider.INSTANCE.getLoadingError();
      if (error == null) {
        return corretto();
      }
      reason = String.valueOf(error.getMessage());
    } catch (GeneralSecurityException | LinkageError e) {
      reason = String.valueOf(e.getMessage());
    }
    return jdk(reason);
  }

  /** The native provider. */
  static JcaCrypto corretto() throws GeneralSecurityException {
    Provider provider = AmazonCorrettoCryptoProvider.INSTANCE;
    return new JcaCrypto(named(provider), provider, provider);
  }

  /** The JDK's own providers. */
  static JcaCrypto jdk(String reason) {
    try {
      Provider ec = installed("SunEC");
      Provider rsa = installed("SunRsaSign");
      return new JcaCrypto(
          named(ec)
              + " and "
              + rsa.getName()
              + "; Amazon Corretto Crypto Provider, which is faster, does not load: "
              + reason,
          ec,
          rsa);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime has no working EC and RSA signatures", e);
    }
  }

  private static Provider installed(String name) throws NoSuchAlgorithmException {
    Provider provider = Security.getProvider(name);
    if (provider == null) {
      throw new NoSuchAlgorithmException("this Java runtime has no provider " + name);
    }
    return provider;
  }

  private static String named(Provider provider) {
    return provider.getName() + " " + provider.getVersionStr();
  }

  private void prove(KeyPair pair) throws SignatureException {
    byte[] signature = sign(pair.getPrivate(), KeyType.EC_P256, CHECKED_MESSAGE);
    byte[] another = CHECKED_MESSAGE.clone();
    another[0] ^= 1;
    if (!verify(pair.getPublic(), KeyType.EC_P256, CHECKED_MESSAGE, signature)
        || verify(pair.getPublic(), KeyType.EC_P256, another, signature)) {
      throw new SignatureException(description + " failed its self-check");
    }
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public KeyPair generate(KeyType type) {
    try {
      KeyPairGenerator generator = generator(type);
      generator.initialize(parameters(type));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(description + " can't make a key " + type.text(), e);
    }
  }

  @Override
  public byte[] sign(PrivateKey key, KeyType type, byte[] message) {
    if (!fits(key, type)) {
      throw new IllegalArgumentException("the private key is not of type " + type.text());
    }
    try {
      Signature signature = signature(type);
      signature.initSign(key);
      signature.update(message);
      return signature.sign();
    } catch (InvalidKeyException e) {
      throw new IllegalArgumentException("the private key is not a good " + type.text(), e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(description + " can't sign with " + type.text(), e);
    }
  }

  @Override
  public boolean verify(PublicKey key, KeyType type, byte[] message, byte[] signature) {
    if (!fits(key, type)) {
      return false;
    }
    try {
      Signature verifier = signature(type);
      verifier.initVerify(key);
      verifier.update(message);
      return verifier.verify(signature);
    } catch (InvalidKeyException | SignatureException e) {
      return false;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(description + " can't verify with " + type.text(), e);
    }
  }

  @Override
  public PrivateKey readPrivate(KeyType type, byte[] pkcs8) throws GeneralSecurityException {
    return factory(type).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
  }

  /**
   * A public key in the form that this library verifies with fastest.
   *
   * @param subjectPublicKeyInfo DER (RFC 5280 section 4.1)
   */
  static PublicKey readPublic(SoftwareCrypto crypto, KeyType type, byte[] subjectPublicKeyInfo)
      throws GeneralSecurityException {
    KeyFactory factory =
        crypto instanceof JcaCrypto ours
            ? ours.factory(type)
            : KeyFactory.getInstance(type.keyAlgorithm());
    return factory.generatePublic(new X509EncodedKeySpec(subjectPublicKeyInfo));
  }

  /** Sizes only: what curve it is, the callers have asked {@link KeyType#of} before. */
  private static boolean fits(@Nullable Key key, KeyType type) {
    return switch (key) {
      case ECKey ec ->
          type.keyAlgorithm().equals("EC") && ec.getParams().getOrder().bitLength() == type.bits();
      case RSAKey rsa ->
          type.keyAlgorithm().equals("RSA") && rsa.getModulus().bitLength() == type.bits();
      case null, default -> false;
    };
  }

  private static AlgorithmParameterSpec parameters(KeyType type) {
    return switch (type) {
      case EC_P256 -> new ECGenParameterSpec("secp256r1");
      case EC_P384 -> new ECGenParameterSpec("secp384r1");
      case RSA_2048, RSA_3072, RSA_4096 ->
          new RSAKeyGenParameterSpec(type.bits(), RSAKeyGenParameterSpec.F4);
    };
  }

  private Provider provider(KeyType type) {
    return type.keyAlgorithm().equals("EC") ? ec : rsa;
  }

  private Signature signature(KeyType type) throws NoSuchAlgorithmException {
    return Signature.getInstance(type.signatureAlgorithm(), provider(type));
  }

  private KeyPairGenerator generator(KeyType type) throws NoSuchAlgorithmException {
    return KeyPairGenerator.getInstance(type.keyAlgorithm(), provider(type));
  }

  private KeyFactory factory(KeyType type) throws NoSuchAlgorithmException {
    return KeyFactory.getInstance(type.keyAlgorithm(), provider(type));
  }
}
