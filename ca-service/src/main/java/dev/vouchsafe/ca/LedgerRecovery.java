package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import javax.security.auth.x500.X500Principal;

/**
 * Backups of this ledger, and the steps by which issuing goes on after a restore. Each step looks
 * at what is there, so that one who was killed between two of them goes on where it stood.
 */
final class LedgerRecovery implements Recovery {
  private final Ledger ledger;
  private final AuthorityChanges changes;
  private final AuditKey auditKey;
  private final Supplier<List<AuthorityInfo>> authorities;
  private final Roots roots;
  private final InstantSource clock;
  private final ReentrantLock accepting = new ReentrantLock();

  /** The trust bundle, as it follows the roots. */
  interface Roots {
    /**
     * Has it hold those that the ledger has.
     *
     * @throws IssuanceException if it can't be written
     */
    void follow() throws IssuanceException;
  }

  /**
   * @param authorities as they are when it is asked
   */
  LedgerRecovery(
      Ledger ledger,
      AuthorityChanges changes,
      AuditKey auditKey,
      Supplier<List<AuthorityInfo>> authorities,
      Roots roots,
      InstantSource clock) {
    this.ledger = ledger;
    this.changes = changes;
    this.auditKey = auditKey;
    this.authorities = authorities;
    this.roots = roots;
    this.clock = clock;
  }

  @Override
  public BackupSealer copy(Path folder) throws IOException {
    ledger.copy(folder.resolve(LedgerSchema.FILE));
    return LedgerCopy.sealer(folder);
  }

  @Override
  public byte[] sign(byte[] manifest) throws IssuanceException {
    return auditKey.sign(Restoration.signed(manifest));
  }

  @Override
  public List<LedgerGap> gaps() {
    return ledger.gaps().all();
  }

  @Override
  public String accept(long administrator) throws IssuanceException {
    if (!accepting.tryLock()) {
      throw new IssuanceException(
          Reason.AUTHORITY_UNAVAILABLE, "the gap is being accepted just now: wait for its end");
    }
    try {
      if (!ledger.gaps().isOpen()) {
        throw new IssuanceException(
            Reason.AUTHORITY_STATE, "there is no gap to accept: the ledger knows all it issued");
      }
      ledger.gaps().want(administrator, clock.instant());
      String id = newGeneration(changes.by(actor(administrator)));
      // Before the first certificate: who verifies it must know its root.
      roots.follow();
      ledger.gaps().accepted(clock.instant());
      return id;
    } finally {
      accepting.unlock();
    }
  }

  /** For the journal of rotations. */
  private static String actor(long administrator) {
    return administrator < 0 ? "restore" : "uid " + administrator;
  }

  /** The device CA by which what is issued from now on can be told from what is unknown. */
  private String newGeneration(AuthorityChanges steps) throws IssuanceException {
    int used = ledger.gaps().used(Role.DEVICE);
    Optional<AuthorityInfo> active = device(State.ACTIVE);
    if (active.isPresent() && generation(active.get()) > used) {
      return active.get().id();
    }
    Optional<AuthorityInfo> prepared = device(State.PREPARED);
    if (prepared.isPresent() && generation(prepared.get()) <= used) {
      // It was prepared before the backup: it may have issued, or have been given up, since.
      AuthorityInfo _ = steps.abort(prepared.get().id());
      prepared = Optional.empty();
    }
    String id =
        prepared.isPresent()
            ? prepared.get().id()
            : steps.prepare(Role.DEVICE, Optional.empty()).id();
    // Whoever accepts the gap answers for the time as well: after a restore it may be in doubt.
    return steps.activate(id, true).authority().id();
  }

  /** Under the active root: another may be prepared under the root that is to follow. */
  private Optional<AuthorityInfo> device(State state) {
    List<AuthorityInfo> known = authorities.get();
    Optional<X500Principal> root =
        known.stream()
            .filter(it -> it.role() == Role.ROOT && it.state() == State.ACTIVE)
            .map(it -> it.certificate().getSubjectX500Principal())
            .findFirst();
    return known.stream()
        .filter(it -> it.role() == Role.DEVICE && it.state() == state)
        .filter(it -> root.filter(it.certificate().getIssuerX500Principal()::equals).isPresent())
        .findFirst();
  }

  private static int generation(AuthorityInfo authority) {
    return Integer.parseInt(authority.id().substring(authority.id().lastIndexOf('-') + 1));
  }
}
