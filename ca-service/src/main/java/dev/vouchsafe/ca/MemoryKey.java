package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.time.Duration;
import javax.security.auth.DestroyFailedException;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * The key of an issuing CA. It is in memory only, is written nowhere, and is gone when it is
 * destroyed or the process ends.
 */
final class MemoryKey implements SigningKey {
  private static final System.Logger LOG = System.getLogger(MemoryKey.class.getName());

  /** What was prepared for it is signed by then, or its caller has given up long ago. */
  private static final Duration LAST_USERS = Duration.ofSeconds(10);

  private final SoftwareCrypto crypto;
  private final KeyType type;
  private final PublicKey publicKey;
  private final UnderWay users = new UnderWay();
  private volatile @Nullable PrivateKey privateKey;

  MemoryKey(SoftwareCrypto crypto, KeyType type, KeyPair pair) {
    this.crypto = crypto;
    this.type = type;
    this.publicKey = pair.getPublic();
    this.privateKey = pair.getPrivate();
  }

  @Override
  public void find() throws KeyFault {
    PrivateKey _ = here();
  }

  private PrivateKey here() throws KeyFault {
    PrivateKey key = privateKey;
    if (key == null) {
      throw gone();
    }
    return key;
  }

  private static KeyFault.Unavailable gone() {
    return new KeyFault.Unavailable("the key was in memory and is destroyed");
  }

  @Override
  public boolean hold() {
    return users.enter();
  }

  @Override
  public void letGo() {
    users.leave();
  }

  @Override
  public byte[] sign(Ledger.DurableIntent intent) throws IssuanceException {
    try {
      return verified(intent.redeem());
    } catch (KeyFault.Unavailable e) {
      throw new IssuanceException(Reason.KEY_STORE_UNAVAILABLE, "the key is gone", e);
    } catch (KeyFault e) {
      throw new IssuanceException(Reason.SIGNATURE_FAILED, "the key did not sign", e);
    }
  }

  @Override
  public String prove(X500Principal subject) throws KeyFault {
    if (!hold()) {
      throw gone();
    }
    try {
      byte[] _ = verified(TrialRequest.octets(subject, publicKey));
      return "in memory only";
    } finally {
      letGo();
    }
  }

  private byte[] verified(byte[] message) throws KeyFault {
    byte[] signature = crypto.sign(here(), type, message);
    if (!crypto.verify(publicKey, type, message, signature)) {
      throw new KeyFault.Failed("the signature does not verify");
    }
    return signature;
  }

  /** Has it overwritten, too, where the library can. */
  @Override
  public void destroy() {
    if (!users.close(LAST_USERS)) {
      LOG.log(System.Logger.Level.WARNING, "an issuing CA''s key is destroyed while in use");
    }
    PrivateKey key = privateKey;
    privateKey = null;
    try {
      if (key != null) {
        key.destroy();
      }
    } catch (DestroyFailedException e) {
      // The JDK's own keys can't be; nothing refers to it any more.
      LOG.log(System.Logger.Level.DEBUG, "an issuing CA''s key is left to the collector");
    }
  }
}
