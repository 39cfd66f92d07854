package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyStoreHealth;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.jspecify.annotations.Nullable;

/**
 * The way of one leaf: prepare and lint on the executor, record durably on the ledger's thread,
 * sign and verify on the executor again.
 */
final class IssuingService implements CertificateAuthority {
  /** A leaf that passed the lint and waits for its signature. */
  private record Prepared(LeafIntent intent, Optional<KeyPair> keyPair) {}

  private static final System.Logger LOG = System.getLogger(IssuingService.class.getName());
  private static final Duration CLOSE_WAITS = Duration.ofSeconds(10);

  private final CaSettings settings;
  private final AuthorityChain chain;
  private final Issuer issuer;
  private final NamedStores stores;
  private final AuthorityKey key;
  private final Ledger ledger;
  private final SoftwareCrypto crypto;
  private final InstantSource clock;
  private final Executor executor;
  private final CsrReader csrReader;
  private final LeafPlanner planner;
  private final LeafBuilder builder;
  private final LeafLint lint;
  private final TokenIssuer tokens;
  private final ModuleKeys moduleKeys;
  private final Serials serials = new Serials();
  private final UnderWay underWay = new UnderWay();

  IssuingService(
      CaSettings settings,
      AuthorityChain chain,
      NamedStores stores,
      AuthorityKey key,
      Ledger ledger,
      KeyServices services,
      SoftwareCrypto crypto,
      InstantSource clock,
      Executor executor) {
    this.settings = settings;
    this.chain = chain;
    this.issuer = chain.issuer();
    this.stores = stores;
    this.key = key;
    this.ledger = ledger;
    this.crypto = crypto;
    this.clock = clock;
    this.executor = executor;
    this.tokens = services.tokens(underWay, executor);
    this.moduleKeys = services.moduleKeys();
    this.csrReader = new CsrReader(crypto, new SubjectKeys(chain.keyHashes()));
    this.planner = new LeafPlanner(settings.lifetimes(), settings.identity().deviceId());
    this.builder = new LeafBuilder(issuer);
    this.lint = new LeafLint(issuer, settings.lifetimes().leafCap());
  }

  @Override
  public CompletableFuture<IssuedCertificate> issue(Grant grant, CertificateRequest request) {
    CompletableFuture<IssuedCertificate> answer = new CompletableFuture<>();
    if (!underWay.enter()) {
      answer.completeExceptionally(
          new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, "the service is closing"));
      return answer;
    }
    ledger.announce();
    try {
      executor.execute(() -> begin(grant, request, answer));
    } catch (RejectedExecutionException e) {
      ledger.retract();
      deliver(answer, null, e);
    }
    return answer;
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
      Prepared prepared = prepare(grant, request);
      return ledger
          .record(prepared.intent())
          .thenApplyAsync(intent -> finish(prepared, intent), executor);
    } catch (IssuanceException e) {
      return CompletableFuture.failedFuture(e);
    } finally {
      ledger.retract();
    }
  }

  /** Completes the answer; a certificate that nobody waits for any more is withheld. */
  private void deliver(
      CompletableFuture<IssuedCertificate> answer,
      @Nullable IssuedCertificate issued,
      @Nullable Throwable failure) {
    try {
      if (issued == null) {
        answer.completeExceptionally(translate(failure));
      } else if (!answer.complete(issued)) {
        withhold(issued);
      }
    } finally {
      underWay.leave();
    }
  }

  private Prepared prepare(Grant grant, CertificateRequest request) throws IssuanceException {
    try {
      Instant now = clock.instant();
      Optional<Csr> csr = Optional.empty();
      if (request.csrPem().isPresent()) {
        csr = Optional.of(csrReader.read(request.csrPem().get(), request.profile()));
      }
      KeyType keyType = keyType(request, csr);
      NameGate gate = new NameGate(grant, request.profile());
      LeafPlan plan = planner.plan(grant, gate, request, csr, issuer, now);
      Optional<KeyPair> keyPair =
          csr.isPresent() ? Optional.empty() : Optional.of(crypto.generate(keyType));
      SubjectPublicKeyInfo subjectKey =
          csr.map(Csr::key)
              .orElseGet(() ->
                  SubjectPublicKeyInfo.getInstance(keyPair.orElseThrow().getPublic().getEncoded()));
      byte[] serial = serials.next(now);
      byte[] tbs = builder.tbs(plan, serial, subjectKey, keyType);
      lint.check(
          tbs,
          serial,
          new LeafLint.Expected(grant, request.profile(), gate, subjectKey, keyType, now));
      byte[] keyHash = Octets.sha256(subjectKey.getEncoded(ASN1Encoding.DER));
      return new Prepared(
          new LeafIntent(grant, plan, chain.issuerRow(), serial, tbs, keyHash), keyPair);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  private KeyType keyType(CertificateRequest request, Optional<Csr> csr) throws IssuanceException {
    if (request.keyType().isEmpty()) {
      return csr.map(Csr::keyType).orElse(settings.leafKey());
    }
    String asked = request.keyType().get();
    KeyType type =
        KeyType.parse(asked)
            .orElseThrow(() ->
                new IssuanceException(
                    Reason.REQUEST_INVALID,
                    "keyType: " + NameSyntax.quoted(asked) + " is not a type that we make"));
    if (csr.isPresent() && csr.get().keyType() != type) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID,
          "keyType: the CSR's key is of type " + csr.get().keyType().text());
    }
    return type;
  }

  private IssuedCertificate finish(Prepared prepared, Ledger.DurableIntent intent) {
    LeafIntent leaf = prepared.intent();
    byte[] signature;
    try {
      signature = key.sign(intent);
    } catch (IssuanceException e) {
      ledger.outcome(leaf.serial(), LedgerEntry.State.FAILED);
      throw new CompletionException(e);
    }
    byte[] certificate = Signed.certificate(leaf.tbs(), issuer.signatureAlgorithm(), signature);
    IssuedCertificate issued =
        new IssuedCertificate(
            Octets.hex(leaf.serial()),
            Pem.certificate(certificate) + issuer.pem(),
            prepared.keyPair().map(pair -> Pem.privateKey(pair.getPrivate().getEncoded())),
            leaf.plan().notBefore(),
            leaf.plan().notAfter(),
            leaf.plan().renewAfter());
    ledger.outcome(leaf.serial(), LedgerEntry.State.ISSUED);
    return issued;
  }

  private static IssuanceException translate(@Nullable Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException wrapped && wrapped.getCause() != null
            ? wrapped.getCause()
            : failure;
    if (cause instanceof IssuanceException known) {
      return known;
    }
    if (cause instanceof RejectedExecutionException) {
      return new IssuanceException(
          Reason.AUTHORITY_UNAVAILABLE, "the service takes no more work", cause);
    }
    LOG.log(System.Logger.Level.ERROR, "issuing failed unexpectedly", cause);
    return new IssuanceException(
        Reason.LINT, "the certificate could not be made", new IllegalStateException(cause));
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
  public List<AuthorityInfo> authorities() {
    return chain.infos();
  }

  @Override
  @SuppressWarnings("DoNotCallSuggester")
  public AuthorityChanges changes() {
    throw new UnsupportedOperationException("not yet");
  }

  @Override
  public List<AuthorityProof> prove() {
    return Proofs.of(chain.all(), stores, crypto);
  }

  @Override
  public Map<String, KeyStoreHealth> keyStores() {
    return stores.health();
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
    if (!underWay.close(CLOSE_WAITS)) {
      LOG.log(System.Logger.Level.WARNING, "closing with work under way");
    }
    ledger.close();
  }
}
