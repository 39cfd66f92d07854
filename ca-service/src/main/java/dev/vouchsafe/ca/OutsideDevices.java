package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredRequest;
import dev.vouchsafe.keys.KeyFault;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The steps of a device CA that others certify, while the service runs: request, answer, and giving
 * the request up. What needs key stores or can be refused is done before anything is written.
 */
final class OutsideDevices {
  private final AuthorityParts parts;
  private final DeviceSteps devices;
  private final RotationJournal journal;
  private final OutsideLedger ledger;
  private final OutsideAuthorities outside;

  OutsideDevices(AuthorityParts parts, DeviceSteps devices, RotationJournal journal) {
    this.parts = parts;
    this.devices = devices;
    this.journal = journal;
    this.ledger = parts.ledger().outside();
    this.outside =
        new OutsideAuthorities(
            parts.settings(), parts.stores(), parts.crypto(), parts.ledger(), parts.clock());
  }

  /** Those that wait for their certificates. */
  List<AuthorityRequest> requests() throws IssuanceException {
    try {
      return ledger.requests().stream().map(it -> OutsideAuthorities.told(it, false)).toList();
    } catch (IOException e) {
      throw new IssuanceException(Reason.LEDGER_UNAVAILABLE, String.valueOf(e.getMessage()), e);
    }
  }

  CompletableFuture<AuthorityRequest> request(
      AuthorityChain chain, Optional<String> keyStore, String by)
      throws IssuanceException, KeyFault, IOException {
    if (!chain.root().row().isOutside()) {
      throw state("the root of this home is here and signs device CAs itself: prepare one");
    }
    try {
      OutsideSteps.requireNone(ledger.requests());
    } catch (OutsideException e) {
      throw state(String.valueOf(e.getMessage()));
    }
    NewAuthority wanted = DeviceSteps.wanted(parts, Role.DEVICE, keyStore);
    return journal.noted(
        Role.DEVICE,
        RotationStep.PREPARE,
        "",
        by,
        number -> {
          AuthorityRow row = outside.request(wanted);
          finish(number, row);
          return CompletableFuture.completedFuture(
              OutsideAuthorities.told(ledger.requests().getFirst(), false));
        });
  }

  private void finish(long number, AuthorityRow made) throws IssuanceException {
    boolean finished = false;
    try {
      parts.ledger().rotation().done(number, made.id());
      finished = true;
    } finally {
      if (!finished) {
        parts.ledger().giveUp(made);
        parts.ledger().rotation().undone(number);
      }
    }
  }

  CompletableFuture<StepTaken> accept(AuthorityChain chain, byte[] file, boolean now, String by)
      throws IssuanceException, KeyFault, IOException {
    OutsideAuthorities.Checked checked;
    try {
      checked =
          outside.check(
              OutsideSteps.one(ledger.requests()), OutsideFiles.read(file, null).certificates());
    } catch (OutsideException e) {
      throw new IssuanceException(Reason.REQUEST_INVALID, String.valueOf(e.getMessage()), e);
    }
    List<String> breaks = breaks(checked.anchor());
    if (!now && !breaks.isEmpty()) {
      throw state(
          checked.row().id()
              + " would be under a root that not everybody knows: "
              + String.join("; ", breaks)
              + "; or use --now");
    }
    return journal.noted(
        Role.DEVICE,
        RotationStep.ACTIVATE,
        checked.row().id(),
        by,
        number -> takeOver(chain, checked, number, breaks));
  }

  private CompletableFuture<StepTaken> takeOver(
      AuthorityChain chain, OutsideAuthorities.Checked checked, long number, List<String> breaks)
      throws IssuanceException, IOException {
    OutsideAuthorities.Taking taking = outside.take(checked);
    boolean begun = false;
    try {
      AuthorityChain next =
          AuthorityChain.takenOver(
              parts.ledger(),
              parts.settings(),
              parts.crypto(),
              taking.root(),
              taking.device(),
              parts.clock().instant());
      CompletableFuture<StepTaken> taken =
          parts
              .services()
              .moveTo(
                  parts.stores().named(checked.row().keyStore()),
                  anew -> ledger.accept(taking.answer(), OptionalLong.of(number), anew),
                  () -> {
                    follow(() -> next);
                    devices.follow(next, chain.device().row());
                    // Who read the chain in between may have written the roots before.
                    follow(parts.issuers()::chain);
                  })
              .thenCompose(done -> parts.issuers().ready())
              .thenApply(done -> new StepTaken(taking.device().info(), breaks));
      begun = true;
      return taken.whenComplete((done, failure) -> {
        if (failure != null) {
          outside.giveUp(taking);
        }
      });
    } finally {
      if (!begun) {
        outside.giveUp(taking);
      }
    }
  }

  /**
   * Before the first certificate under another top; what can't be written now is written soon.
   * While a gap is open there is none, and the bundle follows when that is accepted.
   */
  private void follow(Supplier<AuthorityChain> next) {
    if (parts.bundle().isPresent() && !parts.ledger().gaps().isOpen()) {
      try {
        parts.bundle().get().follow(next, parts.clock());
      } catch (IOException e) {
        System.getLogger(OutsideDevices.class.getName())
            .log(
                System.Logger.Level.ERROR,
                "the trust bundle does not follow the roots yet: {0}",
                e.getMessage());
      }
    }
  }

  /**
   * Who would not know the one at the top of the chain, each as a line for people. Those whom
   * nobody knows by name get the time that they get for a root of ours.
   */
  private List<String> breaks(X509Certificate anchor) {
    List<String> breaks = new ArrayList<>();
    if (parts.bundle().isEmpty() || parts.bundle().get().isKnown(anchor)) {
      return breaks;
    }
    RootBundle bundle = parts.bundle().get();
    String name = "'" + anchor.getSubjectX500Principal().getName() + "'";
    Optional<Instant> added = bundle.addedAt(anchor);
    if (added.isPresent()) {
      unnamed(added.get().plus(bundle.window())).ifPresent(breaks::add);
      bundle
          .behind()
          .forEach(reader -> breaks.add(reader + " has not fetched the trust bundle with it yet"));
    } else {
      breaks.add(
          "the trust bundle lacks "
              + name
              + ": `vouchsafe bundle add FILE`, and wait until it was fetched");
    }
    return breaks;
  }

  /** By a clock that is ahead their time would seem to have passed. */
  private Optional<String> unnamed(Instant until) {
    String readers = "readers of the trust bundle that nobody knows by name ";
    if (parts.clock().instant().isBefore(until)) {
      return Optional.of(readers + "have until " + LivingUnder.time(until));
    }
    return parts.clock().isCertain()
        ? Optional.empty()
        : Optional.of(
            readers
                + "have five refresh times, which nobody can tell while the time is in doubt: see"
                + " `vouchsafe clock status`");
  }

  CompletableFuture<AuthorityRow> giveUp(String id, String by)
      throws IssuanceException, KeyFault, IOException {
    Optional<StoredRequest> waiting =
        ledger.requests().stream().filter(it -> it.row().id().equals(id)).findFirst();
    if (waiting.isEmpty()) {
      throw state("no request of " + NameSyntax.quoted(id) + " waits");
    }
    AuthorityRow row = waiting.get().row();
    return journal.noted(
        Role.DEVICE,
        RotationStep.ABORT,
        id,
        by,
        number -> ledger.giveUp(row, OptionalLong.of(number)).thenApply(done -> row));
  }

  private static IssuanceException state(String what) {
    return new IssuanceException(Reason.AUTHORITY_STATE, what);
  }
}
