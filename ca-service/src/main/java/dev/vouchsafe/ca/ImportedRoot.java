package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A CA that was made elsewhere, with its private key: the gateway's root, or under one. It shows
 * nothing of the key.
 */
public final class ImportedRoot {
  private final OutsideChain chain;
  private final KeyType type;
  private final KeyPair pair;

  private ImportedRoot(OutsideChain chain, KeyType type, KeyPair pair) {
    this.chain = chain;
    this.type = type;
    this.pair = pair;
  }

  /**
   * Reads it.
   *
   * @param file PEM with certificates, in any order, and perhaps the private key, or PKCS#12; at
   *     most 128 KiB
   * @param keyFile PEM with the private key, where it isn't in the file
   * @param passphrase of the private key, or of the PKCS#12 file, if it has one; not kept
   * @throws OutsideException if there is no chain from the key's certificate to one that is signed
   *     by itself, or a file can't be read
   */
  public static ImportedRoot read(
      byte[] file, Optional<byte[]> keyFile, char @Nullable [] passphrase, SoftwareCrypto crypto)
      throws OutsideException {
    OutsideFiles.Content content = OutsideFiles.read(file, passphrase);
    List<X509Certificate> certificates = new ArrayList<>(content.certificates());
    Optional<PrivateKey> key = content.key();
    if (keyFile.isPresent()) {
      if (key.isPresent()) {
        throw new OutsideException("there is a private key in both files: leave one");
      }
      key = OutsideFiles.read(keyFile.get(), passphrase).key();
    }
    if (certificates.isEmpty()) {
      throw new OutsideException("the file has no certificate, in PEM or PKCS#12");
    }
    if (key.isEmpty()) {
      throw new OutsideException(
          "there is no private key: give it with --root-key, or keep it where it is and have the"
              + " device CA signed there with --root csr");
    }
    KeyPair pair = pair(certificates, key.get(), crypto);
    OutsideChain chain = OutsideChain.of(certificates, pair.getPublic());
    return new ImportedRoot(chain, KeyType.of(pair.getPublic()).orElseThrow(), pair);
  }

  /** The key with its public half, found by trying: a signature under it must verify. */
  private static KeyPair pair(
      List<X509Certificate> certificates, PrivateKey key, SoftwareCrypto crypto)
      throws OutsideException {
    for (X509Certificate certificate : certificates) {
      PublicKey publicKey = certificate.getPublicKey();
      Optional<KeyType> type = KeyType.of(publicKey);
      if (type.isPresent() && belong(key, certificate, type.get(), crypto)) {
        return new KeyPair(publicKey, key);
      }
    }
    throw new OutsideException(
        "the private key is that of none of the certificates, or of a kind that is not taken (EC on"
            + " P-256 or P-384, RSA of 2048, 3072 or 4096 bits)");
  }

  private static boolean belong(
      PrivateKey key, X509Certificate certificate, KeyType type, SoftwareCrypto crypto) {
    if (!key.getAlgorithm().equals(type.keyAlgorithm())) {
      return false;
    }
    byte[] trial =
        TrialRequest.octets(certificate.getSubjectX500Principal(), certificate.getPublicKey());
    try {
      return crypto.verify(certificate.getPublicKey(), type, trial, crypto.sign(key, type, trial));
    } catch (IllegalArgumentException | IllegalStateException e) {
      return false;
    }
  }

  OutsideChain chain() {
    return chain;
  }

  KeyType type() {
    return type;
  }

  KeyPair pair() {
    return pair;
  }

  /** Its certificate. */
  public X509Certificate certificate() {
    return chain.first();
  }

  /** The one that those who verify must trust: signed by itself. */
  public X509Certificate anchor() {
    return chain.certificates().getLast();
  }

  @Override
  public String toString() {
    return "ImportedRoot[" + chain.first().getSubjectX500Principal().getName() + "]";
  }
}
