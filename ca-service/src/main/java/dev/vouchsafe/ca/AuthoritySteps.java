package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Takes authorities from one state to the next, one step at a time. What a step needs of key stores
 * is done before it is written; what is written is one transaction; and only when that is on the
 * disk does the service follow it.
 */
final class AuthoritySteps implements AuthorityChanges {
  /** A slow token seals and unseals a few secrets in this time. */
  private static final Duration ACTIVATION_WAITS = Duration.ofSeconds(60);

  /** A slow token makes an RSA key in two minutes. */
  private static final Duration PREPARATION_WAITS = Duration.ofSeconds(150);

  private final CaSettings settings;
  private final NamedStores stores;
  private final SoftwareCrypto crypto;
  private final Ledger ledger;
  private final Issuers issuers;
  private final KeyServices services;
  private final UnderWay underWay;
  private final AuthorityFactory factory;
  private final Semaphore step = new Semaphore(1);

  /** A key store's library may hang for ever: whoever asks for a step does not. */
  private final ThreadPoolExecutor thread = IdleThreads.one("vouchsafe-authority-step");

  AuthoritySteps(
      CaSettings settings,
      NamedStores stores,
      SoftwareCrypto crypto,
      Ledger ledger,
      Issuers issuers,
      KeyServices services,
      AuthorityFactory factory,
      UnderWay underWay) {
    this.settings = settings;
    this.stores = stores;
    this.crypto = crypto;
    this.ledger = ledger;
    this.issuers = issuers;
    this.services = services;
    this.underWay = underWay;
    this.factory = factory;
  }

  /** One step, on the authorities as the ledger has them when it begins. */
  private interface Step {
    CompletableFuture<AuthorityInfo> take(AuthorityChain chain)
        throws IssuanceException, KeyFault, IOException;
  }

