package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The X509-SVIDs of registrations, one for each, in memory only: made when somebody asks, and again
 * when its time has come, it was revoked, or the authorities or the registration changed. If that
 * can't be done now, the last one is handed out as long as it is good.
 *
 * <p>It knows no caller: whoever asks was attested.
 */
final class SvidCache {
  private static final QuietLog LOG = new QuietLog(SvidCache.class);

  private final GatewayIdentity identity;
  private final CertificateAuthority authority;
  private final TrustedClock clock;
  private final Map<Registration, Kept> kept = new ConcurrentHashMap<>();
  private final AtomicLong generation = new AtomicLong();

  /**
   * One that is made or was.
   *
   * @param generation of the authorities as it was asked for
   * @param epoch of the clock, likewise
   */
  private record Kept(CompletableFuture<Svid> svid, long generation, long epoch) {
    Optional<Svid> made() {
      return svid.isDone() && !svid.isCompletedExceptionally()
          ? Optional.of(svid.join())
          : Optional.empty();
    }
  }

  SvidCache(GatewayIdentity identity, CertificateAuthority authority, TrustedClock clock) {
    this.identity = identity;
    this.authority = authority;
    this.clock = clock;
  }

  /** The authorities changed: what is handed out from now on is to be signed by the new ones. */
  void authoritiesChanged() {
    generation.incrementAndGet();
  }

  /** Forgets those of registrations that are no more. */
  void keepOnly(RegistrationSet set) {
    kept.keySet()
        .removeIf(registration ->
            !set.byName(registration.name()).filter(registration::equals).isPresent());
  }

  /** How many there are. */
  int size() {
    return kept.size();
  }

  /**
   * The one of that registration, which has a SPIFFE ID.
   *
   * @return completes exceptionally with an {@link IssuanceException} as issuing does
   */
  CompletableFuture<Svid> of(Registration registration) {
    AtomicReference<@Nullable Runnable> making = new AtomicReference<>();
    Kept current =
        kept.compute(
            registration,
            (key, there) -> {
              if (there != null && serves(there)) {
                return there;
              }
              Kept fresh = new Kept(new CompletableFuture<>(), generation.get(), clock.epoch());
              making.set(() -> make(registration, fresh, there));
              return fresh;
            });
    Runnable first = making.get();
    if (first != null) {
      first.run();
    }
    return current.svid();
  }

  private boolean serves(Kept there) {
    if (there.generation() != generation.get() || there.epoch() != clock.epoch()) {
      return false;
    }
    if (!there.svid().isDone()) {
      return true;
    }
    Optional<Svid> made = there.made();
    return made.isPresent()
        && clock.instant().isBefore(made.get().renewAfter())
        && !isRevoked(made.get());
  }

  /** When in doubt it is: another one is made then, or the doubt is told. */
  private boolean isRevoked(Svid svid) {
    long now = authority.revocations().changes();
    if (svid.isGoodAsOf(now)) {
      return false;
    }
    try {
      if (authority.revocations().find(svid.serial()).isPresent()) {
        return true;
      }
    } catch (IssuanceException e) {
      return true;
    }
    svid.goodAsOf(now);
    return false;
  }

  private void make(Registration registration, Kept place, @Nullable Kept last) {
    String id =
        Grants.spiffeId(identity, registration)
            .orElseThrow(() -> new IllegalArgumentException("it has no SPIFFE ID"));
    long changes = authority.revocations().changes();
    CompletableFuture<?> _ =
        authority
            .issue(Grants.of(identity, registration), CertificateRequest.of(Profile.IDENTITY))
            .whenComplete((issued, error) -> {
              if (issued != null) {
                Svid svid = new Svid(id, registration.name(), issued);
                svid.goodAsOf(changes);
                place.svid().complete(svid);
              } else {
                failed(registration, place, last, error);
              }
            });
  }

  private void failed(
      Registration registration, Kept place, @Nullable Kept last, @Nullable Throwable error) {
    Throwable cause =
        error == null ? new IllegalStateException("no result") : Delivery.cause(error);
    Optional<Svid> before = last == null ? Optional.empty() : last.made();
    boolean isGood =
        before.isPresent()
            && isUnavailable(cause)
            && clock.instant().isBefore(before.get().notAfter())
            && !isRevoked(before.get());
    if (isGood && last != null) {
      LOG.warning("the last SVID is handed out, since none can be made: " + cause.getMessage());
      // In its old place, so that the next who asks has another one tried.
      kept.replace(registration, place, last);
      place.svid().complete(before.get());
    } else {
      kept.remove(registration, place);
      place.svid().completeExceptionally(cause);
    }
  }

  private static boolean isUnavailable(Throwable cause) {
    return cause instanceof IssuanceException e
        && e.reason().kind() == IssuanceException.Kind.UNAVAILABLE;
  }
}
