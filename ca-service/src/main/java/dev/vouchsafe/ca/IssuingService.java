package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.KeyStoreHealth;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The way of one leaf: prepare and lint on the executor, record durably on the ledger's thread,
 * sign and verify on the executor again, or where the key is.
 */
final class IssuingService implements CertificateAuthority {
  private static final System.Logger LOG = System.getLogger(IssuingService.class.getName());

  /** With all else that closes, less than the program has for its stop. */
  private static final Duration CLOSE_WAITS = Duration.ofSeconds(2);

  private final Issuers issuers;
  private final NamedStores stores;
  private final Ledger ledger;
  private final Executor executor;
  private final LeafPreparer preparer;
  private final TokenIssuer tokens;
  private final ModuleKeys moduleKeys;
  private final AuditKey auditKey;
  private final AuthorityChanges changes;
  private final AutomaticRotation automatic;
  private final Recovery recovery;
  private final RevocationService revocations;
  private final ChildAuthorities children;
  private final UnderWay underWay;
  private final Overdue intents;

  IssuingService(
      Issuers issuers,
      NamedStores stores,
      Ledger ledger,
      LeafPreparer preparer,
      KeyServices services,
      AuthorityChanges changes,
      AutomaticRotation automatic,
      RevocationService revocations,
      ChildAuthorities children,
      LedgerRecovery.Roots roots,
      UnderWay underWay,
      Executor executor,
      Duration intentWait) {
    this.issuers = issuers;
    this.stores = stores;
    this.ledger = ledger;
    this.preparer = preparer;
    this.revocations = revocations;
    this.children = children;
    this.tokens =
        new DeniedTokens(services.tokens(underWay, executor), revocations.denials(), ledger.gaps());
    this.moduleKeys = services.moduleKeys();
    this.auditKey = services.auditKey();
    this.changes = new StepsBehindGap(changes, ledger.gaps());
    this.automatic = automatic;
    this.recovery = services.recovery(ledger, changes, issuers::infos, roots);
    this.underWay = underWay;
    this.executor = executor;
    this.intents = new Overdue(intentWait);
  }

