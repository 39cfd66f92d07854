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
import java.util.concurrent.ConcurrentHashMap;

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

  /** When each that retires in this process stopped to sign, by {@link Pace#nanoTime}. */
  private final Map<Long, Long> stopped = new ConcurrentHashMap<>();

  DeviceSteps(AuthorityParts parts, RotationJournal journal) {
    this.parts = parts;
    this.ledger = parts.ledger().rotation();
    this.journal = journal;
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
          "the device CA of this home is certified elsewhere: stop the service, then `vouchsafe ca"
              + " prepare` makes a request for the next one");
    }
    parts.factory().requireValid(chain.root());
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

  CompletableFuture<StepTaken> activate(AuthorityChain chain, StoredAuthority taking, String by)
      throws IssuanceException, KeyFault, IOException {
    require(taking, State.PREPARED);
    if (!AuthorityChain.isUnder(taking, chain.root())) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          taking.row().id() + " is certified by a root that is not active: activate that root");
    }
    return takeOver(chain, taking, RotationStep.ACTIVATE, taking.row().id(), by)
        .thenApply(StepTaken::whole);
  }

  /** Lets that one issue in the place of the active one, which retires. */
  private CompletableFuture<AuthorityInfo> takeOver(
      AuthorityChain chain, StoredAuthority taking, RotationStep step, String id, String by)
      throws IssuanceException, KeyFault, IOException {
    StoredAuthority retiring = chain.device();
    parts.factory().requireValid(taking);
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

  private void follow(AuthorityChain next, AuthorityRow retiring) {
    stopped.put(retiring.row(), parts.pace().nanoTime().getAsLong());
    parts.issuers().become(next);
  }

  CompletableFuture<StepTaken> retire(
      AuthorityChain chain, StoredAuthority ending, boolean now, String by)
      throws IssuanceException, KeyFault, IOException {
    require(ending, State.RETIRING);
    String id = ending.row().id();
    if (!now) {
      requireCertain(parts, id);
    }
    Instant time = parts.clock().instant();
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
    if (!now && mayBeSigning(ending.row())) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          id + " signed until a moment ago: try again in a minute, or use --now");
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

  private boolean mayBeSigning(AuthorityRow row) {
    Long since = stopped.get(row.row());
    return since != null && parts.pace().nanoTime().getAsLong() - since < UNDER_WAY.toNanos();
  }

  CompletableFuture<AuthorityInfo> abort(AuthorityChain chain, StoredAuthority given, String by)
      throws IssuanceException, KeyFault, IOException {
    String id = given.row().id();
    if (given.row().state() == State.ACTIVE) {
      return takeOver(chain, before(chain, given), RotationStep.ABORT, id, by);
    }
    require(given, State.PREPARED);
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

  /** The one that the active one took over from: there is no way back from going back. */
  private static StoredAuthority before(AuthorityChain chain, StoredAuthority active)
      throws IssuanceException {
    return chain.in(Role.DEVICE, State.RETIRING).stream()
        .filter(it -> AuthorityChain.isUnder(it, chain.root()))
        .filter(it -> it.row().generation() < active.row().generation())
        .reduce((older, newer) -> newer)
        .orElseThrow(() ->
            new IssuanceException(
                Reason.AUTHORITY_STATE,
                active.row().id()
                    + " is active, and there is none before it to go back to: prepare another"));
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
