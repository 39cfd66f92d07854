package dev.vouchsafe.ca;

import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * What hangs on sealed secrets: the modules' keys, the tokens, and the audit log's key. Made, or
 * unsealed, at start.
 */
final class KeyServices {
  private static final System.Logger LOG = System.getLogger(KeyServices.class.getName());

  private final CaSettings settings;
  private final KeyLedger ledger;
  private final TrustedClock clock;
  private final Pace pace;
  private final Sealer sealer;
  private final ModuleMasters masters;
  private final TokenKeys tokenKeys;
  private final SealedAuditKey auditKey;

  KeyServices(
      CaSettings settings,
      NamedStore store,
      SoftwareCrypto crypto,
      Ledger ledger,
      TrustedClock clock,
      Pace pace) {
    this.settings = settings;
    this.ledger = ledger.keys();
    this.clock = clock;
    this.pace = pace;
    this.sealer = new Sealer(store);
    this.masters = new ModuleMasters(this.ledger, sealer, clock);
    this.tokenKeys = new TokenKeys(settings, this.ledger, sealer, crypto, clock, pace);
    this.auditKey = new SealedAuditKey(this.ledger, sealer, crypto, clock, pace);
  }

  /** One of the parts that need the store. */
  private interface Part {
    void prepare() throws KeyFault, IssuanceException;
  }

  /**
   * Makes all that there isn't yet.
   *
   * @throws IOException if the store or the ledger can't
   */
  void make() throws IOException {
    try {
      masters.prepare();
      startTokenKeys();
      auditKey.prepare();
    } catch (KeyFault | IssuanceException e) {
      throw new IOException("the keys of modules, tokens and the audit log: " + e.getMessage(), e);
    }
  }

  /**
   * Unseals what there is. What can't be done just now is done when it is first used.
   *
   * @throws IOException if the store is there and can't unseal
   */
  void start() throws IOException {
    start("the modules' keys", masters::prepare);
    start("tokens", this::startTokenKeys);
    start("the audit log's key", auditKey::prepare);
  }

  private void start(String what, Part part) throws IOException {
    try {
      part.prepare();
    } catch (KeyFault.Unavailable | IssuanceException e) {
      LOG.log(System.Logger.Level.WARNING, "{0}: unavailable for now: {1}", what, e.getMessage());
    } catch (KeyFault e) {
      throw new IOException(
          what
              + ": "
              + e.getMessage()
              + "; no key is made anew in its place: give the key store that sealed it, or restore a"
              + " backup of "
              + settings.directory()
              + " and of the key store together",
          e);
    }
  }

  private void startTokenKeys() throws KeyFault, IssuanceException {
    tokenKeys.start(clock.instant().truncatedTo(ChronoUnit.SECONDS));
  }

  /** Writes what was sealed anew, if it was, with whatever else belongs to that step. */
  interface Commit {
    CompletableFuture<?> write(Optional<SealedAnew> anew);
  }

  /**
   * Has another store seal from now on: all that the present one sealed is sealed by that one, and
   * written in one step with whatever else changes. If it can't be, all stays as it was.
   *
   * @param commit writes; it must not fail once it is on the disk
   * @param after what is to follow when it is written
   */
  CompletableFuture<?> moveTo(NamedStore other, Commit commit, Runnable after) {
    return tokenKeys.alone(() -> {
      try {
        Optional<SealedAnew> anew =
            sealer.isBy(other) ? Optional.empty() : Optional.of(sealedBy(new Sealer(other)));
        // Without a limit: what is in doubt here would be sealed by nobody knows which store.
        commit.write(anew).join();
      } catch (KeyFault e) {
        throw new CompletionException(Failures.told(e));
      } catch (IssuanceException e) {
        throw new CompletionException(e);
      }
      sealer.use(other);
      after.run();
    });
  }

  private SealedAnew sealedBy(Sealer other) throws KeyFault, IssuanceException {
    return new SealedAnew(
        masters.sealedBy(other), tokenKeys.sealedBy(other), auditKey.sealedBy(other));
  }

  /**
   * The issuer of tokens.
   *
   * @param underWay counts what is under way
   * @param executor where they are signed
   */
  TokenIssuer tokens(UnderWay underWay, Executor executor) {
    TokenIds ids = new TokenIds(ledger, settings.tokens().tokenCap(), pace.longestWait());
    return new TokenService(settings, tokenKeys, ids, underWay, clock, executor);
  }

  /** What makes backups, signed by the audit key, and goes on after one was restored. */
  Recovery recovery(
      Ledger whole,
      AuthorityChanges changes,
      Supplier<List<AuthorityInfo>> authorities,
      LedgerRecovery.Roots roots) {
    return new LedgerRecovery(whole, changes, auditKey, authorities, roots, clock);
  }

  AuditKey auditKey() {
    return auditKey;
  }

  ModuleKeys moduleKeys() {
    return new DerivedModuleKeys(masters, ledger, clock);
  }
}
