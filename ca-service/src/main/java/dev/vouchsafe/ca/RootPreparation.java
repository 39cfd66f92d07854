package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.KeyFault;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Makes all that needs a root's key: the next root, the two certificates by which old and new vouch
 * for each other, and a device CA under the new one.
 *
 * <p>An old root that has ended, or whose key is lost, vouches for none. It keeps nobody from
 * another root for ever: that one is made without, if an administrator says so, and is told who
 * can't follow.
 */
final class RootPreparation {
  /** Under the old root are the new one, a device CA and an issuing CA. */
  private static final int LEAST_ROOM = 3;

  private static final Duration WAITS = Duration.ofSeconds(10);

  private final AuthorityParts parts;
  private final RotationLedger ledger;
  private final RotationJournal journal;

  RootPreparation(AuthorityParts parts, RotationJournal journal) {
    this.parts = parts;
    this.ledger = parts.ledger().rotation();
    this.journal = journal;
  }

  /**
   * The root before, as the next one needs it.
   *
   * @param key what signs for it; none if it can't vouch for another
   * @param breaks who can't follow then, each as a line for people
   */
  private record Before(StoredAuthority root, Optional<AuthorityKey> key, List<String> breaks) {}

  /**
   * @param now whether to do without the old root's word where it can't be had
   */
  CompletableFuture<StepTaken> prepare(
      AuthorityChain chain, Optional<String> keyStore, boolean now, String by)
      throws IssuanceException, KeyFault, IOException {
    for (StoredAuthority other : chain.all()) {
      AuthorityRow row = other.row();
      if (row.role() == Role.ROOT && row.state() != State.ACTIVE && row.state() != State.RETIRED) {
        throw state(
            row.id() + " is " + row.stateText() + ": end that rotation first, or give it up");
      }
    }
    requireHere(chain.root());
    Times.requireTrusted(parts.clock().read());
    Before before = before(chain.root(), now);
    NewAuthority root = DeviceSteps.wanted(parts, Role.ROOT, keyStore);
    NewAuthority device = device(chain.device(), root, now);
    return journal.noted(
        Role.ROOT,
        RotationStep.PREPARE,
        "",
        by,
        number -> {
          StepTaken made = make(number, before, root, device, now);
          parts.issuers().become(parts.chain());
          return CompletableFuture.completedFuture(made);
        });
  }

  /**
   * Where the present one is, since to move it is another step. But what is lost comes back to no
   * key store: then it goes with the root, and what was sealed there follows when it takes over.
   */
  private NewAuthority device(StoredAuthority present, NewAuthority root, boolean now)
      throws KeyFault {
    String store = present.row().keyStore();
    boolean lost =
        now && !store.equals(root.keyStore()) && deafness(present, parts.key(present)).isPresent();
    return parts.factory().wanted(Role.DEVICE, Optional.of(lost ? root.keyStore() : store));
  }

  static void requireHere(StoredAuthority root) throws IssuanceException {
    if (root.row().isOutside()) {
      throw state(
          "the key of "
              + root.row().id()
              + " is with others: it can't vouch for another root here; see docs/outside-roots.md");
    }
  }

  private Before before(StoredAuthority root, boolean now) throws IssuanceException, KeyFault {
    Optional<String> obstacle = obstacle(root);
    AuthorityKey key = parts.key(root);
    if (now && obstacle.isEmpty()) {
      obstacle = deafness(root, key);
    } else if (!now) {
      requireNone(root, obstacle);
      find(root, key);
    }
    return obstacle.isEmpty()
        ? new Before(root, Optional.of(key), List.of())
        : new Before(root, Optional.empty(), List.of(cutOff(root, obstacle.get())));
  }

  private static String cutOff(StoredAuthority root, String why) {
    return "those who know only "
        + root.row().id()
        + " ("
        + why
        + "): they refuse all under the new root until they have the trust bundle with it";
  }

  private Optional<String> obstacle(StoredAuthority root) throws IssuanceException {
    if (hasEnded(root)) {
      return Optional.of(root.row().id() + " ended at " + LivingUnder.time(root.end()));
    }
    if (hasNotBegun(root)) {
      return Optional.of(
          root.row().id()
              + " begins at "
              + LivingUnder.time(root.certificate().getNotBefore().toInstant()));
    }
    List<X509Certificate> over = new ArrayList<>(List.of(root.certificate()));
    over.addAll(root.above());
    for (int i = 0; i < over.size(); i++) {
      if (over.get(i).getBasicConstraints() < LEAST_ROOM + i) {
        return Optional.of(
            "the path length of "
                + (i == 0 ? root.row().id() : "a CA over " + root.row().id())
                + " leaves no room for another root under it");
      }
    }
    return Optional.empty();
  }

