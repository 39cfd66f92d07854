package dev.vouchsafe.ca;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.InvalidParameterSpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.PBEParameterSpec;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.TBSCertificate;
import org.jspecify.annotations.Nullable;

/**
 * Reads what other programs make of a CA: certificates in PEM (RFC 7468), with a private key in
 * PKCS#8 (RFC 5958), encrypted or not, or all of it in PKCS#12 (RFC 7292). It reads; what it read
 * is believed in nothing before {@link OutsideChain} and {@link ImportedRoot} have looked.
 */
final class OutsideFiles {
  /** Room for a few certificates and a key of 4096 bits, with text around them. */
  static final int MOST_OCTETS = 128 * 1024;

  private static final int MOST_CERTIFICATES = 16;

  /** More rounds than that take minutes, and nobody asks for them. */
  private static final int MOST_ROUNDS = 20_000_000;

  private static final int SEQUENCE = 0x30;
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]{1,32})-----([A-Za-z0-9+/=\\s]*+)-----END \\1-----");

  private OutsideFiles() {}

  /**
   * What was in a file.
   *
   * @param certificates in the order of the file
   * @param key the private key, if there was one
   */
  record Content(List<X509Certificate> certificates, Optional<PrivateKey> key) {
    /** Without what the record would show. */
    @Override
    public String toString() {
      return "Content[" + certificates.size() + " certificates]";
    }
  }

  /**
   * Reads a file.
   *
   * @param octets its content, at most {@link #MOST_OCTETS}
   * @param passphrase of its private key; not kept
   */
  static Content read(byte[] octets, char @Nullable [] passphrase) throws OutsideException {
    if (octets.length > MOST_OCTETS) {
      throw new OutsideException("the file is over " + MOST_OCTETS + " octets");
    }
    Content content =
        octets.length > 0 && octets[0] == SEQUENCE
            ? pkcs12(octets, passphrase)
            : pem(octets, passphrase);
    if (content.certificates().size() > MOST_CERTIFICATES) {
      throw new OutsideException("the file has over " + MOST_CERTIFICATES + " certificates");
    }
    for (X509Certificate certificate : content.certificates()) {
      requireWhole(certificate);
    }
    return content;
  }

  /** The JDK takes names and extensions unread whose insides are no ASN.1; we copy them later. */
  private static void requireWhole(X509Certificate certificate) throws OutsideException {
    try {
      TBSCertificate tbs =
          org.bouncycastle.asn1.x509.Certificate.getInstance(certificate.getEncoded())
              .getTBSCertificate();
      X500Name _ = X500Name.getInstance(tbs.getSubject().getEncoded());
      X500Name _ = X500Name.getInstance(tbs.getIssuer().getEncoded());
      Extensions extensions = tbs.getExtensions();
      if (extensions != null) {
        for (ASN1ObjectIdentifier each : extensions.getExtensionOIDs()) {
          ASN1Primitive _ =
              ASN1Primitive.fromByteArray(extensions.getExtension(each).getExtnValue().getOctets());
        }
      }
    } catch (IOException
        | CertificateException
        | IllegalArgumentException
        | IllegalStateException e) {
      throw new OutsideException("a certificate has a part that can't be read", e);
    }
  }

  private static Content pem(byte[] octets, char @Nullable [] passphrase) throws OutsideException {
    List<X509Certificate> certificates = new ArrayList<>();
    Optional<PrivateKey> key = Optional.empty();
    // One octet, one character: what is not ASCII is in no block.
    Matcher blocks = BLOCK.matcher(new String(octets, StandardCharsets.ISO_8859_1));
    while (blocks.find()) {
      byte[] der = decoded(blocks.group(2));
      String label = blocks.group(1);
      if (label.equals("CERTIFICATE") || label.equals("X509 CERTIFICATE")) {
        certificates.add(certificate(der));
      } else if (label.endsWith("PRIVATE KEY")) {
        if (key.isPresent()) {
          throw new OutsideException("the file has several private keys: leave the one of the CA");
        }
        key = Optional.of(key(label, der, passphrase));
      }
    }
    return new Content(certificates, key);
  }

  private static byte[] decoded(String text) throws OutsideException {
    try {
      return Base64.getMimeDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new OutsideException("a block of the PEM file is not base64");
    }
  }

  private static X509Certificate certificate(byte[] der) throws OutsideException {
    try {
      X509Certificate certificate =
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(new ByteArrayInputStream(der));
      if (!Arrays.equals(certificate.getEncoded(), der)) {
        throw new OutsideException("a certificate has octets after its end");
      }
      return certificate;
    } catch (CertificateException e) {
      throw new OutsideException("a certificate can't be read: " + e.getMessage(), e);
    }
  }

  private static PrivateKey key(String label, byte[] der, char @Nullable [] passphrase)
      throws OutsideException {
    return switch (label) {
      case "PRIVATE KEY" -> plain(der);
      case "ENCRYPTED PRIVATE KEY" -> encrypted(der, passphrase);
      default ->
          throw new OutsideException(
              "the private key is in the old form "
                  + label
                  + ", not in PKCS#8: bring it there with `openssl pkcs8 -topk8 -in KEY -out NEW`");
    };
  }

  private static PrivateKey plain(byte[] der) throws OutsideException {
    PKCS8EncodedKeySpec pkcs8 = new PKCS8EncodedKeySpec(der);
    Arrays.fill(der, (byte) 0);
    for (String algorithm : List.of("EC", "RSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(pkcs8);
      } catch (InvalidKeySpecException e) {
        // Another kind of key, perhaps. The cause is not kept: it may tell of the key.
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every JDK has EC and RSA", e);
      }
    }
    throw new OutsideException("the private key can't be read, or is neither EC nor RSA");
  }

  private static PrivateKey encrypted(byte[] der, char @Nullable [] passphrase)
      throws OutsideException {
    if (passphrase == null) {
      throw new OutsideException(
          "the private key is encrypted, and no passphrase was given: --root-passphrase-file");
    }
    PBEKeySpec secret = new PBEKeySpec(passphrase);
    try {
      EncryptedPrivateKeyInfo info = new EncryptedPrivateKeyInfo(der);
      AlgorithmParameters parameters = info.getAlgParameters();
      if (parameters == null) {
        throw new OutsideException(unknownCipher());
      }
      PBEParameterSpec how = parameters.getParameterSpec(PBEParameterSpec.class);
      if (how.getIterationCount() > MOST_ROUNDS) {
        throw new OutsideException("the private key is encrypted with too many rounds");
      }
      // The name of PBES2 parameters is that of their algorithms (RFC 8018 section 6.2).
      String name = parameters.toString();
      Cipher cipher = Cipher.getInstance(name);
      cipher.init(
          Cipher.DECRYPT_MODE,
          SecretKeyFactory.getInstance(name).generateSecret(secret),
          parameters);
      return plain(cipher.doFinal(info.getEncryptedData()));
    } catch (NoSuchAlgorithmException | InvalidParameterSpecException e) {
      throw new OutsideException(unknownCipher());
    } catch (IOException | GeneralSecurityException e) {
      // Without the cause: what the padding was like tells of the passphrase.
      throw new OutsideException("the private key can't be decrypted: is that the passphrase?");
    } finally {
      secret.clearPassword();
    }
  }

  private static String unknownCipher() {
    return "the private key is encrypted in a way that is not known: bring it into PBES2 with AES,"
        + " with `openssl pkcs8 -topk8 -v2 aes256 -in KEY -out NEW`";
  }

  private static Content pkcs12(byte[] octets, char @Nullable [] passphrase)
      throws OutsideException {
    char[] secret = passphrase == null ? new char[0] : passphrase;
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(new ByteArrayInputStream(octets), secret);
      List<X509Certificate> certificates = new ArrayList<>();
      Optional<PrivateKey> found = Optional.empty();
      for (String alias : Collections.list(store.aliases())) {
        Certificate[] chain = store.getCertificateChain(alias);
        for (Certificate each :
            chain == null ? new Certificate[] {store.getCertificate(alias)} : chain) {
          if (each instanceof X509Certificate certificate && !certificates.contains(certificate)) {
            certificates.add(certificate);
          }
        }
        Key key = store.getKey(alias, secret);
        if (key instanceof PrivateKey privateKey) {
          if (found.isPresent()) {
            throw new OutsideException("the file has several private keys: leave that of the CA");
          }
          found = Optional.of(privateKey);
        }
      }
      return new Content(certificates, found);
    } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
      throw new OutsideException(
          "the file is neither PEM nor a PKCS#12 file that opens: is that its passphrase?");
    }
  }
}
