package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The two random masters of the modules' keys: sealed in the ledger, in memory once unsealed.
 *
 * <p>They are made once, both together, where the ledger has neither. A master that is there and
 * can't be unsealed is never replaced: every key derived from it would be lost for ever.
 */
final class ModuleMasters {
  /**
   * The masters, as keys of HMAC-SHA256.
   *
   * @param signing from which the signing keys are derived
   * @param data from which the keys of the modules' data are derived
   */
  record Pair(SecretKeySpec signing, SecretKeySpec data) {}

  private static final System.Logger LOG = System.getLogger(ModuleMasters.class.getName());
  private static final int LENGTH = 32;
  private static final String SIGNING = "module-signing";
  private static final String DATA = "module-data";

  private final KeyLedger ledger;
  private final Sealer sealer;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final ReentrantLock unsealing = new ReentrantLock();
  private volatile @Nullable Pair pair;

  /** Whether the log has it that they can't be unsealed; once is enough, they never are again. */
  private boolean sealedTold;

  ModuleMasters(KeyLedger ledger, Sealer sealer, InstantSource clock) {
    this.ledger = ledger;
    this.sealer = sealer;
    this.clock = clock;
  }

  /** Whether they are in memory, where they stay. */
  boolean unsealed() {
    return pair != null;
  }

  /**
   * The masters, unsealed or made now if they were not yet. Only one caller waits for the store;
   * those who come meanwhile are told that it is not there yet.
   */
  Pair get() throws IssuanceException {
    Pair known = pair;
    if (known != null) {
      return known;
    }
    if (!unsealing.tryLock()) {
      known = pair;
      if (known != null) {
        return known;
      }
      throw new IssuanceException(
          Reason.KEY_STORE_UNAVAILABLE, "the masters of the modules' keys are being unsealed");
    }
    try {
      return prepare();
    } catch (KeyFault e) {
      if (!sealedTold) {
        LOG.log(System.Logger.Level.WARNING, "the modules'' keys: {0}", e.getMessage());
        sealedTold = true;
      }
      throw Sealer.answer(e);
    } finally {
      unsealing.unlock();
    }
  }

  /**
   * The same, for the start.
   *
   * @throws KeyFault what the store said
   */
  Pair prepare() throws KeyFault, IssuanceException {
    unsealing.lock();
    try {
      Pair known = pair;
      if (known == null) {
        List<KeyLedger.SealedSecret> stored = ledger.secrets();
        known = stored.isEmpty() ? make() : unseal(stored);
        pair = known;
      }
      return known;
    } finally {
      unsealing.unlock();
    }
  }

  /**
   * The masters, sealed by another store as well.
   *
   * @throws KeyFault if that store can't, or the masters are still sealed and can't be unsealed
   */
  List<KeyLedger.SealedSecret> sealedBy(Sealer other) throws KeyFault, IssuanceException {
    Pair known = prepare();
    return List.of(sealedBy(other, SIGNING, known.signing()), sealedBy(other, DATA, known.data()));
  }

  private static KeyLedger.SealedSecret sealedBy(Sealer other, String name, SecretKeySpec key)
      throws KeyFault {
    byte[] master = key.getEncoded();
    try {
      return new KeyLedger.SealedSecret(name, other.sealAndTry(purpose(name), master));
    } finally {
      Arrays.fill(master, (byte) 0);
    }
  }

  private Pair make() throws KeyFault, IssuanceException {
    byte[] signing = new byte[LENGTH];
    byte[] data = new byte[LENGTH];
    random.nextBytes(signing);
    random.nextBytes(data);
    try {
      ledger.keepSecrets(
          List.of(
              new KeyLedger.SealedSecret(SIGNING, new Blob(sealer.seal(purpose(SIGNING), signing))),
              new KeyLedger.SealedSecret(DATA, new Blob(sealer.seal(purpose(DATA), data)))),
          clock.instant());
      return new Pair(ModuleHmac.key(signing), ModuleHmac.key(data));
    } finally {
      Arrays.fill(signing, (byte) 0);
      Arrays.fill(data, (byte) 0);
    }
  }

  private Pair unseal(List<KeyLedger.SealedSecret> stored) throws KeyFault {
    Map<String, Blob> sealed = new HashMap<>();
    stored.forEach(secret -> sealed.put(secret.name(), secret.sealed()));
    return new Pair(unseal(SIGNING, sealed.get(SIGNING)), unseal(DATA, sealed.get(DATA)));
  }

  private SecretKeySpec unseal(String name, @Nullable Blob sealed) throws KeyFault {
    if (sealed == null) {
      throw new KeyFault.Failed(
          "the ledger has lost the master " + name + ": restore a backup of it");
    }
    byte[] master = sealer.unseal(purpose(name), sealed.octets());
    try {
      if (master.length != LENGTH) {
        throw new KeyFault.Failed("the master " + name + " has a wrong length");
      }
      return ModuleHmac.key(master);
    } finally {
      Arrays.fill(master, (byte) 0);
    }
  }

  private static KeyLabel purpose(String name) {
    return KeyLabel.of("module-master", name);
  }
}
