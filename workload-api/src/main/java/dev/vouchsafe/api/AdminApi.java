package dev.vouchsafe.api;

import dev.vouchsafe.ca.IssuanceException;
import java.util.Optional;
import java.util.Set;

/** What the administrators' socket serves; its file mode says who may ask. */
final class AdminApi implements Routes {
  private static final QuietLog LOG = new QuietLog(AdminApi.class);
  private static final String EXPLAIN = "explain";

  /** Steps of the authorities of a role, and steps of one authority. */
  private static final Set<String> OF_ROLE = Set.of("prepare", "rotate", "certificate");

  private static final Set<String> OF_ONE = Set.of("publish", "activate", "retire", "abort");

  private final AdminViews views;
  private final AdminKeys keys;
  private final AdminAuthorities authorities;
  private final AdminRevocations revocations;
  private final AdminExplanations explanations;
  private final AdminClock clock;
  private final AdminBundle bundle;
  private final AdminRecovery recovery;
  private final Metrics metrics;
  private final Workers workers;
  private final CallerWorkers lookers;
  private final Quota waiting;

  AdminApi(
      AdminViews views,
      AdminKeys keys,
      AdminAuthorities authorities,
      AdminRevocations revocations,
      AdminExplanations explanations,
      AdminClock clock,
      AdminBundle bundle,
      AdminRecovery recovery,
      Metrics metrics,
      Workers workers,
      CallerWorkers lookers,
      Quota waiting) {
    this.views = views;
    this.keys = keys;
    this.authorities = authorities;
    this.revocations = revocations;
    this.explanations = explanations;
    this.clock = clock;
    this.bundle = bundle;
    this.recovery = recovery;
    this.metrics = metrics;
    this.workers = workers;
    this.lookers = lookers;
    this.waiting = waiting;
  }

  @Override
  public void serve(Exchange exchange) {
    Object owner = exchange.peer().owner();
    if (!waiting.enter(owner)) {
      exchange.answer(
          refusal(Failure.of(Problem.TOO_MANY_REQUESTS, "too many requests are waiting")));
      return;
    }
    exchange.whenDone(() -> waiting.leave(owner));
    try {
      if (exchange.request().path().endsWith("/" + EXPLAIN)) {
        lookers.execute("for administrator " + owner, new Explaining(exchange, owner));
      } else {
        workers.execute(() -> exchange.answer(answer(exchange.request(), owner)));
      }
    } catch (Failure failure) {
      exchange.answer(refusal(failure));
    }
  }

  @Override
  public Response refusal(Failure failure) {
    return ErrorAnswers.problem(failure);
  }

  /** A look at a process that may be anybody's. */
  private final class Explaining implements CallerWorkers.Work {
    private final Exchange exchange;
    private final Object owner;

    Explaining(Exchange exchange, Object owner) {
      this.exchange = exchange;
      this.owner = owner;
    }

    @Override
    public void run() {
      exchange.answer(answer(exchange.request(), owner));
    }

    @Override
    public void givenUp(Failure why) {
      exchange.answer(refusal(why));
    }
  }

  /** The edge of the workers: an administrator always gets an answer. */
  private Response answer(Request request, Object owner) {
    try {
      return route(request, owner);
    } catch (Failure failure) {
      return refusal(failure);
    } catch (IssuanceException e) {
      LOG.warning(
          "an administrator's request was not done: " + e.reason().code() + ": " + e.getMessage());
      return refusal(Failure.of(e));
    } catch (RuntimeException e) {
      return refusal(Workers.unexpected(e));
    }
  }

  private Response route(Request request, Object owner) throws Failure, IssuanceException {
    String[] parts = request.path().split("/", -1);
    if (parts.length == 4 && parts[1].equals("modules") && parts[3].equals("key")) {
      V1Api.onlyPosts(request);
      return keys.reveal(request, parts[2], uid(owner));
    }
    if (parts.length == 4 && parts[1].equals("modules") && parts[3].equals(EXPLAIN)) {
      V1Api.onlyPosts(request);
      return explanations.explain(request, parts[2], uid(owner));
    }
    if (request.path().equals("/authorities/requests")) {
      V1Api.onlyReads(request);
      return authorities.requests();
    }
    if (parts.length > 2 && parts[1].equals("authorities")) {
      return step(request, parts, uid(owner));
    }
    if (request.path().equals("/revocations") && !request.reads()) {
      V1Api.onlyPosts(request);
      return revocations.revoke(request, uid(owner));
    }
    if (request.path().equals("/revocations/tokens")) {
      V1Api.onlyPosts(request);
      return revocations.tokens(request, uid(owner));
    }
    if (request.path().equals("/revocations/allow")) {
      V1Api.onlyPosts(request);
      return revocations.allow(request, uid(owner));
    }
    if (request.path().equals("/clock/accept")) {
      V1Api.onlyPosts(request);
      return clock.accept(request, uid(owner));
    }
    if (request.path().equals("/backup")) {
      V1Api.onlyPosts(request);
      return recovery.backup(request, uid(owner));
    }
    if (request.path().equals("/gap/accept")) {
      V1Api.onlyPosts(request);
      return recovery.accept(request, uid(owner));
    }
    if (request.path().equals("/bundle/add")) {
      V1Api.onlyPosts(request);
      return bundle.add(request, uid(owner));
    }
    if (request.path().equals("/bundle/remove")) {
      V1Api.onlyPosts(request);
      return bundle.remove(request, uid(owner));
    }
    V1Api.onlyReads(request);
    return view(request);
  }

  /** Connections of a Unix socket are counted by the user id at the other end. */
  private static long uid(Object owner) {
    return owner instanceof Number uid ? uid.longValue() : -1;
  }

  private Response step(Request request, String[] parts, long uid)
      throws Failure, IssuanceException {
    String step = parts[parts.length - 1];
    boolean ofRole = parts.length == 3 && OF_ROLE.contains(step);
    boolean ofOne = parts.length == 4 && OF_ONE.contains(step);
    if (!ofRole && !ofOne) {
      throw Failure.of(Problem.NOT_FOUND, "not found");
    }
    V1Api.onlyPosts(request);
    return switch (step) {
      case "prepare" -> authorities.prepare(request, uid);
      case "rotate" -> authorities.rotate(request, uid);
      case "certificate" -> authorities.certificate(request, uid);
      case "publish" -> authorities.publish(request, parts[2], uid);
      case "activate" -> authorities.activate(request, parts[2], uid);
      case "retire" -> authorities.retire(request, parts[2], uid);
      default -> authorities.abort(request, parts[2], uid);
    };
  }

  private Response view(Request request) throws Failure, IssuanceException {
    String path = request.path();
    return switch (path) {
      case "/status" -> views.status();
      case "/clock" -> clock.status();
      case "/metrics" -> metrics.page();
      case "/modules" -> views.modules();
      case "/certificates" -> views.certificates(request);
      case "/authorities" -> views.authorities();
      case "/revocations" -> revocations.lists();
      case "/rotation" -> authorities.standing();
      case "/key-stores" -> views.keyStores();
      case "/bundle" -> bundle.show();
      default -> one(path);
    };
  }

  private Response one(String path) throws Failure, IssuanceException {
    Optional<Response> found = Optional.empty();
    if (path.startsWith("/modules/")) {
      found = views.module(Percent.decode(path.substring("/modules/".length())));
    } else if (path.startsWith("/certificates/")) {
      found = views.certificate(path.substring("/certificates/".length()));
    }
    return found.orElseThrow(() -> Failure.of(Problem.NOT_FOUND, "not found"));
  }
}
