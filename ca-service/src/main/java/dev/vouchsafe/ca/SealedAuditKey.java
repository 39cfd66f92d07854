package dev.vouchsafe.ca;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.crypto.impl.ECDSA;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The audit key, sealed in the ledger.
 *
 * <p>It is made where the ledger has none. One that is there and can't be unsealed is never
 * replaced: a log whose checkpoints are by several keys can't be told from one that was forged.
 */
final class SealedAuditKey implements AuditKey {
  private static final System.Logger LOG = System.getLogger(SealedAuditKey.class.getName());
  private static final KeyType TYPE = KeyType.EC_P256;
  private static final KeyLabel PURPOSE = KeyLabel.of("audit-key");
  private static final int SIGNATURE_LENGTH = 64;

  /** A store that is away is asked so seldom that it doesn't notice. */
  private static final long TRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final byte[] CHECKED_MESSAGE =
      "vouchsafe audit key check".getBytes(StandardCharsets.US_ASCII);

  private final KeyLedger ledger;
  private final Sealer sealer;
  private final SoftwareCrypto crypto;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final ReentrantLock preparing = new ReentrantLock();
  private final AtomicBoolean trying = new AtomicBoolean();
  private final ThreadPoolExecutor background = IdleThreads.one("vouchsafe-audit-key");

  /** When it may be tried again; for whoever has {@code trying}. */
  private long nextTry;

  private volatile @Nullable ECPublicKey publicKey;
  private volatile @Nullable PrivateKey privateKey;

  SealedAuditKey(
      KeyLedger ledger, Sealer sealer, SoftwareCrypto crypto, InstantSource clock, Pace pace) {
    this.ledger = ledger;
    this.sealer = sealer;
    this.crypto = crypto;
    this.clock = clock;
    this.nanoTime = pace.nanoTime();
    this.nextTry = nanoTime.getAsLong();
  }

  @Override
  public Optional<ECPublicKey> publicKey() {
    ECPublicKey known = publicKey;
    if (known == null) {
      tryAgain();
    }
    return Optional.ofNullable(known);
  }

  @Override
  public byte[] sign(byte[] octets) throws IssuanceException {
    PrivateKey key = privateKey;
    if (key == null) {
      tryAgain();
      throw new IssuanceException(Reason.KEY_STORE_UNAVAILABLE, "the audit key is still sealed");
    }
    try {
      return ECDSA.transcodeSignatureToConcat(crypto.sign(key, TYPE, octets), SIGNATURE_LENGTH);
    } catch (JOSEException e) {
      throw new IllegalStateException("a signature that was just made is DER", e);
    }
  }

  /**
   * On a thread of its own: a store that hangs must not hold up who writes the log. Now and then
   * only, however often the key is wanted.
   */
  private void tryAgain() {
    if (!trying.compareAndSet(false, true)) {
      return;
    }
    long now = nanoTime.getAsLong();
    if (now - nextTry < 0) {
      trying.set(false);
    } else {
      nextTry = now + TRY_NANOS;
      boolean begun = false;
      try {
        background.execute(() -> {
          try {
            prepare();
          } catch (KeyFault | IssuanceException e) {
            LOG.log(System.Logger.Level.DEBUG, "the audit key: {0}", e.getMessage());
          } finally {
            trying.set(false);
          }
        });
        begun = true;
      } finally {
        if (!begun) {
          trying.set(false);
        }
      }
    }
  }

  /**
   * Makes it, or unseals it, unless that was done.
   *
   * @throws KeyFault what the store said
   * @throws IssuanceException if the ledger can't be read or written
   */
  void prepare() throws KeyFault, IssuanceException {
    preparing.lock();
    try {
      if (privateKey != null) {
        return;
      }
      Optional<KeyLedger.StoredAuditKey> stored = ledger.auditKey();
      if (stored.isPresent()) {
        unseal(stored.get());
      } else {
        make();
      }
    } finally {
      preparing.unlock();
    }
  }

  private void make() throws KeyFault, IssuanceException {
    KeyPair pair = crypto.generate(TYPE);
    byte[] pkcs8 = pair.getPrivate().getEncoded();
    try {
      PrivateKey read = crypto.readPrivate(TYPE, pkcs8);
      Blob sealed = new Blob(sealer.seal(PURPOSE, pkcs8));
      ledger.keepAuditKey(
          new KeyLedger.StoredAuditKey(new Blob(pair.getPublic().getEncoded()), sealed),
          clock.instant());
      publicKey = (ECPublicKey) pair.getPublic();
      privateKey = read;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a key that was just made is good", e);
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }

  private void unseal(KeyLedger.StoredAuditKey stored) throws KeyFault {
    ECPublicKey known = read(stored.spki());
    publicKey = known;
    byte[] pkcs8 = sealer.unseal(PURPOSE, stored.sealed().octets());
    try {
      PrivateKey opened = crypto.readPrivate(TYPE, pkcs8);
      byte[] tried = crypto.sign(opened, TYPE, CHECKED_MESSAGE);
      if (!crypto.verify(known, TYPE, CHECKED_MESSAGE, tried)) {
        throw damaged();
      }
      privateKey = opened;
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      // Without the cause: it may tell of the key.
      throw damaged();
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }

  /**
   * Throws unless that sealer opens the sealed half, it belongs to the public one, and that one
   * verifies the signature.
   *
   * @param signature r and s, 32 octets each
   */
  static void prove(
      KeyLedger.StoredAuditKey stored,
      Sealer sealer,
      SoftwareCrypto crypto,
      byte[] octets,
      byte[] signature)
      throws KeyFault {
    ECPublicKey known = read(stored.spki());
    byte[] pkcs8 = sealer.unseal(PURPOSE, stored.sealed().octets());
    try {
      byte[] tried = crypto.sign(crypto.readPrivate(TYPE, pkcs8), TYPE, CHECKED_MESSAGE);
      if (!crypto.verify(known, TYPE, CHECKED_MESSAGE, tried)) {
        throw damaged();
      }
      if (signature.length != SIGNATURE_LENGTH
          || !crypto.verify(known, TYPE, octets, ECDSA.transcodeSignatureToDER(signature))) {
        throw new KeyFault.Failed("the signature is not by the audit key");
      }
    } catch (GeneralSecurityException | JOSEException | IllegalArgumentException e) {
      // Without the cause: it may tell of the key.
      throw damaged();
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }

  private static ECPublicKey read(Blob spki) throws KeyFault {
    try {
      return (ECPublicKey)
          KeyFactory.getInstance(TYPE.keyAlgorithm())
              .generatePublic(new X509EncodedKeySpec(spki.octets()));
    } catch (GeneralSecurityException | ClassCastException e) {
      throw new KeyFault.Failed("the audit key can't be read: restore a backup", e);
    }
  }

  private static KeyFault.Failed damaged() {
    return new KeyFault.Failed(
        "the two halves of the audit key don't belong together: restore a backup");
  }

  /**
   * The private half, sealed by another store as well.
   *
   * @throws KeyFault if that store can't, or it is still sealed and can't be unsealed
   */
  Blob sealedBy(Sealer other) throws KeyFault, IssuanceException {
    prepare();
    PrivateKey key = privateKey;
    if (key == null) {
      throw new IllegalStateException("the audit key was prepared");
    }
    byte[] pkcs8 = key.getEncoded();
    try {
      return other.sealAndTry(PURPOSE, pkcs8);
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }
}
