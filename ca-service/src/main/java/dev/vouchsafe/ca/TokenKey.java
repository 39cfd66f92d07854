package dev.vouchsafe.ca;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.impl.ECDSA;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.util.Base64URL;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One key that signs tokens: EC P-256, made in memory, its private half sealed by the key store and
 * in memory once unsealed. Safe for use by many threads at once.
 */
final class TokenKey {
  private static final KeyType TYPE = KeyType.EC_P256;
  private static final int SIGNATURE_LENGTH = 64;
  private static final byte[] CHECKED_MESSAGE =
      "vouchsafe token key check".getBytes(StandardCharsets.US_ASCII);

  private final String kid;
  private final ECKey jwk;
  private final PublicKey publicKey;
  private final Blob sealed;
  private final SoftwareCrypto crypto;
  private final String header;
  private final AtomicLong latestExpiry;
  private volatile Instant created;
  private volatile @Nullable PrivateKey privateKey;

  private TokenKey(ECKey jwk, KeyLedger.StoredTokenKey stored, SoftwareCrypto crypto)
      throws JOSEException {
    this.kid = stored.kid();
    this.jwk = jwk;
    this.publicKey = jwk.toECPublicKey();
    this.sealed = stored.sealed();
    this.created = stored.created();
    this.crypto = crypto;
    this.latestExpiry = new AtomicLong(stored.latestExpiry().getEpochSecond());
    this.header =
        new JWSHeader.Builder(JWSAlgorithm.ES256)
            .keyID(kid)
            .type(JOSEObjectType.JWT)
            .build()
            .toBase64URL()
            .toString();
  }

  /** A new key, sealed; it is in no ledger yet. */
  static TokenKey make(SoftwareCrypto crypto, Sealer sealer, Instant now) throws KeyFault {
    KeyPair pair = crypto.generate(TYPE);
    try {
      ECKey jwk = jwk((ECPublicKey) pair.getPublic());
      byte[] pkcs8 = pair.getPrivate().getEncoded();
      try {
        Blob sealed = new Blob(sealer.seal(purpose(jwk.getKeyID()), pkcs8));
        TokenKey key =
            new TokenKey(
                jwk,
                new KeyLedger.StoredTokenKey(
                    jwk.getKeyID(),
                    new Blob(pair.getPublic().getEncoded()),
                    sealed,
                    KeyLedger.KeyState.NEXT,
                    now,
                    now,
                    Instant.EPOCH),
                crypto);
        key.privateKey = crypto.readPrivate(TYPE, pkcs8);
        return key;
      } finally {
        Arrays.fill(pkcs8, (byte) 0);
      }
    } catch (JOSEException | GeneralSecurityException e) {
      throw new IllegalStateException("a key that was just made is good", e);
    }
  }

  /**
   * A key as the ledger has it, still sealed.
   *
   * @throws KeyFault.Failed if its public half is not one that makes its key id
   */
  static TokenKey of(KeyLedger.StoredTokenKey stored, SoftwareCrypto crypto) throws KeyFault {
    try {
      PublicKey read =
          KeyFactory.getInstance(TYPE.keyAlgorithm())
              .generatePublic(new X509EncodedKeySpec(stored.spki().octets()));
      ECKey jwk = jwk((ECPublicKey) read);
      if (!jwk.getKeyID().equals(stored.kid())) {
        throw damaged(stored.kid());
      }
      return new TokenKey(jwk, stored, crypto);
    } catch (GeneralSecurityException
        | JOSEException
        | ClassCastException
        | IllegalArgumentException e) {
      throw new KeyFault.Failed("the token key " + stored.kid() + " can't be read", e);
    }
  }

  private static ECKey jwk(ECPublicKey key) throws JOSEException {
    return new ECKey.Builder(Curve.P_256, key)
        .keyIDFromThumbprint()
        .keyUse(KeyUse.SIGNATURE)
        .algorithm(JWSAlgorithm.ES256)
        .build();
  }

  private static KeyLabel purpose(String kid) {
    return KeyLabel.of("token-key", kid);
  }

  private static KeyFault.Failed damaged(String kid) {
    return new KeyFault.Failed(
        "the two halves of the token key " + kid + " don't belong together: restore a backup");
  }

  /** How the ledger keeps it. */
  KeyLedger.StoredTokenKey stored(KeyLedger.KeyState state) {
    return new KeyLedger.StoredTokenKey(
        kid, new Blob(publicKey.getEncoded()), sealed, state, created, created, Instant.EPOCH);
  }

  /** Unseals the private half, if it isn't yet, and holds it against the public one. */
  void unseal(Sealer sealer) throws KeyFault {
    if (privateKey != null) {
      return;
    }
    byte[] pkcs8 = sealer.unseal(purpose(kid), sealed.octets());
    try {
      PrivateKey opened = crypto.readPrivate(TYPE, pkcs8);
      if (!crypto.verify(
          publicKey, TYPE, CHECKED_MESSAGE, crypto.sign(opened, TYPE, CHECKED_MESSAGE))) {
        throw damaged(kid);
      }
      privateKey = opened;
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      // Without the cause: it may tell of the key.
      throw damaged(kid);
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }

  /** The private half, unsealed already, sealed by another store. */
  Blob sealedBy(Sealer other) throws KeyFault {
    byte[] pkcs8 = unsealed().getEncoded();
    try {
      return other.sealAndTry(purpose(kid), pkcs8);
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }

  private PrivateKey unsealed() {
    PrivateKey key = privateKey;
    if (key == null) {
      throw new IllegalStateException("the token key " + kid + " is still sealed");
    }
    return key;
  }

  boolean isUnsealed() {
    return privateKey != null;
  }

  String kid() {
    return kid;
  }

  ECKey jwk() {
    return jwk;
  }

  Instant created() {
    return created;
  }

  /** Notes that it was made by then, since the clock was ahead when it was. */
  void rebase(Instant now) {
    created = created.isAfter(now) ? now : created;
  }

  /** The latest end that any block of ids under it allows. */
  Instant latestExpiry() {
    return Instant.ofEpochSecond(latestExpiry.get());
  }

  /** Notes that tokens under it may live until then. */
  void mayLiveUntil(Instant expiry) {
    latestExpiry.accumulateAndGet(expiry.getEpochSecond(), Math::max);
  }

  /**
   * Signs those claims.
   *
   * @return JWS compact serialization (RFC 7515 section 7.1) with the header {@code alg}, {@code
   *     kid}, {@code typ}
   */
  String sign(String claims) {
    PrivateKey key = unsealed();
    String input = header + '.' + Base64URL.encode(claims);
    byte[] der = crypto.sign(key, TYPE, input.getBytes(StandardCharsets.US_ASCII));
    try {
      byte[] signature = ECDSA.transcodeSignatureToConcat(der, SIGNATURE_LENGTH);
      return input + '.' + Base64URL.encode(signature);
    } catch (JOSEException e) {
      throw new IllegalStateException("a signature that was just made is DER", e);
    }
  }
}