  private boolean hasEnded(StoredAuthority root) {
    return !parts.clock().instant().isBefore(root.end());
  }

  /** It was made by a clock that was ahead. */
  private boolean hasNotBegun(StoredAuthority root) {
    return parts.clock().instant().isBefore(root.certificate().getNotBefore().toInstant());
  }

  /** Why its key does not sign, if it doesn't. */
  private static Optional<String> deafness(StoredAuthority root, AuthorityKey key) {
    try {
      String _ = key.prove(root.certificate().getSubjectX500Principal());
      return Optional.empty();
    } catch (KeyFault e) {
      return Optional.of("its key does not sign: " + e.getMessage());
    }
  }

  private static void requireNone(StoredAuthority root, Optional<String> obstacle)
      throws IssuanceException {
    if (obstacle.isPresent()) {
      throw state(obstacle.get() + withNow(root));
    }
  }

  private static void find(StoredAuthority root, AuthorityKey key)
      throws KeyFault.Unavailable, IssuanceException {
    try {
      key.find();
    } catch (KeyFault.Unavailable e) {
      throw e;
    } catch (KeyFault e) {
      throw new IssuanceException(Reason.SIGNATURE_FAILED, e.getMessage() + withNow(root), e);
    }
  }

  private static String withNow(StoredAuthority root) {
    return "; if that can't be mended, `vouchsafe ca prepare --authority root --now` makes a root"
        + " that "
        + root.row().id()
        + " does not vouch for";
  }

  private StepTaken make(
      long number, Before before, NewAuthority root, NewAuthority device, boolean now)
      throws IssuanceException, KeyFault {
    List<AuthorityRow> made = new ArrayList<>();
    boolean finished = false;
    try {
      AuthorityFactory.Made next = parts.factory().prepareRoot(root);
      made.add(next.authority().row());
      Optional<X509Certificate> newWithOld = Optional.empty();
      if (before.key().isPresent()) {
        newWithOld =
            Optional.of(
                parts
                    .factory()
                    .cross(
                        next.authority(),
                        new AuthorityFactory.Made(before.root(), before.key().get())));
      }
      if (!hasEnded(before.root())
          && !hasNotBegun(before.root())
          && before.root().above().isEmpty()) {
        X509Certificate _ = parts.factory().cross(before.root(), next);
      }
      StoredAuthority under = parts.factory().prepareDevice(next, device).authority();
      made.add(under.row());
      Optional<String> disbelief =
          newWithOld.isPresent()
              ? disbelief(before.root(), newWithOld.get(), under)
              : Optional.empty();
      if (disbelief.isPresent() && !now) {
        throw state("nothing was made: " + disbelief.get() + withNow(before.root()));
      }
      List<String> breaks =
          disbelief.map(why -> List.of(cutOff(before.root(), why))).orElse(before.breaks());
      done(number, next.authority().row(), disbelief.isPresent());
      finished = true;
      return new StepTaken(next.authority().info(), breaks);
    } finally {
      if (!finished) {
        made.forEach(parts.ledger()::giveUp);
        ledger.undone(number);
      }
    }
  }

  /**
   * @param alone whether what vouches for it would help nobody: it is not to be in any chain
   */
  private void done(long number, AuthorityRow root, boolean alone) throws IssuanceException {
    Instant time = parts.clock().instant();
    LedgerQueue.Write also =
        alone
            ? statements -> CrossLedger.revokeOf(statements, root, time)
            : RotationLedger.NOTHING_MORE;
    KeyLedger.await(ledger.move(number, root.id(), Map.of(), Optional.empty(), also), WAITS);
  }

  /** Why those who know only the old root, or the one over it, will not believe it, if so. */
  private Optional<String> disbelief(
      StoredAuthority old, X509Certificate newWithOld, StoredAuthority device) {
    List<X509Certificate> chain = new ArrayList<>(List.of(newWithOld, old.certificate()));
    chain.addAll(old.above());
    try {
      new OutsideChain(chain).validate(Optional.of(device.certificate()), parts.clock().instant());
      return Optional.empty();
    } catch (OutsideException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static IssuanceException state(String what) {
    return new IssuanceException(Reason.AUTHORITY_STATE, what);
  }
}
