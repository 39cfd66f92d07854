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
import io.netty.util.AsciiString;
import io.spiffe.workloadapi.grpc.Workload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
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

  private static final AsciiString PROTO = AsciiString.cached("application/grpc+proto");

  /** A stream does not ask sooner, unless there is news: what could not be made may be by then. */
  private static final Duration LEAST = Duration.ofSeconds(5);

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
          calls.forAnyone(exchange, RpcError::of, () -> validated(exchange.request()));
      default -> throw Failure.of(Problem.NOT_FOUND, "no such method");
    }
  }

  /** Starts at once, or when a registration holds for a caller for whom none did. */
  private void attested(RpcExchange exchange, Runnable start) throws Failure {
    CallerLease lease = exchange.peer().caller();
    if (exchange.attempt() == RpcExchange.Attempt.WAITED && lease != null) {
      waits.hold(exchange, lease, hold, start);
    } else {
      start.run();
    }
  }

  private static Response message(byte[] octets) {
    return Response.of(Status.OK, PROTO, octets);
  }

  private void svids(RpcExchange exchange, ModuleCall call) throws Failure {
    List<Verdict.Attested> holding =
        identities(exchange, call).stream()
            .filter(each -> each.registration().profiles().contains(Profile.IDENTITY.text()))
            .toList();
    if (holding.isEmpty()) {
      nobody(exchange, call);
      return;
    }
    List<CompletableFuture<Held<Svid>>> wanted =
        holding.stream()
            .map(each -> svids.of(each.registration()).thenApply(svid -> new Held<>(each, svid)))
            .toList();
    CompletableFuture<List<Held<Svid>>> all = together(wanted);
    TrustBundle bundle = bundles.current();
    if (all.isDone() && !all.isCompletedExceptionally()) {
      List<Held<Svid>> there = all.join();
      if (!exchange.isNews(Offer.of(there, bundle))) {
        renewal(exchange, there);
        call.exchange().answer(Response.empty(Status.NOT_MODIFIED));
        return;
      }
    }
    calls.finish(
        call,
        holding.getFirst(),
        all,
        new ModuleCalls.Handling<>(
            made -> portions(made, AuditTrail.Made::of),
            unheld -> {},
            made -> {
              exchange.offers(Offer.of(made, bundle));
              renewal(exchange, made);
              List<Svid> found = made.stream().map(Held::made).toList();
              return message(SpiffeMessages.svids(found, bundle)).secret();
            },
            new Reading(all, bundle.sequence())));
  }

  /** Something that was made for a caller as one of its registrations. */
  private record Held<T>(Verdict.Attested attested, T made) {
    Registration registration() {
      return attested.registration();
    }
  }

  /** What a stream was sent. */
  private record Offer(List<String> serials, long sequence) {
    static Offer of(List<Held<Svid>> held, TrustBundle bundle) {
      return new Offer(held.stream().map(each -> each.made().serial()).toList(), bundle.sequence());
    }
  }

  /**
   * All of them that were made: what is refused to one registration takes nothing from the others.
   * If all are refused, or anything else goes wrong, that is how it completes.
   */
  private static <T> CompletableFuture<List<T>> together(List<CompletableFuture<T>> wanted) {
    return CompletableFuture.allOf(wanted.toArray(CompletableFuture<?>[]::new))
        .handle((done, error) -> {
          List<T> made = new ArrayList<>();
          Throwable refused = null;
          for (CompletableFuture<T> each : wanted) {
            if (!each.isCompletedExceptionally()) {
              made.add(each.join());
            } else if (isRefusal(each.exceptionNow())) {
              refused = each.exceptionNow();
            } else {
              throw new CompletionException(Delivery.cause(each.exceptionNow()));
            }
          }
          if (made.isEmpty() && refused != null) {
            throw new CompletionException(Delivery.cause(refused));
          }
          return made;
        });
  }

  private static boolean isRefusal(Throwable error) {
    return Delivery.cause(error) instanceof IssuanceException e
        && e.reason().kind() == IssuanceException.Kind.REFUSED;
  }

  private static <T> List<Parcel.Portion> portions(
      List<Held<T>> held, Function<T, AuditTrail.Made> made) {
    return held.stream()
        .map(each -> new Parcel.Portion(each.attested(), made.apply(each.made())))
        .toList();
  }

  /** When the first of them is to be made anew; not at once if that has just failed. */
  private void renewal(RpcExchange exchange, List<Held<Svid>> held) {
    Duration first =
        held.stream()
            .map(each -> Duration.between(clock.instant(), each.made().renewAfter()))
            .min(Duration::compareTo)
            .orElse(LEAST);
    exchange.askAgainIn(first.compareTo(LEAST) < 0 ? LEAST : first);
  }

  /** Who was handed the bundle with its identities, which is on record from then on. */
  private final class Reading implements Receipt {
    private final CompletableFuture<List<Held<Svid>>> all;
    private final long sequence;

    Reading(CompletableFuture<List<Held<Svid>>> all, long sequence) {
      this.all = all;
      this.sequence = sequence;
    }

    @Override
    public void arrived() {
      for (Held<Svid> each : all.join()) {
        each.made().handedOut();
        readers.fetched(each.registration().name(), sequence);
      }
    }

    @Override
    public void lost() {
      all.join().forEach(each -> readers.lost(each.registration().name()));
    }
  }

  /** As what a caller stands that has a SPIFFE ID, in the order of the names. */
  private List<Verdict.Attested> identities(RpcExchange exchange, ModuleCall call) throws Failure {
    Attestation.Standing standing = attestation.all(call);
    if (!standing.holding().isEmpty()) {
      return standing.holding().stream()
          .filter(each -> each.registration().spiffePath().isPresent())
          .toList();
    }
    if (exchange.attempt() == RpcExchange.Attempt.FIRST) {
      exchange.callerIsUnknown();
      return List.of();
    }
    Failure refused = attestation.noneHolds(call, standing);
    throw exchange.attempt() == RpcExchange.Attempt.AGAIN
        ? refused
        : Failure.of(
            Problem.CALLER_UNREGISTERED,
            "no registration holds for the caller so far; see vouchsafe module explain");
  }

  /** One that stands as nothing yet, or as nothing that has what it asks for. */
  private void nobody(RpcExchange exchange, ModuleCall call) throws Failure {
    if (exchange.isCallerUnknown()) {
      call.exchange().answer(Response.empty(Status.NOT_MODIFIED));
      return;
    }
    throw Failure.of(
        Problem.CALLER_REFUSED, "no identity issued: its registrations have no SPIFFE ID");
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
        identities(exchange, call).stream()
            .filter(each -> only.isEmpty() || id(each.registration()).equals(Optional.of(only)))
            .toList();
    if (holding.isEmpty()) {
      nobody(exchange, call);
      return;
    }
    TokenRequest wish = new TokenRequest(audience, Optional.empty());
    List<CompletableFuture<Held<IssuedToken>>> wanted =
        holding.stream().map(each -> token(each, wish)).toList();
    calls.finish(
        call,
        holding.getFirst(),
        together(wanted),
        new ModuleCalls.Handling<>(
            made -> portions(made, AuditTrail.Made::of),
            unheld -> {},
            made -> message(SpiffeMessages.tokens(jwtSvids(made))).secret(),
            Receipt.NONE));
  }

  private CompletableFuture<Held<IssuedToken>> token(Verdict.Attested attested, TokenRequest wish) {
    return authority
        .tokens()
        .issue(Grants.of(identity, attested.registration()), wish)
        .thenApply(issued -> new Held<>(attested, issued));
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
      Response answer = message(SpiffeMessages.x509Bundles(trustDomain, bundle));
      fetches.answer(exchange, answer, bundle.sequence());
    } else {
      exchange.answer(Response.empty(Status.NOT_MODIFIED));
    }
  }

  private void jwtBundles(RpcExchange exchange) {
    String jwks = authority.tokens().jwks();
    if (exchange.isNews(jwks)) {
      exchange.offers(jwks);
      exchange.answer(message(SpiffeMessages.jwtBundles(trustDomain, jwks)));
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
      return message(
          SpiffeMessages.validated(validation.validate(asked.getSvid(), asked.getAudience())));
    } catch (Failure failure) {
      return RpcError.of(failure);
    }
  }
}
