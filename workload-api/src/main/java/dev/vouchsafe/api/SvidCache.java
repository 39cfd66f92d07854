package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedCertificate;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
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

  /** For so long nobody tries again what could not be made. */
  private static final long REST_NANOS = TimeUnit.SECONDS.toNanos(10);

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
   * @param restUntil it serves until then, for another could not be made just now (as {@link
   *     System#nanoTime})
   */
  private record Kept(
      CompletableFuture<Svid> svid, long generation, long epoch, OptionalLong restUntil) {
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
              Kept fresh =
                  new Kept(
                      new CompletableFuture<>(),
                      generation.get(),
                      clock.epoch(),
                      OptionalLong.empty());
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
        && (there.restUntil().isPresent()
            ? rests(there)
            : clock.instant().isBefore(made.get().renewAfter()))
        && clock.instant().isBefore(made.get().notAfter())
        && !isRevoked(made.get());
  }

  private static boolean rests(Kept there) {
    return there.restUntil().isPresent() && there.restUntil().getAsLong() - System.nanoTime() > 0;
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

  /** Whatever happens, its place is completed. */
  private void make(Registration registration, Kept place, @Nullable Kept last) {
    try {
      long changes = authority.revocations().changes();
      CompletableFuture<?> _ =
          authority
              .issue(Grants.of(identity, registration), CertificateRequest.of(Profile.IDENTITY))
              .thenApply(issued -> svid(registration, issued))
              .whenComplete((svid, error) -> {
                if (svid != null) {
                  svid.goodAsOf(changes);
                  place.svid().complete(svid);
                } else {
                  failed(registration, place, last, error);
                }
              });
    } catch (RuntimeException | Error e) {
      failed(registration, place, last, e);
      throw e;
    }
  }

  private Svid svid(Registration registration, IssuedCertificate issued) {
    String id =
        Grants.spiffeId(identity, registration)
            .orElseThrow(() -> new IllegalArgumentException("it has no SPIFFE ID"));
    return new Svid(id, registration.name(), issued);
  }

  private void failed(
      Registration registration, Kept place, @Nullable Kept last, @Nullable Throwable error) {
    Throwable cause =
        error == null ? new IllegalStateException("no result") : Delivery.cause(error);
    try {
      handOutTheLast(registration, place, last, cause);
    } finally {
      // Nothing, if it was completed.
      place.svid().completeExceptionally(cause);
    }
  }

  private void handOutTheLast(
      Registration registration, Kept place, @Nullable Kept last, Throwable cause) {
    Optional<Svid> before = last == null ? Optional.empty() : last.made();
    boolean stays =
        before.isPresent()
            && !isDefinite(cause)
            && clock.instant().isBefore(before.get().notAfter());
    if (last == null || !stays) {
      kept.remove(registration, place);
      return;
    }
    // The next who asks after a while has another one tried.
    OptionalLong rest = OptionalLong.of(System.nanoTime() + REST_NANOS);
    kept.replace(
        registration, place, new Kept(last.svid(), place.generation(), place.epoch(), rest));
    if (!isRevoked(before.get())) {
      LOG.warning("the last SVID is handed out, since none can be made: " + cause.getMessage());
      before.get().overdue();
      place.svid().complete(before.get());
    }
  }

  /** Whether asking again is no use. */
  static boolean isDefinite(Throwable cause) {
    return cause instanceof IssuanceException e
        && (e.reason().kind() == IssuanceException.Kind.REFUSED
            || e.reason().kind() == IssuanceException.Kind.INVALID);
  }
}
