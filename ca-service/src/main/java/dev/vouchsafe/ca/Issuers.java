package dev.vouchsafe.ca;

import dev.vouchsafe.keys.SoftwareCrypto;
import java.time.Duration;
import java.util.List;

/**
 * Who issues just now. It changes as a whole from one request to the next; what was prepared for an
 * issuer is finished with that one.
 */
final class Issuers {
  /** A chain, and the signer that it makes. */
  private record Now(AuthorityChain chain, LeafSigner device) {}

  private final NamedStores stores;
  private final SoftwareCrypto crypto;
  private final Duration leafCap;
  private volatile Now now;

  Issuers(AuthorityChain chain, NamedStores stores, SoftwareCrypto crypto, Duration leafCap) {
    this.stores = stores;
    this.crypto = crypto;
    this.leafCap = leafCap;
    this.now = new Now(chain, signer(chain));
  }

  private LeafSigner signer(AuthorityChain chain) {
    AuthorityKey key = AuthorityKey.of(chain.device(), stores, crypto);
    return new LeafSigner(chain.device(), chain.issuer(), key, leafCap);
  }

  AuthorityChain chain() {
    return now.chain();
  }

  /** The device CA. */
  LeafSigner device() {
    return now.device();
  }

  /** From now on, the authorities are these. */
  synchronized void become(AuthorityChain chain) {
    boolean same = now.device().authority().row().equals(chain.device().row());
    now = new Now(chain, same ? now.device() : signer(chain));
  }

  /** Tries the key of each that may still sign. */
  List<AuthorityProof> prove() {
    return Proofs.of(chain().all(), stores, crypto);
  }
}
