package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.KeyFault;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The steps of a root. All that needs a root's key is done by {@link RootPreparation}. After that
 * only states change, and the bundle follows them.
 */
final class RootSteps {
  private final AuthorityParts parts;
  private final RotationLedger ledger;
  private final RotationJournal journal;
  private final JustStopped stopped;

  private final RootPreparation preparation;

  RootSteps(AuthorityParts parts, RotationJournal journal, JustStopped stopped) {
    this.parts = parts;
    this.ledger = parts.ledger().rotation();
    this.journal = journal;
    this.stopped = stopped;
    this.preparation = new RootPreparation(parts, journal);
  }

  /**
   * @param now whether to do without the old root's word where it can't be had
   */
  CompletableFuture<StepTaken> prepare(
      AuthorityChain chain, Optional<String> keyStore, boolean now, String by)
      throws IssuanceException, KeyFault, IOException {
    return preparation.prepare(chain, keyStore, now, by);
  }

  CompletableFuture<AuthorityInfo> publish(AuthorityChain chain, StoredAuthority root, String by)
      throws IssuanceException, KeyFault, IOException {
    DeviceSteps.require(root, State.PREPARED);
    DeviceSteps.requireValid(parts, root);
    RootBundle bundle = bundle();
    Times.requireTrusted(parts.clock().read());
    // Its readers are told from when on it may sign, and keep that.
    requireCertain(root, "readers of the trust bundle would be told a wrong time", "");
    Map<AuthorityRow, State> changes = Map.of(root.row(), State.PUBLISHED);
    return move(chain, RotationStep.PUBLISH, root, changes, by, RotationLedger.NOTHING_MORE)
        .thenApply(next -> {
          follow(bundle);
          return next.find(root.row().id()).orElseThrow().info();
        });
  }

  private void requireCertain(StoredAuthority root, String why, String or)
      throws IssuanceException {
    if (!parts.clock().isCertain()) {
      throw state(
          root.row().id()
              + " waits: while the time is in doubt, "
              + why
              + ": see `vouchsafe clock status`"
              + or);
    }
  }

