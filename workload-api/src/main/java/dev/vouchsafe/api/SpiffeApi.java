package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedToken;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.ca.TokenRequest;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.TrustBundle;
import dev.vouchsafe.trust.TrustBundles;
import io.spiffe.workloadapi.grpc.Workload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The SPIFFE Workload API: as each registration that holds for a caller and has a SPIFFE ID, it is
 * handed an X509-SVID, or tokens. Bundles are for anybody on the socket, as they are elsewhere.
 *
 * <p>A caller for whom no registration holds yet is held for a while, and then told to come again:
 * widespread clients never do once they were refused.
 */
final class SpiffeApi implements RpcCall.Work {
  static final String SERVICE = "SpiffeWorkloadAPI";

  /** A stream does not ask sooner, unless there is news: what could not be made may be by then. */
  private static final Duration LEAST = Duration.ofSeconds(30);

  /** SPIFFE-ID section 2, with its longest of 2,048 octets. */
  private static final Pattern SPIFFE_ID =
      Pattern.compile("(?=.{1,2048}$)spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)*");

  private final GatewayIdentity identity;
  private final String trustDomain;
  private final CertificateAuthority authority;
  private final TrustBundles bundles;
  private final BundleReaders readers;
  private final TrustedClock clock;
  private final ModuleCalls calls;
  private final Attestation attestation;
  private final RegistrationWaits waits;
  private final BundleFetches fetches;
  private final SvidCache svids;
  private final TokenValidation validation;
  private final Duration hold;

  SpiffeApi(
      ApiParts parts,
      ModuleCalls calls,
      Attestation attestation,
      RegistrationWaits waits,
      BundleFetches fetches,
      SvidCache svids,
      Duration hold) {
    this.hold = hold;
    this.identity = parts.identity();
    this.trustDomain = "spiffe://" + identity.trustDomain();
    this.authority = parts.authority();
    this.bundles = parts.bundles();
    this.readers = parts.readers();
    this.clock = parts.clock();
    this.calls = calls;
    this.attestation = attestation;
    this.waits = waits;
    this.fetches = fetches;
    this.svids = svids;
    this.validation = new TokenValidation(identity, authority, clock);
  }

  @Override
  public void ask(RpcExchange exchange) throws Failure {
    switch (exchange.request().path()) {
      case "/SpiffeWorkloadAPI/FetchX509SVID" ->
          attested(
              exchange,
              () -> calls.startIssuing(exchange, RpcError::of, call -> svids(exchange, call)));
      case "/SpiffeWorkloadAPI/FetchJWTSVID" ->
          attested(
              exchange,
              () -> calls.startToken(exchange, RpcError::of, call -> tokens(exchange, call)));
      case "/SpiffeWorkloadAPI/FetchX509Bundles" -> x509Bundles(exchange);
      case "/SpiffeWorkloadAPI/FetchJWTBundles" -> jwtBundles(exchange);
      case "/SpiffeWorkloadAPI/ValidateJWTSVID" ->
          calls.start(
              exchange, RpcError::of, call -> call.exchange().answer(validated(call.request())));
      default -> throw Failure.of(Problem.NOT_FOUND, "no such method");
    }
  }

  /** Starts at once, or when a registration holds for a caller for whom none did. */
  private void attested(RpcExchange exchange, Runnable start) throws Failure {
    CallerLease lease = exchange.peer().caller();
    if (exchange.attempt() == RpcExchange.Attempt.WAITED && lease != null) {
      waits.hold(
          exchange,
          lease,
          hold,
          () -> {
            if (exchange.isOver()) {
              exchange.answer(Response.empty(Status.NOT_MODIFIED));
            } else {
              start.run();
            }
          });
    } else {
      start.run();
    }
  }

  private void svids(RpcExchange exchange, ModuleCall call) throws Failure {
    List<Verdict.Attested> holding =
        identities(
            exchange,
            call,
            registration -> registration.profiles().contains(Profile.IDENTITY.text()));
    if (holding.isEmpty()) {
      call.exchange().answer(Response.empty(Status.NOT_MODIFIED));
      return;
    }
    TrustBundle bundle = bundles.current();
    finish(
        call,
        together(holding, attested -> svids.of(attested.registration())),
        made -> {
          renewal(exchange, made);
          if (!exchange.isNews(Offer.of(made, bundle))) {
            call.exchange().answer(Response.empty(Status.NOT_MODIFIED));
            return;
          }
          exchange.offers(Offer.of(made, bundle));
          List<Svid> found = made.stream().map(Held::made).toList();
          deliver(
              call,
              made,
              AuditTrail.Made::of,
              SpiffeMessages.message(SpiffeMessages.svids(found, bundle)),
              new Reading(made, bundle.sequence()));
        });
  }

  /** Something that was made for a caller as one of its registrations. */
  private record Held<T>(Verdict.Attested attested, T made) {
    Registration registration() {
      return attested.registration();
    }
  }

