package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyStoreHealth;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Who issues just now. It changes as a whole from one request to the next; what was prepared for an
 * issuer is finished with that one.
 */
final class Issuers {
  /**
   * What holds together.
   *
   * @param delegation where the device CA has an issuing CA sign leaves
   * @param delegates issuing CAs whose leaves may not have ended yet, whatever the clock says, the
   *     present one last
   */
  private record Now(
      AuthorityChain chain,
      LeafSigner device,
      Optional<Delegation> delegation,
      List<StoredAuthority> delegates) {}

  /** The key store whose device CA has an issuing CA where nothing else was chosen. */
  private static final String SLOW = "tpm";

  private final CaSettings settings;
  private final NamedStores stores;
  private final SoftwareCrypto crypto;
  private final TrustedClock clock;
  private final Pace pace;
  private final UnderWay underWay;
  private final AuthorityFactory factory;
  private volatile Now now;

  /**
   * Serials of certificates of roots for roots that were found revoked while this process ran, be
   * they in a chain yet or not: who read the ledger before may put them into one after.
   */
  private final List<byte[]> dropped = new ArrayList<>();

  private volatile Runnable listener = () -> {};

  /**
   * @param delegates issuing CAs of processes that have ended, whose leaves may not have
   */
  Issuers(
      CaSettings settings,
      AuthorityChain chain,
      List<StoredAuthority> delegates,
      NamedStores stores,
      SoftwareCrypto crypto,
      AuthorityFactory factory,
      TrustedClock clock,
      Pace pace,
      UnderWay underWay) {
    this.settings = settings;
    this.stores = stores;
    this.crypto = crypto;
    this.factory = factory;
    this.clock = clock;
    this.pace = pace;
    this.underWay = underWay;
    LeafSigner device = signer(chain);
    this.now = new Now(chain, device, delegation(device), List.copyOf(delegates));
  }

  private LeafSigner signer(AuthorityChain chain) {
    AuthorityKey key = AuthorityKey.of(chain.device(), stores, crypto);
    return new LeafSigner(chain.device(), chain.issuer(), key);
  }

  private Optional<Delegation> delegation(LeafSigner device) {
    boolean wanted =
        switch (settings.issuing().mode()) {
          case ON -> true;
          case AUTO -> device.authority().row().keyStore().equals(SLOW);
          case OFF -> false;
        };
    return wanted
        ? Optional.of(
            new Delegation(
                () -> makeDelegate(device), device.issuer().notAfter(), clock, pace, underWay))
        : Optional.empty();
  }

  private LeafSigner makeDelegate(LeafSigner device) throws KeyFault, IssuanceException {
    AuthorityFactory.Made made =
        factory.makeIssuing(new AuthorityFactory.Made(device.authority(), device.key()));
    add(made.authority());
    try {
      return new LeafSigner(
          made.authority(),
          Issuer.ofDelegate(made.authority(), device.issuer())
              .without(settings.issuing().byDevice()),
          made.key());
    } catch (IOException e) {
      throw new IllegalStateException("a certificate that was just made can be read", e);
    }
  }

  private boolean hasEnded(StoredAuthority delegate) {
    return clock.instant().isAfter(delegate.certificate().getNotAfter().toInstant());
  }

  /** The oldest go when there are too many, and not when the clock says that they have ended. */
  private synchronized void add(StoredAuthority delegate) {
    List<StoredAuthority> next = new ArrayList<>();
    now.delegates().stream()
        .skip(Math.max(0, now.delegates().size() + 1 - LedgerReader.MOST_ISSUING))
        .map(known -> known.in(State.RETIRING))
        .forEach(next::add);
    next.add(delegate);
    now = new Now(now.chain(), now.device(), now.delegation(), List.copyOf(next));
  }

  AuthorityChain chain() {
    return now.chain();
  }

  /** The device CA. */
  LeafSigner device() {
    return now.device();
  }

  /** The same, with what belongs into its chains at that moment. */
  LeafSigner device(Instant at) {
    return (now.chain().holdsAt(at) ? now : renewed()).device();
  }

  /** Whether that is the SHA-256 of the SubjectPublicKeyInfo of an authority of this gateway. */
  boolean hasKey(byte[] sha256) {
    Now known = now;
    return known.chain().hasKey(sha256)
        || known.delegates().stream()
            .anyMatch(it ->
                Arrays.equals(Octets.sha256(it.certificate().getPublicKey().getEncoded()), sha256));
  }

  /**
   * The same for a leaf of that profile and life: nobody waits for an issuing CA that will not sign
   * it.
   */
  CompletableFuture<?> ready(Profile profile, Duration life) {
    return settings.issuing().byDevice().contains(profile)
            || life.compareTo(settings.issuing().lifetime()) > 0
        ? CompletableFuture.completedFuture(null)
        : ready();
  }

  /**
   * Has an issuing CA made ahead of time, if there is to be one.
   *
   * @return completes soon, never exceptionally, when it is as it can be
   */
  CompletableFuture<?> ready() {
    Optional<Delegation> delegation = now.delegation();
    return delegation.isPresent()
        ? delegation.get().ready(clock.instant())
        : CompletableFuture.completedFuture(null);
  }

