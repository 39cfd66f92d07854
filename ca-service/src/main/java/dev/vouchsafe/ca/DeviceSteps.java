package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.KeyFault;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The steps of a device CA. What a step needs of key stores is done before it is written; what is
 * written is one transaction; and only when that is on the disk does the service follow it.
 */
final class DeviceSteps {
  /** What was prepared for an authority when another took over is signed and recorded by then. */
  static final Duration UNDER_WAY = Duration.ofSeconds(60);

  private final AuthorityParts parts;
  private final RotationLedger ledger;
  private final RotationJournal journal;
  private final JustStopped stopped;

  DeviceSteps(AuthorityParts parts, RotationJournal journal, JustStopped stopped) {
    this.parts = parts;
    this.ledger = parts.ledger().rotation();
    this.journal = journal;
    this.stopped = stopped;
  }

  CompletableFuture<AuthorityInfo> prepare(
      AuthorityChain chain, Optional<String> keyStore, String by)
      throws IssuanceException, KeyFault, IOException {
    if (chain.preparedDevice().isPresent()) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          chain.preparedDevice().get().row().id()
              + " is prepared already: activate it or abort it first");
    }
    if (chain.root().row().isOutside()) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          "the device CA of this home is certified elsewhere: `vouchsafe ca prepare` makes a request"
              + " for the next one");
    }
    requireValid(parts, chain.root());
    AuthorityKey rootKey = parts.key(chain.root());
    rootKey.find();
    NewAuthority wanted = wanted(parts, Role.DEVICE, keyStore);
    return journal.noted(
        Role.DEVICE,
        RotationStep.PREPARE,
        "",
        by,
        number -> {
          AuthorityFactory.Made made =
              parts
                  .factory()
                  .prepareDevice(new AuthorityFactory.Made(chain.root(), rootKey), wanted);
          finish(number, made.authority().row());
          parts.issuers().become(chain.with(made.authority()));
          return CompletableFuture.completedFuture(made.authority().info());
        });
  }

  private void finish(long number, AuthorityRow made) throws IssuanceException {
    boolean finished = false;
    try {
      ledger.done(number, made.id());
      finished = true;
    } finally {
      if (!finished) {
        parts.ledger().giveUp(made);
        ledger.undone(number);
      }
    }
  }

  /** A store that was asked for and can't be had is a mistake in the request or the settings. */
  static NewAuthority wanted(AuthorityParts parts, Role role, Optional<String> keyStore)
      throws KeyFault.Unavailable, IssuanceException {
    try {
      return parts.factory().wanted(role, keyStore);
    } catch (KeyFault.Unavailable e) {
      throw e;
    } catch (KeyFault e) {
      throw new IssuanceException(Reason.REQUEST_INVALID, "keyStore: " + e.getMessage(), e);
    }
  }

  CompletableFuture<StepTaken> activate(
      AuthorityChain chain, StoredAuthority taking, boolean now, String by)
      throws IssuanceException, KeyFault, IOException {
    require(taking, State.PREPARED);
    if (!now) {
      requireBegun(taking);
    }
    if (!AuthorityChain.isUnder(taking, chain.root())) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          taking.row().id() + " is certified by a root that is not active: activate that root");
    }
    return takeOver(chain, taking, RotationStep.ACTIVATE, taking.row().id(), by)
        .thenApply(StepTaken::whole);
  }

  /** One that was made by a clock that is ahead could not issue when the clock comes back. */
  private void requireBegun(StoredAuthority taking) throws IssuanceException {
    if (isDoubtful(parts, taking)) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          taking.row().id()
              + " begins at "
              + LivingUnder.time(taking.certificate().getNotBefore().toInstant())
              + ", and while the time is in doubt nobody can tell that it has come: see `vouchsafe"
              + " clock status`, or use --now");
    }
  }

  /** Whether nobody can tell that the time has come at which that one begins. */
  static boolean isDoubtful(AuthorityParts parts, StoredAuthority taking) {
    Instant begins = taking.certificate().getNotBefore().toInstant();
    return !parts.clock().isCertain() && begins.isAfter(parts.clock().status().floor());
  }

  /** Lets that one issue in the place of the active one, which retires. */
  private CompletableFuture<AuthorityInfo> takeOver(
      AuthorityChain chain, StoredAuthority taking, RotationStep step, String id, String by)
      throws IssuanceException, KeyFault, IOException {
    StoredAuthority retiring = chain.device();
    requireValid(parts, taking);
    requireUnrevoked(parts, taking);
    String _ = parts.key(taking).prove(taking.certificate().getSubjectX500Principal());
    // Held against each other, the root and the settings before it is written, not after.
    AuthorityChain next =
        chain.with(Map.of(taking.row().row(), State.ACTIVE, retiring.row().row(), State.RETIRING));
    Map<AuthorityRow, State> changes =
        Map.of(taking.row(), State.ACTIVE, retiring.row(), State.RETIRING);
    return journal.noted(
        Role.DEVICE,
        step,
        id,
        by,
        number ->
            parts
                .services()
                .moveTo(
                    parts.stores().named(taking.row().keyStore()),
                    anew -> ledger.move(number, id, changes, anew),
                    () -> follow(next, retiring.row()))
                // Soon: so that the first request finds the issuing CA, if there is to be one.
                .thenCompose(done -> parts.issuers().ready())
                .thenApply(done -> next.find(id).orElseThrow().info()));
  }

  /** From now on the authorities are these, and that one signs no more. */
  void follow(AuthorityChain next, AuthorityRow retiring) {
    stopped.stopped(retiring.row());
    parts.issuers().become(next);
  }

  CompletableFuture<StepTaken> retire(
      AuthorityChain chain, StoredAuthority ending, boolean now, String by)
      throws IssuanceException, KeyFault, IOException {
    require(ending, State.RETIRING);
    String id = ending.row().id();
    Instant time = parts.clock().instant();
    if (!now) {
      // After the time was read: a jump that is seen then is doubted already.
      requireCertain(parts, id);
    }
    LivingUnder under = LivingUnder.of(chain, List.of(ending), ledger.living(time), time);
    List<String> breaks = under.modules(ledger, time);
    if (!now && !under.isEmpty()) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          id
              + " has "
              + under.text()
              + (breaks.isEmpty() ? "" : " (" + String.join("; ", breaks) + ")")
              + ": wait until then, or use --now");
    }
    if (!now) {
      requireStopped(stopped.left(chain, ending), id, time);
    }
    AuthorityChain next = chain.with(Map.of(ending.row().row(), State.RETIRED));
    return journal.noted(
        Role.DEVICE,
        RotationStep.RETIRE,
        id,
        by,
        number ->
            ledger
                .move(number, id, Map.of(ending.row(), State.RETIRED), Optional.empty())
                .thenApply(done -> {
                  parts.issuers().become(next);
                  return new StepTaken(next.find(id).orElseThrow().info(), breaks);
                }));
  }

  /**
   * What it signed last may not be in the ledger yet.
   *
   * @param left for how long
   */
  static void requireStopped(Duration left, String id, Instant time) throws IssuanceException {
    if (!left.isZero()) {
      throw new IssuanceException(
          Reason.AUTHORITY_WAITS,
          id
              + " signed until a moment ago, and what it signed may not be in the ledger yet: it"
              + " can retire from "
              + LivingUnder.time(time.plus(left))
              + ", or with --now",
          left);
    }
  }

  CompletableFuture<AuthorityInfo> abort(AuthorityChain chain, StoredAuthority given, String by)
      throws IssuanceException, KeyFault, IOException {
    String id = given.row().id();
    if (given.row().state() == State.ACTIVE) {
      return takeOver(chain, new GoingBack(parts).requireDevice(chain), RotationStep.ABORT, id, by);
    }
    require(given, State.PREPARED);
    requireAlone(chain, given);
    AuthorityChain next = chain.with(Map.of(given.row().row(), State.RETIRED));
    return journal.noted(
        Role.DEVICE,
        RotationStep.ABORT,
        id,
        by,
        number ->
            ledger
                .move(number, id, Map.of(given.row(), State.RETIRED), Optional.empty())
                .thenApply(done -> {
                  parts.issuers().become(next);
                  return next.find(id).orElseThrow().info();
                }));
  }

  /** Without it, a root that is about to take over would need its key again, which may be away. */
  private static void requireAlone(AuthorityChain chain, StoredAuthority given)
      throws IssuanceException {
    for (StoredAuthority root : chain.all()) {
      State state = root.row().state();
      if (root.row().role() == Role.ROOT
          && (state == State.PREPARED || state == State.PUBLISHED)
          && AuthorityChain.isUnder(given, root)) {
        throw new IssuanceException(
            Reason.AUTHORITY_STATE,
            given.row().id()
                + " takes over together with "
                + root.row().id()
                + ": `vouchsafe ca abort --authority root` gives both up");
      }
    }
  }

  /** By a clock that is ahead, what lives seems to have ended: and to retire is for good. */
  static void requireCertain(AuthorityParts parts, String id) throws IssuanceException {
    if (!parts.clock().isCertain()) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          "whether something under "
              + id
              + " lives can't be told while the time is in doubt: see `vouchsafe clock status`, or"
              + " use --now");
    }
  }

  /** Nobody believes what a revoked one signs: it takes over from none, also not to go back. */
  static void requireUnrevoked(AuthorityParts parts, StoredAuthority taking)
      throws IssuanceException {
    if (parts.ledger().rotation().isRevoked(taking.row())) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE, taking.row().id() + " is revoked: prepare another");
    }
  }

  /** To try again helps nobody here, and whoever asked is told what does. */
  static void requireValid(AuthorityParts parts, StoredAuthority authority)
      throws IssuanceException {
    Instant now = parts.clock().instant();
    Instant begin = authority.certificate().getNotBefore().toInstant();
    String id = authority.row().id();
    if (now.isBefore(begin)) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          id
              + " begins at "
              + LivingUnder.time(begin)
              + ": see `vouchsafe clock status`, or wait until then");
    }
    if (!now.isBefore(authority.end())) {
      boolean root = authority.row().role() == Role.ROOT;
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          id
              + " ended at "
              + LivingUnder.time(authority.end())
              + (authority.row().state() == State.ACTIVE
                  ? ": `vouchsafe ca prepare --authority root` begins with another"
                  : ": give it up with `vouchsafe ca abort"
                      + (root ? " --authority root" : "")
                      + "`, and prepare another"));
    }
  }

  static void require(StoredAuthority authority, State wanted) throws IssuanceException {
    if (authority.row().state() != wanted) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          authority.row().id()
              + " is "
              + authority.row().stateText()
              + ", not "
              + AuthorityRow.text(wanted)
              + ": see `vouchsafe ca status`");
    }
  }
}