  /** Why nothing was made for it as another. */
  private record Left(Verdict.Attested attested, Throwable cause) {
    boolean mayPass() {
      return !(cause instanceof IssuanceException e)
          || e.reason().kind() == IssuanceException.Kind.UNAVAILABLE;
    }

    boolean isDefinite() {
      return SvidCache.isDefinite(cause);
    }
  }

  /** What became of all of them. */
  private record Outcome<T>(List<Held<T>> made, List<Left> left) {
    /**
     * What a caller is told instead of what was made. What can't be made now must not look as if it
     * were gone, so then nothing is said of the others either.
     */
    Optional<Left> ending() {
      return left.stream()
          .filter(Left::mayPass)
          .findFirst()
          .or(() ->
              made.isEmpty()
                  ? left.stream().min(Comparator.comparing(Left::isDefinite))
                  : Optional.empty());
    }
  }

  /** What a stream was sent. */
  private record Offer(List<String> serials, long sequence) {
    static Offer of(List<Held<Svid>> held, TrustBundle bundle) {
      return new Offer(held.stream().map(each -> each.made().serial()).toList(), bundle.sequence());
    }
  }

  private static <T> CompletableFuture<Outcome<T>> together(
      List<Verdict.Attested> holding, Function<Verdict.Attested, CompletableFuture<T>> making) {
    List<CompletableFuture<T>> wanted = holding.stream().map(making).toList();
    return CompletableFuture.allOf(wanted.toArray(CompletableFuture<?>[]::new))
        .handle((done, error) -> {
          List<Held<T>> made = new ArrayList<>();
          List<Left> left = new ArrayList<>();
          for (int i = 0; i < wanted.size(); i++) {
            CompletableFuture<T> each = wanted.get(i);
            if (each.isCompletedExceptionally()) {
              left.add(new Left(holding.get(i), Delivery.cause(each.exceptionNow())));
            } else {
              made.add(new Held<>(holding.get(i), each.join()));
            }
          }
          return new Outcome<>(made, left);
        });
  }

  /** Goes on with what was made; what was not is on record, as which registration and why. */
  private <T> void finish(
      ModuleCall call, CompletableFuture<Outcome<T>> all, Consumer<List<Held<T>>> goOn) {
    CompletableFuture<?> _ =
        all.whenComplete((outcome, bug) ->
            calls.guarded(
                call,
                () -> {
                  if (outcome == null) {
                    throw Workers.unexpected(new IllegalStateException("no outcome", bug));
                  }
                  Optional<Left> ending = outcome.ending();
                  for (Left each : outcome.left()) {
                    if (ending.isEmpty() || !each.equals(ending.get())) {
                      calls.leftOut(call, each.attested(), each.cause());
                    }
                  }
                  if (ending.isPresent()) {
                    calls.fail(call, ending.get().attested(), ending.get().cause());
                  } else {
                    goOn.accept(outcome.made());
                  }
                }));
  }

  private <T> void deliver(
      ModuleCall call,
      List<Held<T>> held,
      Function<T, AuditTrail.Made> made,
      Response answer,
      Receipt receipt) {
    calls.finish(
        call,
        held.getFirst().attested(),
        CompletableFuture.completedFuture(held),
        new ModuleCalls.Handling<>(
            all ->
                all.stream()
                    .map(each -> new Parcel.Portion(each.attested(), made.apply(each.made())))
                    .toList(),
            unheld -> {},
            all -> answer.secret(),
            receipt));
  }

  /** When the first of them is to be made anew; not at once if that has just failed. */
  private void renewal(RpcExchange exchange, List<Held<Svid>> held) {
    Duration first =
        held.stream()
            .map(Held::made)
            .map(svid ->
                svid.isOverdue()
                    ? Duration.ZERO
                    : Duration.between(clock.instant(), svid.renewAfter()))
            .min(Duration::compareTo)
            .orElse(LEAST);
    exchange.askAgainIn(first.compareTo(LEAST) < 0 ? LEAST : first);
  }

  /** Who was handed the bundle with its identities, which is on record from then on. */
  private final class Reading implements Receipt {
    private final List<Held<Svid>> all;
    private final long sequence;

    Reading(List<Held<Svid>> all, long sequence) {
      this.all = all;
      this.sequence = sequence;
    }

    @Override
    public void arrived() {
      for (Held<Svid> each : all) {
        each.made().handedOut();
        readers.fetched(each.registration().name(), sequence);
      }
    }

    @Override
    public void lost() {
      all.forEach(each -> readers.lost(each.registration().name()));
    }
  }