  /**
   * Who signs a leaf of that life. Whoever asks holds its key, and must let it go.
   *
   * <p>A leaf that the end of the issuing CA would cut off is the device CA's. But where the next
   * issuing CA is late since the device CA's store is away, a leaf that would otherwise have fitted
   * is shortened rather than refused.
   */
  LeafSigner choose(Profile profile, Duration life, Instant at) {
    Now known = now.chain().holdsAt(at) ? now : renewed();
    Optional<LeafSigner> delegate = known.delegation().flatMap(it -> it.at(at));
    if (delegate.isPresent()
        && !settings.issuing().byDevice().contains(profile)
        && (fits(delegate.get(), known.device(), life, at) || isLate(known, life))
        && delegate.get().key().hold()) {
      return delegate.get();
    }
    boolean _ = known.device().key().hold();
    return known.device();
  }

  /**
   * What the chains carried has ended, or has not after all. By the clock, not by the moment that
   * somebody read a moment ago: else two would undo each other's work.
   */
  private synchronized Now renewed() {
    try {
      Instant time = clock.instant();
      if (!now.chain().holdsAt(time)) {
        become(now.chain().at(time));
      }
      return now;
    } catch (IOException e) {
      throw new IllegalStateException("what was whole a moment ago still is", e);
    }
  }

  /** Has that run whenever the authorities have become others: it must not wait. */
  void listen(Runnable wanted) {
    listener = wanted;
  }

  /** Serves those certificates of roots for roots no more, from now on: they are revoked. */
  synchronized void drop(List<byte[]> serials) {
    serials.stream()
        .filter(each -> dropped.stream().noneMatch(known -> Arrays.equals(known, each)))
        .forEach(dropped::add);
    AuthorityChain chain = now.chain();
    if (dropped.stream().anyMatch(chain::isVoucher)) {
      become(chain);
    }
  }

  /** Without what was revoked since the ledger was read. */
  private AuthorityChain standing(AuthorityChain chain) {
    try {
      return dropped.isEmpty() ? chain : chain.without(dropped);
    } catch (IOException e) {
      throw new IllegalStateException("what was whole a moment ago still is", e);
    }
  }

  private static boolean fits(LeafSigner delegate, LeafSigner device, Duration life, Instant at) {
    Instant end = at.truncatedTo(ChronoUnit.SECONDS).plus(life);
    Instant last = delegate.issuer().notAfter();
    // The device CA would cut it off as well, or no later.
    return !end.isAfter(last) || !device.issuer().notAfter().isAfter(last);
  }

  private boolean isLate(Now known, Duration life) {
    return life.compareTo(settings.issuing().lifetime().dividedBy(2)) <= 0
        && stores.named(known.device().authority().row().keyStore()).health().state()
            != KeyStoreHealth.State.UP;
  }

  /** Every generation of every authority, the newest last. */
  List<AuthorityInfo> infos() {
    List<AuthorityInfo> infos = new ArrayList<>(chain().infos());
    now.delegates().stream().filter(it -> !hasEnded(it)).forEach(it -> infos.add(it.info()));
    return List.copyOf(infos);
  }

  /**
   * From now on, the authorities are these. Waits for nothing: a device CA that takes over has its
   * issuing CA made on another thread, and until then signs itself.
   */
  synchronized void become(AuthorityChain read) {
    AuthorityChain chain = standing(read);
    Now before = now;
    if (before.device().authority().row().equals(chain.device().row())
        && before.device().issuer().pem().equals(chain.issuer().pem())) {
      replace(chain, before.device(), before.delegation());
    } else {
      LeafSigner device = signer(chain);
      replace(chain, device, delegation(device));
      var _ = ready();
      before.delegation().ifPresent(Delegation::giveUp);
    }
    listener.run();
  }

  private void replace(AuthorityChain chain, LeafSigner device, Optional<Delegation> delegation) {
    now = new Now(chain, device, delegation, now.delegates());
  }

  /** Issuing CAs whose leaves may not have ended yet, the present one last. */
  List<StoredAuthority> delegates() {
    return now.delegates();
  }

  /**
   * Lets the authority of that row sign no more. If it is an issuing CA, the next one is made when
   * somebody asks; if it is the device CA, it makes none any more.
   */
  void drop(long row) {
    Now known = now;
    boolean isDevice = known.device().authority().row().row() == row;
    known
        .delegation()
        .ifPresent(it -> {
          if (isDevice) {
            it.giveUp();
          } else {
            it.drop(row);
          }
        });
  }

  /** Tries the key of each that may still sign. */
  List<AuthorityProof> prove() {
    Now known = now;
    List<AuthorityProof> proofs = new ArrayList<>(Proofs.of(known.chain().all(), stores, crypto));
    known
        .delegation()
        .flatMap(it -> it.at(clock.instant()))
        .ifPresent(delegate -> proofs.add(Proofs.of(delegate.authority(), delegate.key())));
    return List.copyOf(proofs);
  }

  /** Destroys what is in memory only. */
  void close() {
    now.delegation().ifPresent(Delegation::close);
  }
}
