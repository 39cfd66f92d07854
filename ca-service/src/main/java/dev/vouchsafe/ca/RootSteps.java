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
import org.jspecify.annotations.Nullable;

/**
 * The steps of a root. All that needs a root's key is done when the next one is prepared: the new
 * root, the two certificates by which old and new vouch for each other, and a device CA under the
 * new one. After that only states change, and the bundle follows them.
 */
final class RootSteps {
  private final AuthorityParts parts;
  private final RotationLedger ledger;
  private final RotationJournal journal;

  /** When a root last took over in this process, by {@link Pace#nanoTime}. */
  private volatile @Nullable Long tookOver;

  RootSteps(AuthorityParts parts, RotationJournal journal) {
    this.parts = parts;
    this.ledger = parts.ledger().rotation();
    this.journal = journal;
  }

  CompletableFuture<AuthorityInfo> prepare(
      AuthorityChain chain, Optional<String> keyStore, String by)
      throws IssuanceException, KeyFault, IOException {
    for (StoredAuthority other : chain.all()) {
      AuthorityRow row = other.row();
      if (row.role() == Role.ROOT && row.state() != State.ACTIVE && row.state() != State.RETIRED) {
        throw state(
            row.id() + " is " + row.stateText() + ": end that rotation first, or give it up");
      }
    }
    requireHere(chain.root());
    parts.factory().requireValid(chain.root());
    AuthorityKey oldKey = parts.key(chain.root());
    oldKey.find();
    NewAuthority root = DeviceSteps.wanted(parts, Role.ROOT, keyStore);
    // Where the present one is: to move it is another step.
    NewAuthority device =
        parts.factory().wanted(Role.DEVICE, Optional.of(chain.device().row().keyStore()));
    return journal.noted(
        Role.ROOT,
        RotationStep.PREPARE,
        "",
        by,
        number -> {
          AuthorityFactory.Made old = new AuthorityFactory.Made(chain.root(), oldKey);
          AuthorityInfo made = prepare(number, old, root, device);
          parts.issuers().become(parts.chain());
          return CompletableFuture.completedFuture(made);
        });
  }

  private AuthorityInfo prepare(
      long number, AuthorityFactory.Made old, NewAuthority root, NewAuthority device)
      throws IssuanceException, KeyFault {
    List<AuthorityRow> made = new ArrayList<>();
    boolean finished = false;
    try {
      AuthorityFactory.Made next = parts.factory().prepareRoot(root);
      made.add(next.authority().row());
      parts.factory().cross(next.authority(), old);
      parts.factory().cross(old.authority(), next);
      made.add(parts.factory().prepareDevice(next, device).authority().row());
      ledger.done(number, next.authority().row().id());
      finished = true;
      return next.authority().info();
    } finally {
      if (!finished) {
        made.forEach(parts.ledger()::giveUp);
      }
    }
  }

  private static void requireHere(StoredAuthority root) throws IssuanceException {
    if (root.row().isOutside()) {
      throw state(
          "the key of "
              + root.row().id()
              + " is with others: it can't vouch for another root here; see docs/outside-roots.md");
    }
  }

  CompletableFuture<AuthorityInfo> publish(AuthorityChain chain, StoredAuthority root, String by)
      throws IssuanceException, KeyFault, IOException {
    DeviceSteps.require(root, State.PREPARED);
    requireVouchedFor(chain, root);
    parts.factory().requireValid(root);
    RootBundle bundle = bundle();
    Times.requireTrusted(parts.clock().read());
    Map<AuthorityRow, State> changes = Map.of(root.row(), State.PUBLISHED);
    return move(chain, RotationStep.PUBLISH, root, changes, by)
        .thenApply(next -> {
          follow(bundle, next);
          return next.find(root.row().id()).orElseThrow().info();
        });
  }

  private static void requireVouchedFor(AuthorityChain chain, StoredAuthority root)
      throws IssuanceException {
    if (!chain.isVouchedFor(root)) {
      throw state(root.row().id() + " was prepared in part only: give it up, and prepare another");
    }
  }