  private RootBundle bundle() throws IssuanceException {
    return parts
        .bundle()
        .orElseThrow(() ->
            new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, "there is no trust bundle here"));
  }

  /** The states are on the disk: what the bundle can't take now, it takes soon. */
  private void follow(RootBundle bundle) {
    try {
      bundle.follow(parts.issuers()::chain, parts.clock());
    } catch (IOException e) {
      System.getLogger(RootSteps.class.getName())
          .log(
              System.Logger.Level.ERROR,
              "the trust bundle does not follow the roots yet: {0}",
              e.getMessage());
    }
  }

  private CompletableFuture<AuthorityChain> move(
      AuthorityChain chain,
      RotationStep step,
      StoredAuthority root,
      Map<AuthorityRow, State> changes,
      String by,
      LedgerQueue.Write also)
      throws IssuanceException, KeyFault, IOException {
    AuthorityChain next = chain.with(byNumber(changes));
    return journal.noted(
        Role.ROOT,
        step,
        root.row().id(),
        by,
        number ->
            ledger
                .move(number, root.row().id(), changes, Optional.empty(), also)
                .thenApply(done -> {
                  parts.issuers().become(next);
                  return next;
                }));
  }

  private static Map<Long, State> byNumber(Map<AuthorityRow, State> changes) {
    Map<Long, State> byNumber = new HashMap<>();
    changes.forEach((row, state) -> byNumber.put(row.row(), state));
    return byNumber;
  }

  CompletableFuture<StepTaken> activate(
      AuthorityChain chain, StoredAuthority root, boolean now, String by)
      throws IssuanceException, KeyFault, IOException {
    DeviceSteps.require(root, State.PUBLISHED);
    DeviceSteps.requireValid(parts, root);
    RootBundle bundle = bundle();
    Times.requireTrusted(parts.clock().read());
    if (!now) {
      requireCertain(root, "whether it has waited long enough can't be told", ", or use --now");
    }
    List<String> breaks = breaks(bundle, root);
    if (!chain.isVouchedFor(root, parts.clock().instant())) {
      breaks.add(
          "those who know only " + chain.root().row().id() + ": it does not vouch for the new one");
    }
    if (!now && !breaks.isEmpty()) {
      throw state(root.row().id() + " waits: " + String.join("; ", breaks) + "; or use --now");
    }
    return takeOver(chain, root, RotationStep.ACTIVATE, by, RotationLedger.NOTHING_MORE)
        .thenApply(next -> {
          follow(bundle);
          return new StepTaken(next.root().info(), breaks);
        });
  }

  /** Who would not know the new root, each as a line for people. */
  private List<String> breaks(RootBundle bundle, StoredAuthority root) {
    List<String> breaks = new ArrayList<>();
    Optional<Instant> activates = bundle.activates(root.certificate());
    Instant now = parts.clock().instant();
    if (activates.isEmpty()) {
      breaks.add("the trust bundle does not have it yet");
    } else if (now.isBefore(activates.get())) {
      breaks.add(
          "readers of the trust bundle that nobody knows by name have until "
              + LivingUnder.time(activates.get()));
    }
    for (String reader : bundle.behind()) {
      breaks.add(reader + " has not fetched version " + bundle.sequence() + " of the bundle");
    }
    return breaks;
  }

  /** The device CA that was prepared with the root; another where that one can't sign. */
  private StoredAuthority deviceUnder(AuthorityChain chain, StoredAuthority root)
      throws IssuanceException, KeyFault {
    Optional<StoredAuthority> ready = new GoingBack(parts).deviceUnder(chain, root);
    if (ready.isPresent()) {
      return ready.get();
    }
    RootPreparation.requireHere(root);
    AuthorityKey key = parts.key(root);
    key.find();
    NewAuthority wanted =
        parts.factory().wanted(Role.DEVICE, Optional.of(chain.device().row().keyStore()));
    return parts.factory().prepareDevice(new AuthorityFactory.Made(root, key), wanted).authority();
  }

  /** The same with its device CA; one that had to be made for it does not outlast a failure. */
  private CompletableFuture<AuthorityChain> takeOver(
      AuthorityChain chain,
      StoredAuthority root,
      RotationStep step,
      String by,
      LedgerQueue.Write also)
      throws IssuanceException, KeyFault, IOException {
    DeviceSteps.requireUnrevoked(parts, root);
    StoredAuthority device = deviceUnder(chain, root);
    boolean begun = false;
    try {
      CompletableFuture<AuthorityChain> taken = takeOver(chain, root, device, step, by, also);
      begun = true;
      return taken.whenComplete((done, failure) -> {
        if (failure != null) {
          giveUpIfMade(chain, device);
        }
      });
    } finally {
      if (!begun) {
        giveUpIfMade(chain, device);
      }
    }
  }

  private void giveUpIfMade(AuthorityChain before, StoredAuthority device) {
    if (before.find(device.row().id()).isEmpty()) {
      parts.ledger().giveUp(device.row());
    }
  }

  /** Root and device CA take over together: no leaf is ever under a root that is not active. */
  private CompletableFuture<AuthorityChain> takeOver(
      AuthorityChain chain,
      StoredAuthority root,
      StoredAuthority device,
      RotationStep step,
      String by,
      LedgerQueue.Write also)
      throws IssuanceException, KeyFault, IOException {
    DeviceSteps.requireValid(parts, device);
    DeviceSteps.requireUnrevoked(parts, device);
    String _ = parts.key(device).prove(device.certificate().getSubjectX500Principal());
    AuthorityChain known = chain.find(device.row().id()).isPresent() ? chain : chain.with(device);
    Map<AuthorityRow, State> changes = new HashMap<>();
    changes.put(root.row(), State.ACTIVE);
    changes.put(chain.root().row(), State.RETIRING);
    changes.put(device.row(), State.ACTIVE);
    changes.put(chain.device().row(), State.RETIRING);
    for (StoredAuthority left : chain.in(Role.DEVICE, State.PREPARED)) {
      // Its root retires: it will not issue.
      changes.putIfAbsent(left.row(), State.RETIRED);
    }
    AuthorityChain next = known.with(byNumber(changes));
    // Of an abort, the one that was given up.
    String about = step == RotationStep.ABORT ? chain.root().row().id() : root.row().id();
    return journal.noted(
        Role.ROOT,
        step,
        about,
        by,
        number ->
            parts
                .services()
                .moveTo(
                    parts.stores().named(device.row().keyStore()),
                    anew -> ledger.move(number, about, changes, anew, also),
                    () -> {
                      stopped.stopped(chain.root().row().row());
                      stopped.stopped(chain.device().row().row());
                      parts.issuers().become(next);
                    })
                .thenCompose(done -> parts.issuers().ready())
                .thenApply(done -> next));
  }

  CompletableFuture<StepTaken> retire(
      AuthorityChain chain, StoredAuthority root, boolean now, String by)
      throws IssuanceException, KeyFault, IOException {
    DeviceSteps.require(root, State.RETIRING);
    RootBundle bundle = bundle();
    Instant time = parts.clock().instant();
    if (!now) {
      // After the time was read: a jump that is seen then is doubted already.
      DeviceSteps.requireCertain(parts, root.row().id());
    }
    List<StoredAuthority> devices = chain.devicesUnder(root);
    LivingUnder under = LivingUnder.of(chain, devices, ledger.living(time), time);
    List<String> breaks = under.modules(ledger, time);
    if (!now && !under.isEmpty()) {
      throw state(
          "chains to "
              + root.row().id()
              + " live: "
              + under.text()
              + (breaks.isEmpty() ? "" : " (" + String.join("; ", breaks) + ")")
              + ": wait until then, or use --now");
    }
    Optional<String> beyond = beyond(chain, root, time);
    if (!now && beyond.isPresent()) {
      throw state(beyond.get() + ": wait until then, or use --now");
    }
    beyond.ifPresent(breaks::add);
    if (!now) {
      DeviceSteps.requireStopped(stopped.left(chain, root), root.row().id(), time);
    }
    Map<AuthorityRow, State> changes = new HashMap<>();
    changes.put(root.row(), State.RETIRED);
    for (StoredAuthority device : devices) {
      // Also one that was made to go back to it, where that was cut off.
      if (device.row().state() != State.RETIRED) {
        changes.put(device.row(), State.RETIRED);
      }
    }
    return move(chain, RotationStep.RETIRE, root, changes, by, RotationLedger.NOTHING_MORE)
        .thenApply(next -> {
          follow(bundle);
          return new StepTaken(next.find(root.row().id()).orElseThrow().info(), breaks);
        });
  }

  /** Whom only a retiring root that is still in the bundle lets follow, as a line for people. */
  static Optional<String> beyond(AuthorityChain chain, StoredAuthority retiring, Instant now) {
    return chain
        .beyondUntil(retiring, now)
        .map(until ->
            "those who know only what is "
                + (retiring.above().isEmpty() ? "before " : "over ")
                + retiring.row().id()
                + " follow by it until "
                + LivingUnder.time(until));
  }

  CompletableFuture<AuthorityInfo> abort(AuthorityChain chain, StoredAuthority root, String by)
      throws IssuanceException, KeyFault, IOException {
    String id = root.row().id();
    if (root.row().state() == State.ACTIVE) {
      StoredAuthority old = new GoingBack(parts).requireRoot(chain);
      return takeOver(chain, old, RotationStep.ABORT, by, revoking(root))
          .thenApply(next -> followed(next, id));
    }
    if (root.row().state() != State.PUBLISHED) {
      DeviceSteps.require(root, State.PREPARED);
    }
    Map<AuthorityRow, State> changes = new HashMap<>();
    changes.put(root.row(), State.RETIRED);
    for (StoredAuthority device : chain.devicesUnder(root)) {
      if (device.row().state() == State.PREPARED) {
        changes.put(device.row(), State.RETIRED);
      }
    }
    LedgerQueue.Write also =
        root.row().state() == State.PUBLISHED ? revoking(root) : RotationLedger.NOTHING_MORE;
    return move(chain, RotationStep.ABORT, root, changes, by, also)
        .thenApply(next -> followed(next, id));
  }

  /**
   * Who trusted it once may still be shown what it signs, by whoever has its key: the old root says
   * on its list that it vouches for it no longer.
   */
  private LedgerQueue.Write revoking(StoredAuthority root) {
    Instant now = parts.clock().instant();
    return statements -> CrossLedger.revokeOf(statements, root.row(), now);
  }

  private AuthorityInfo followed(AuthorityChain next, String id) {
    parts.bundle().ifPresent(this::follow);
    return next.find(id).orElseThrow().info();
  }

  private static IssuanceException state(String what) {
    return new IssuanceException(Reason.AUTHORITY_STATE, what);
  }
}
