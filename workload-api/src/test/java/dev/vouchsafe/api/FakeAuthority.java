package dev.vouchsafe.api;

import dev.vouchsafe.ca.AuditKey;
import dev.vouchsafe.ca.AuthorityChanges;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityProof;
import dev.vouchsafe.ca.AuthorityRequest;
import dev.vouchsafe.ca.BackupSealer;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.Grant;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedCertificate;
import dev.vouchsafe.ca.LedgerEntry;
import dev.vouchsafe.ca.LedgerGap;
import dev.vouchsafe.ca.LedgerPage;
import dev.vouchsafe.ca.LedgerQuery;
import dev.vouchsafe.ca.LedgerStatus;
import dev.vouchsafe.ca.ModuleKeys;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.ca.Recovery;
import dev.vouchsafe.ca.Revocations;
import dev.vouchsafe.ca.RotationEvent;
import dev.vouchsafe.ca.RotationStanding;
import dev.vouchsafe.ca.StepTaken;
import dev.vouchsafe.ca.TokenIssuer;
import dev.vouchsafe.keys.KeyStoreHealth;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The real authority, except that the test can hold it, break it, and see what was asked of it. */
final class FakeAuthority implements CertificateAuthority {
  final List<Grant> grants = new CopyOnWriteArrayList<>();
  final List<CertificateRequest> requests = new CopyOnWriteArrayList<>();
  final List<String> withheld = new CopyOnWriteArrayList<>();

  /** What becomes of what the real one issues. */
  volatile Function<CompletableFuture<IssuedCertificate>, CompletableFuture<IssuedCertificate>>
      outcome = issued -> issued;

  final FakeModuleKeys moduleKeys;
  final FakeTokenIssuer tokens;
  volatile boolean noAuthorities;

  /** What the real one has, unless the test says otherwise. */
  volatile @Nullable Map<String, KeyStoreHealth> stores;

  /** Each step that was asked for, such as {@code prepare DEVICE pkcs11}. */
  final List<String> steps = new CopyOnWriteArrayList<>();

  /** The request that waits, if one does. */
  volatile @Nullable AuthorityRequest requested;

  /** What each step ends with, if not with the device CA. */
  volatile @Nullable IssuanceException noStep;

  /** What a rotation ends with after its first step, if not with that. */
  volatile @Nullable IssuanceException noNextStep;

  /** Who wants to know what is done by nobody. */
  final List<Consumer<RotationEvent>> rotations = new CopyOnWriteArrayList<>();

  private final CertificateAuthority real;

  FakeAuthority(CertificateAuthority real) {
    this.real = real;
    this.moduleKeys = new FakeModuleKeys(real.moduleKeys());
    this.tokens = new FakeTokenIssuer(real.tokens());
  }

  @Override
  public Set<Profile> profiles() {
    return real.profiles();
  }

  /** From now on issuing ends like that. */
  void fail(IssuanceException.Reason reason) {
    outcome =
        issued ->
            CompletableFuture.failedFuture(
                new IssuanceException(reason, "said of " + reason.code()));
  }

  @Override
  public CompletableFuture<IssuedCertificate> issue(Grant grant, CertificateRequest request) {
    grants.add(grant);
    requests.add(request);
    return outcome.apply(real.issue(grant, request));
  }

  @Override
  public void withhold(IssuedCertificate certificate) {
    real.withhold(certificate);
    withheld.add(certificate.serial());
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
    return real.auditKey();
  }

  @Override
  public List<AuthorityInfo> authorities() {
    return noAuthorities ? List.of() : real.authorities();
  }

  @Override
  public String signer() {
    return real.signer();
  }

  @Override
  public LedgerStatus ledger() {
    return real.ledger();
  }

  @Override
  public Revocations revocations() {
    return real.revocations();
  }