  private RootBundle bundle() throws IssuanceException {
    return parts
        .bundle()
        .orElseThrow(() ->
            new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, "there is no trust bundle here"));
  }

  /** The states are on the disk: what the bundle can't take now, it takes soon. */
  private void follow(RootBundle bundle, AuthorityChain next) {
    try {
      bundle.follow(next, parts.clock().instant());
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
      String by)
      throws IssuanceException, KeyFault, IOException {
    AuthorityChain next = chain.with(byNumber(changes));
    return journal.noted(
        Role.ROOT,
        step,
        root.row().id(),
        by,
        number ->
            ledger
                .move(number, root.row().id(), changes, Optional.empty())
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
    requireVouchedFor(chain, root);
    parts.factory().requireValid(root);
    RootBundle bundle = bundle();
    Times.requireTrusted(parts.clock().read());
    List<String> breaks = breaks(bundle, root);
    if (!now && !breaks.isEmpty()) {
      throw state(root.row().id() + " waits: " + String.join("; ", breaks) + "; or use --now");
    }
    StoredAuthority device = deviceUnder(chain, root);
    return takeOver(chain, root, device, RotationStep.ACTIVATE, by)
        .thenApply(next -> {
          follow(bundle, next);
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

  /** The device CA that was prepared with the root; another where that was given up or ended. */
  private StoredAuthority deviceUnder(AuthorityChain chain, StoredAuthority root)
      throws IssuanceException, KeyFault {
    Instant now = parts.clock().instant();
    Optional<StoredAuthority> ready =
        chain.devicesUnder(root).stream()
            .filter(it -> it.row().state() != State.RETIRED)
            .filter(it -> now.isBefore(it.certificate().getNotAfter().toInstant()))
            .reduce((older, newer) -> newer);
    if (ready.isPresent()) {
      return ready.get();
    }
    requireHere(root);
    AuthorityKey key = parts.key(root);
    key.find();
    NewAuthority wanted =
        parts.factory().wanted(Role.DEVICE, Optional.of(chain.device().row().keyStore()));
    return parts.factory().prepareDevice(new AuthorityFactory.Made(root, key), wanted).authority();
  }

  /** Root and device CA take over together: no leaf is ever under a root that is not active. */
  private CompletableFuture<AuthorityChain> takeOver(
      AuthorityChain chain,
      StoredAuthority root,
      StoredAuthority device,
      RotationStep step,
      String by)
      throws IssuanceException, KeyFault, IOException {
    parts.factory().requireValid(device);
    DeviceSteps.requireUnrevoked(parts, root);
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
                    anew -> ledger.move(number, about, changes, anew),
                    () -> {
                      tookOver = parts.pace().nanoTime().getAsLong();
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
    if (!now) {
      DeviceSteps.requireCertain(parts, root.row().id());
    }
    Instant time = parts.clock().instant();
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
    Long since = tookOver;
    if (!now
        && since != null
        && parts.pace().nanoTime().getAsLong() - since < DeviceSteps.UNDER_WAY.toNanos()) {
      throw state(
          "a chain to "
              + root.row().id()
              + " may have been signed a moment ago: try again in a minute, or use --now");
    }
    Map<AuthorityRow, State> changes = new HashMap<>();
    changes.put(root.row(), State.RETIRED);
    for (StoredAuthority device : devices) {
      if (device.row().state() == State.RETIRING) {
        changes.put(device.row(), State.RETIRED);
      }
    }
    return move(chain, RotationStep.RETIRE, root, changes, by)
        .thenApply(next -> {
          follow(bundle, next);
          return new StepTaken(next.find(root.row().id()).orElseThrow().info(), breaks);
        });
  }

  CompletableFuture<AuthorityInfo> abort(AuthorityChain chain, StoredAuthority root, String by)
      throws IssuanceException, KeyFault, IOException {
    String id = root.row().id();
    if (root.row().state() == State.ACTIVE) {
      StoredAuthority old = before(chain, root);
      return takeOver(chain, old, deviceUnder(chain, old), RotationStep.ABORT, by)
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
    return move(chain, RotationStep.ABORT, root, changes, by).thenApply(next -> followed(next, id));
  }

  private AuthorityInfo followed(AuthorityChain next, String id) {
    parts.bundle().ifPresent(bundle -> follow(bundle, next));
    return next.find(id).orElseThrow().info();
  }

  private static StoredAuthority before(AuthorityChain chain, StoredAuthority active)
      throws IssuanceException {
    return chain.in(Role.ROOT, State.RETIRING).stream()
        .filter(it -> it.row().generation() < active.row().generation())
        .reduce((older, newer) -> newer)
        .orElseThrow(() ->
            state(
                active.row().id()
                    + " is active, and there is none before it to go back to: prepare another"));
  }

  private static IssuanceException state(String what) {
    return new IssuanceException(Reason.AUTHORITY_STATE, what);
  }
}