  @Override
  public AuthorityInfo prepare(Role role, Optional<String> keyStore) throws IssuanceException {
    if (role != Role.DEVICE) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          "only a device CA can be prepared: moving the root is not in this version");
    }
    return alone(
        PREPARATION_WAITS,
        chain -> CompletableFuture.completedFuture(prepareDevice(chain, keyStore)));
  }

  @Override
  public AuthorityInfo activate(String id) throws IssuanceException {
    return alone(ACTIVATION_WAITS, chain -> activate(chain, id));
  }

  @Override
  public AuthorityInfo abort(String id) throws IssuanceException {
    return alone(
        ACTIVATION_WAITS,
        chain -> {
          StoredAuthority prepared = prepared(chain, id);
          AuthorityChain next = chain.with(Map.of(prepared.row().row(), State.RETIRED));
          ledger.change(prepared.row(), State.RETIRED);
          issuers.become(next);
          return CompletableFuture.completedFuture(next.find(id).orElseThrow().info());
        });
  }

  /**
   * Takes a step on a thread of its own. Until it has ended, also after whoever asked has stopped
   * waiting, no other begins.
   */
  private AuthorityInfo alone(Duration longest, Step wanted) throws IssuanceException {
    begin();
    CompletableFuture<AuthorityInfo> ended;
    boolean begun = false;
    try {
      ended =
          CompletableFuture.completedFuture(wanted)
              .thenComposeAsync(this::taken, thread)
              .whenComplete((info, failure) -> end());
      begun = true;
    } finally {
      if (!begun) {
        end();
      }
    }
    return await(ended, longest);
  }

  private CompletableFuture<AuthorityInfo> taken(Step wanted) {
    try {
      return wanted.take(chain());
    } catch (IssuanceException e) {
      return CompletableFuture.failedFuture(e);
    } catch (KeyFault e) {
      return CompletableFuture.failedFuture(Failures.told(e));
    } catch (IOException e) {
      return CompletableFuture.failedFuture(unreadable(e));
    }
  }

  private void begin() throws IssuanceException {
    if (!step.tryAcquire()) {
      throw new IssuanceException(
          Reason.AUTHORITY_UNAVAILABLE,
          "another change of an authority is under way: wait for its end");
    }
    if (!underWay.enter()) {
      step.release();
      throw new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, "the service is closing");
    }
  }

  private void end() {
    underWay.leave();
    step.release();
  }

  /** Not what is in memory: a step that timed out may have been written after all. */
  private AuthorityChain chain() throws IOException {
    return AuthorityChain.load(ledger, settings, crypto);
  }

  private static IssuanceException unreadable(IOException e) {
    return new IssuanceException(Reason.LEDGER_UNAVAILABLE, String.valueOf(e.getMessage()), e);
  }

  private AuthorityInfo prepareDevice(AuthorityChain chain, Optional<String> keyStore)
      throws IssuanceException, KeyFault, IOException {
    for (StoredAuthority prepared : chain.in(Role.DEVICE, State.PREPARED)) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          prepared.row().id() + " is prepared already: activate it or abort it first");
    }
    if (chain.root().row().isOutside()) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          "the device CA of this home is certified elsewhere: stop the service, then `vouchsafe ca"
              + " prepare` makes a request for the next one");
    }
    factory.requireValid(chain.root());
    AuthorityKey rootKey = AuthorityKey.of(chain.root(), stores, crypto);
    rootKey.find();
    AuthorityFactory.Made made =
        factory.prepareDevice(new AuthorityFactory.Made(chain.root(), rootKey), wanted(keyStore));
    issuers.become(chain.with(made.authority()));
    return made.authority().info();
  }

  /** A store that was asked for and can't be had is a mistake in the request or the settings. */
  private NewAuthority wanted(Optional<String> keyStore)
      throws KeyFault.Unavailable, IssuanceException {
    try {
      return factory.wantedDevice(keyStore);
    } catch (KeyFault.Unavailable e) {
      throw e;
    } catch (KeyFault e) {
      throw new IssuanceException(Reason.REQUEST_INVALID, "keyStore: " + e.getMessage(), e);
    }
  }

  private CompletableFuture<AuthorityInfo> activate(AuthorityChain chain, String id)
      throws IssuanceException, KeyFault, IOException {
    StoredAuthority taking = prepared(chain, id);
    StoredAuthority retiring = chain.device();
    factory.requireValid(taking);
    AuthorityKey key = AuthorityKey.of(taking, stores, crypto);
    String _ = key.prove(taking.certificate().getSubjectX500Principal());
    // Held against each other, the root and the settings before it is written, not after.
    AuthorityChain next =
        chain.with(Map.of(taking.row().row(), State.ACTIVE, retiring.row().row(), State.RETIRING));
    return services
        .moveTo(
            stores.named(taking.row().keyStore()),
            anew -> ledger.activate(retiring.row(), taking.row(), anew),
            () -> issuers.become(next))
        // Soon: so that the first request finds the issuing CA, if there is to be one.
        .thenCompose(done -> issuers.ready())
        .thenApply(done -> next.device().info());
  }

  private static AuthorityInfo await(CompletableFuture<AuthorityInfo> step, Duration longest)
      throws IssuanceException {
    try {
      return step.get(longest.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw Failures.answer(e.getCause(), "the new device CA", Reason.SIGNATURE_FAILED);
    } catch (TimeoutException e) {
      throw new IssuanceException(
          Reason.KEY_STORE_UNAVAILABLE,
          "the key store takes long over it, and it goes on: see later how the authorities stand",
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, "interrupted", e);
    }
  }

  private static StoredAuthority prepared(AuthorityChain chain, String id)
      throws IssuanceException {
    Optional<StoredAuthority> known = chain.find(id);
    if (known.isEmpty()) {
      List<String> ids = chain.all().stream().map(it -> it.row().id()).toList();
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          "there is no authority " + NameSyntax.quoted(id) + ", only " + String.join(", ", ids));
    }
    if (known.get().row().state() != State.PREPARED) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE, id + " is " + known.get().row().stateText() + ", not prepared");
    }
    return known.get();
  }
}