  @Override
  public CompletableFuture<IssuedCertificate> issue(Grant grant, CertificateRequest request) {
    CompletableFuture<IssuedCertificate> answer = new CompletableFuture<>();
    if (revocations.denials().isDenied(grant)) {
      answer.completeExceptionally(Denials.refusal(grant));
      return answer;
    }
    if (ledger.gaps().isOpen()) {
      // Before an issuing CA is asked for, which would not be made either.
      answer.completeExceptionally(GapLedger.refusal());
      return answer;
    }
    // Before any work: whoever is told so asks again and again.
    StoredAuthority device = issuers.device().authority();
    if (revocations.distrust().covers(device)) {
      answer.completeExceptionally(Distrust.refusal(device));
      return answer;
    }
    if (ledger.isFull() && grant.module().indexOf('/') < 0) {
      answer.completeExceptionally(
          new IssuanceException(
              Reason.LEDGER_UNAVAILABLE, "the ledger has reached [limits] ledger-mb"));
      return answer;
    }
    if (!underWay.enter()) {
      answer.completeExceptionally(
          new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, "the service is closing"));
      return answer;
    }
    CompletableFuture<?> ready = issuers.ready(request.profile(), preparer.longest(grant, request));
    if (ready.isDone()) {
      start(grant, request, answer);
    } else {
      var _ = ready.whenComplete((done, failure) -> start(grant, request, answer));
    }
    return answer;
  }

  private void start(
      Grant grant, CertificateRequest request, CompletableFuture<IssuedCertificate> answer) {
    ledger.announce();
    try {
      executor.execute(() -> begin(grant, request, answer));
    } catch (RejectedExecutionException e) {
      ledger.retract();
      deliver(answer, null, e);
    }
  }

  private void begin(
      Grant grant, CertificateRequest request, CompletableFuture<IssuedCertificate> answer) {
    // Through a future, so that whatever is thrown, an Error too, ends as an answer.
    var _ =
        CompletableFuture.completedFuture(request)
            .thenCompose(asked -> prepareAndRecord(grant, asked))
            .whenComplete((issued, failure) -> deliver(answer, issued, failure));
  }

  private CompletableFuture<IssuedCertificate> prepareAndRecord(
      Grant grant, CertificateRequest request) {
    try {
      LeafPreparer.Prepared prepared = preparer.prepare(grant, request);
      return recordAndSign(grant, prepared)
          .whenComplete((issued, failure) -> {
            prepared.signer().key().letGo();
            if (failure != null) {
              preparer.failed(prepared);
            }
          });
    } catch (IssuanceException e) {
      return CompletableFuture.failedFuture(e);
    } finally {
      ledger.retract();
    }
  }

  /** Signs on the executor; or, where that may take long, in the key store's lane. */
  private CompletableFuture<IssuedCertificate> recordAndSign(
      Grant grant, LeafPreparer.Prepared prepared) {
    SigningKey key = prepared.signer().key();
    SigningLane.Condition allowed = () -> requireAllowed(grant, prepared);
    CompletableFuture<Ledger.DurableIntent> recorded = inTime(ledger.record(prepared.intent()));
    Optional<SigningLane> lane = key.lane();
    return lane.isEmpty()
        ? recorded.thenApplyAsync(
            intent -> finish(grant, prepared, () -> SigningLane.signature(key, intent, allowed)),
            executor)
        : recorded
            .thenCompose(intent -> ended(lane.get().sign(key, intent, allowed)))
            .thenApplyAsync(signature -> finish(grant, prepared, signature), executor);
  }

  /**
   * Refuses what was revoked since it was asked for, module or authority. Looked at when the intent
   * is on the disk and it is its turn to be signed, so that what isn't refused is among what the
   * revocation finds; and once more before it is handed out.
   */
  private void requireAllowed(Grant grant, LeafPreparer.Prepared prepared)
      throws IssuanceException {
    StoredAuthority signer = prepared.signer().authority();
    if (revocations.distrust().covers(signer)) {
      throw Distrust.refusal(signer);
    }
    if (revocations.denials().isDenied(grant)) {
      throw Denials.refusal(grant);
    }
  }

  /** A disk that doesn't answer keeps nobody waiting; what it writes in the end is never signed. */
  private <T> CompletableFuture<T> inTime(CompletableFuture<T> recording) {
    return intents
        .end(recording.copy())
        .exceptionallyCompose(error ->
            CompletableFuture.failedFuture(
                error instanceof TimeoutException
                    ? new IssuanceException(
                        Reason.LEDGER_UNAVAILABLE, "the ledger's disk does not answer", error)
                    : error));
  }

  /** It, when it has a result or a failure: in both cases it is the executor that goes on. */
  private static <T> CompletableFuture<Supplier<T>> ended(CompletableFuture<T> work) {
    return work.handle((result, failure) -> work::join);
  }

  /** Completes the answer; a certificate that nobody waits for any more is withheld. */
  private void deliver(
      CompletableFuture<IssuedCertificate> answer,
      @Nullable IssuedCertificate issued,
      @Nullable Throwable failure) {
    try {
      if (issued == null) {
        answer.completeExceptionally(Failures.answer(failure, "the certificate", Reason.LINT));
      } else if (!answer.complete(issued)) {
        withhold(issued);
      }
    } finally {
      underWay.leave();
    }
  }

  private IssuedCertificate finish(
      Grant grant, LeafPreparer.Prepared prepared, Supplier<byte[]> signing) {
    byte[] serial = prepared.intent().serial();
    byte[] signature;
    try {
      signature = signing.get();
    } catch (CompletionException e) {
      if (e.getCause() instanceof IssuanceException) {
        ledger.outcome(serial, LedgerEntry.State.FAILED);
      }
      throw e;
    }
    try {
      // The signature may have taken long: a revocation that was acknowledged meanwhile holds.
      requireAllowed(grant, prepared);
    } catch (IssuanceException e) {
      ledger.outcome(serial, LedgerEntry.State.WITHHELD);
      throw new CompletionException(e);
    }
    IssuedCertificate issued = prepared.signed(signature);
    ledger.outcome(serial, LedgerEntry.State.ISSUED);
    return issued;
  }

  @Override
  public Set<Profile> profiles() {
    return preparer.profiles();
  }

  @Override
  public void withhold(IssuedCertificate certificate) {
    Octets.unhex(certificate.serial())
        .ifPresent(serial -> ledger.outcome(serial, LedgerEntry.State.WITHHELD));
  }

  @Override
  public TokenIssuer tokens() {
    return tokens;
  }

  @Override
  public ModuleKeys moduleKeys() {
    return moduleKeys;
  }

  @Override
  public AuditKey auditKey() {
    return auditKey;
  }

  @Override
  public List<AuthorityInfo> authorities() {
    return issuers.infos();
  }

  @Override
  public String signer() {
    return issuers.device().authority().row().id();
  }

  @Override
  public Revocations revocations() {
    return revocations;
  }

  @Override
  public Recovery recovery() {
    return recovery;
  }

  @Override
  public AuthorityChanges changes() {
    return changes;
  }

  /** Who certifies the CAs of gateways below this one. */
  ChildAuthorities children() {
    return children;
  }

  /** Who takes the steps that are due. */
  AutomaticRotation automatic() {
    return automatic;
  }

  @Override
  public List<AuthorityProof> prove() {
    return issuers.prove();
  }

  @Override
  public Map<String, KeyStoreHealth> keyStores() {
    return stores.health();
  }

  @Override
  public LedgerStatus ledger() {
    return ledger.status();
  }

  @Override
  public LedgerPage certificates(LedgerQuery query) throws IssuanceException {
    return ledger.page(query);
  }

  @Override
  public Optional<LedgerEntry> certificate(String serial) throws IssuanceException {
    Optional<byte[]> octets = Octets.unhex(serial);
    return octets.isPresent() ? ledger.find(octets.get()) : Optional.empty();
  }

  @Override
  public void close() {
    automatic.close();
    if (!underWay.close(CLOSE_WAITS)) {
      LOG.log(System.Logger.Level.WARNING, "closing with work under way");
    }
    revocations.close();
    issuers.close();
    ledger.close();
  }
}