  /**
   * As what a caller stands that has a SPIFFE ID and is asked for, in the order of the names. Empty
   * only if it stands as nothing so far, and may wait for that.
   */
  private List<Verdict.Attested> identities(
      RpcExchange exchange, ModuleCall call, Predicate<Registration> asked) throws Failure {
    Attestation.Standing standing = attestation.all(call);
    if (standing.holding().isEmpty()) {
      return unknown(exchange, call, standing);
    }
    if (standing.mayPass()) {
      // One that is refused for a moment must not look as if it were gone.
      throw Failure.of(Problem.ATTESTATION_UNAVAILABLE, "the caller can't be told now");
    }
    List<Verdict.Attested> found =
        standing.holding().stream()
            .filter(each -> each.registration().spiffePath().isPresent())
            .filter(each -> asked.test(each.registration()))
            .toList();
    if (found.isEmpty()) {
      throw attestation.refusedAttested(
          call,
          standing.holding().getFirst(),
          Problem.CALLER_REFUSED,
          "no identity issued: none of the caller's registrations has what it asks for");
    }
    return found;
  }

  private List<Verdict.Attested> unknown(
      RpcExchange exchange, ModuleCall call, Attestation.Standing standing) throws Failure {
    if (exchange.attempt() == RpcExchange.Attempt.FIRST) {
      exchange.callerIsUnknown();
      return List.of();
    }
    Failure refused = attestation.noneHolds(call, standing);
    if (exchange.attempt() == RpcExchange.Attempt.WAITED) {
      throw Failure.of(
          Problem.CALLER_UNREGISTERED,
          "no registration holds for the caller so far; see vouchsafe module explain");
    }
    // A stream ends for good: not for what its process may end by itself in a moment.
    throw standing.mayPass()
        ? Failure.of(Problem.ATTESTATION_UNAVAILABLE, "the caller can't be told now")
        : refused;
  }

  private void tokens(RpcExchange exchange, ModuleCall call) throws Failure {
    Workload.JWTSVIDRequest asked =
        SpiffeMessages.read(call.request(), Workload.JWTSVIDRequest::parseFrom);
    List<String> audience = List.copyOf(asked.getAudienceList());
    if (audience.isEmpty() || audience.stream().anyMatch(String::isEmpty)) {
      throw Failure.of(Problem.REQUEST_INVALID, "audience: is empty");
    }
    String only = asked.getSpiffeId();
    if (!only.isEmpty() && !SPIFFE_ID.matcher(only).matches()) {
      throw Failure.of(Problem.REQUEST_INVALID, "spiffe_id: is no SPIFFE ID");
    }
    List<Verdict.Attested> holding =
        identities(
            exchange,
            call,
            registration -> only.isEmpty() || id(registration).equals(Optional.of(only)));
    if (holding.isEmpty()) {
      call.exchange().answer(Response.empty(Status.NOT_MODIFIED));
      return;
    }
    TokenRequest wish = new TokenRequest(audience, Optional.empty());
    finish(
        call,
        together(
            holding,
            attested ->
                authority.tokens().issue(Grants.of(identity, attested.registration()), wish)),
        made ->
            deliver(
                call,
                made,
                AuditTrail.Made::of,
                SpiffeMessages.message(SpiffeMessages.tokens(jwtSvids(made))),
                Receipt.NONE));
  }

  private Optional<String> id(Registration registration) {
    return Grants.spiffeId(identity, registration);
  }

  private List<SpiffeMessages.JwtSvid> jwtSvids(List<Held<IssuedToken>> held) {
    return held.stream()
        .map(each ->
            new SpiffeMessages.JwtSvid(
                id(each.registration()).orElseThrow(),
                each.registration().name(),
                each.made().token()))
        .toList();
  }

  private void x509Bundles(RpcExchange exchange) {
    TrustBundle bundle = bundles.current();
    if (exchange.isNews(bundle.sequence())) {
      exchange.offers(bundle.sequence());
      Response answer = SpiffeMessages.message(SpiffeMessages.x509Bundles(trustDomain, bundle));
      fetches.answer(exchange, answer, bundle.sequence());
    } else {
      exchange.answer(Response.empty(Status.NOT_MODIFIED));
    }
  }

  private void jwtBundles(RpcExchange exchange) {
    String jwks = authority.tokens().jwks();
    if (exchange.isNews(jwks)) {
      exchange.offers(jwks);
      exchange.answer(SpiffeMessages.message(SpiffeMessages.jwtBundles(trustDomain, jwks)));
    } else {
      exchange.answer(Response.empty(Status.NOT_MODIFIED));
    }
  }

  private Response validated(Request request) {
    try {
      Workload.ValidateJWTSVIDRequest asked =
          SpiffeMessages.read(request, Workload.ValidateJWTSVIDRequest::parseFrom);
      if (asked.getAudience().isEmpty() || asked.getSvid().isEmpty()) {
        throw Failure.of(Problem.REQUEST_INVALID, "audience or svid: is empty");
      }
      return SpiffeMessages.message(
          SpiffeMessages.validated(validation.validate(asked.getSvid(), asked.getAudience())));
    } catch (Failure failure) {
      return RpcError.of(failure);
    }
  }
}