  @Override
  public Recovery recovery() {
    return new Recovery() {
      @Override
      public BackupSealer copy(Path folder) throws IOException {
        return real.recovery().copy(folder);
      }

      @Override
      public byte[] sign(byte[] manifest) throws IssuanceException {
        return real.recovery().sign(manifest);
      }

      @Override
      public List<LedgerGap> gaps() {
        return gaps;
      }

      @Override
      public String accept(long administrator) throws IssuanceException {
        return step("accept the gap, as " + administrator).id();
      }
    };
  }

  @Override
  public AuthorityChanges changes() {
    return new Steps("nobody");
  }

  /** Steps that are noted, and not taken. */
  private final class Steps implements AuthorityChanges {
    private final String actor;

    Steps(String actor) {
      this.actor = actor;
    }

    @Override
    public AuthorityChanges by(String other) {
      return new Steps(other);
    }

    @Override
    public StepTaken prepare(AuthorityInfo.Role role, Optional<String> keyStore, boolean now)
        throws IssuanceException {
      return new StepTaken(
          step("prepare " + role + " " + keyStore.orElse("where configured") + (now ? " now" : "")),
          now ? List.of("someone") : List.of());
    }

    @Override
    public List<AuthorityRequest> requests() throws IssuanceException {
      return requested == null ? List.of() : List.of(requested);
    }

    @Override
    public AuthorityRequest request(Optional<String> keyStore) throws IssuanceException {
      AuthorityInfo _ = step("request " + keyStore.orElse("where configured") + " by " + actor);
      requested = new AuthorityRequest("device-2", "software", "CN=two", "PEM", false);
      return requested;
    }

    @Override
    public StepTaken accept(byte[] file, boolean now) throws IssuanceException {
      return new StepTaken(step("accept " + new String(file, StandardCharsets.UTF_8)), breaks(now));
    }

    @Override
    public void giveUp(String id) throws IssuanceException {
      AuthorityInfo _ = step("give up " + id);
      requested = null;
    }

    @Override
    public AuthorityInfo publish(String id) throws IssuanceException {
      return step("publish " + id);
    }

    @Override
    public StepTaken activate(String id, boolean now) throws IssuanceException {
      return new StepTaken(step("activate " + id), breaks(now));
    }

    @Override
    public StepTaken retire(String id, boolean now) throws IssuanceException {
      return new StepTaken(step("retire " + id), breaks(now));
    }

    private List<String> breaks(boolean now) {
      return now ? List.of("edgeHub: 1 living") : List.of();
    }

    @Override
    public AuthorityInfo abort(String id, Optional<AuthorityInfo.State> from)
        throws IssuanceException {
      return step("abort " + id + from.map(state -> " from " + state).orElse(""));
    }

    @Override
    public void rotate(AuthorityInfo.Role role, Consumer<StepTaken> taken)
        throws IssuanceException {
      taken.accept(new StepTaken(step("rotate " + role + " by " + actor), List.of()));
      if (noNextStep != null) {
        throw noNextStep;
      }
    }

    @Override
    public RotationStanding standing() throws IssuanceException {
      return real.changes().standing();
    }

    @Override
    public void listen(Consumer<RotationEvent> listener) {
      rotations.add(listener);
    }
  }

  /** What the ledger is to have been restored with. */
  volatile List<LedgerGap> gaps = List.of();

  private AuthorityInfo step(String what) throws IssuanceException {
    steps.add(what);
    if (noStep != null) {
      throw noStep;
    }
    return real.authorities().getLast();
  }

  @Override
  public List<AuthorityProof> prove() {
    return real.prove();
  }

  @Override
  public Map<String, KeyStoreHealth> keyStores() {
    return stores == null ? real.keyStores() : stores;
  }

  @Override
  public LedgerPage certificates(LedgerQuery query) throws IssuanceException {
    return real.certificates(query);
  }

  @Override
  public Optional<LedgerEntry> certificate(String serial) throws IssuanceException {
    return real.certificate(serial);
  }

  @Override
  public void close() {
    // The home closes the real one.
  }
}
