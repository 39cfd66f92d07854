package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Caller;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.Grant;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedCertificate;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The way of a module's request: admission before any work, then the workers, and after issuing the
 * audit log and the last look. What was issued and can't be handed over is withheld.
 */
final class ModuleCalls {
  private static final QuietLog LOG = new QuietLog(ModuleCalls.class);

  /**
   * Enough to keep the cores and the ledger's groups busy; one who comes after so many of another
   * user's waits no longer than these take.
   */
  private static final int AT_ONCE = 32;

  /** The same of one user while another is there: enough to keep the cores busy, if just so. */
  private static final int IN_COMPANY = 8;

  private final Workers workers;
  private final CallerWorkers lookers;
  private final CertificateAuthority authority;
  private final AuditTrail trail;
  private final Quota waiting;

  /** What waits for the ledger and a key store, and is the longest under way. */
  private final Turns issuing;

  /** Tokens, whose key is in memory: a key store that is slow must not hold them up. */
  private final Turns tokens;

  /** What needs none of these. */
  private final Turns others;

  private final Delivery delivery;

  /**
   * @param waiting how many requests may be there, in all and for each user
   * @param timer tells a user who rests that he may go on
   */
  ModuleCalls(
      Workers workers,
      CallerWorkers lookers,
      CertificateAuthority authority,
      Attestation attestation,
      AuditTrail trail,
      Quota waiting,
      Turns.Timer timer) {
    this.issuing = turns(timer);
    this.tokens = turns(timer);
    this.others = turns(timer);
    this.workers = workers;
    this.lookers = lookers;
    this.authority = authority;
    this.trail = trail;
    this.waiting = waiting;
    this.delivery = new Delivery(trail, attestation, new OnWorkers());
  }

  private static Turns turns(Turns.Timer timer) {
    return new Turns(AT_ONCE, IN_COMPANY, System::nanoTime, timer);
  }

  /** What a worker does for one request; it answers, or sees to it that somebody will. */
  interface Work {
    void run(ModuleCall call) throws Failure, IssuanceException;
  }

  /** Admits a request and, in its turn, hands it to the workers. Runs on the event loop. */
  void start(Exchange exchange, Function<Failure, Response> errors, Work work) {
    inTurn(exchange, errors, others, call -> onWorker(call, () -> work.run(call)));
  }

  /** The same, for one that ends in {@link #issue}. Runs on the event loop. */
  void startIssuing(Exchange exchange, Function<Failure, Response> errors, Work work) {
    inTurn(exchange, errors, issuing, call -> onWorker(call, () -> work.run(call)));
  }

  /** The same, for one that ends in {@link #finish} with a token. Runs on the event loop. */
  void startToken(Exchange exchange, Function<Failure, Response> errors, Work work) {
    inTurn(exchange, errors, tokens, call -> onWorker(call, () -> work.run(call)));
  }

  /** Admits a request and, in its turn, puts it where it is worked on. Runs on the event loop. */
  void inTurn(Exchange exchange, Function<Failure, Response> errors, Consumer<ModuleCall> handOn) {
    inTurn(exchange, errors, others, handOn);
  }

  private void inTurn(
      Exchange exchange,
      Function<Failure, Response> errors,
      Turns turns,
      Consumer<ModuleCall> handOn) {
    Caller caller = admit(exchange, errors);
    if (caller != null) {
      Turns.Ticket ticket = turns.ticket(exchange.peer().owner(), caller.cgroup());
      exchange.whenDone(ticket::withdraw);
      ModuleCall call = new ModuleCall(new TurnedExchange(exchange, ticket), caller, errors);
      ticket.enter(() -> guarded(call, () -> handOn.accept(call)));
    }
  }

  /** Hands a request that was admitted to a worker of its own. */
  void apart(ModuleCall call, Work work) {
    onWorker(call, () -> work.run(call));
  }

  /**
   * Lanes for requests that were admitted, to be worked on together.
   *
   * @param call the request behind one
   */
  <T> Lanes<T> lanes(Function<T, ModuleCall> call, Consumer<List<T>> work) {
    return new Lanes<>(
        lookers,
        work,
        thing -> call.apply(thing).exchange().takesLong(),
        (thing, failure) -> call.apply(thing).fail(failure));
  }

  /** Admits a request, or answers why not. */
  private @Nullable Caller admit(Exchange exchange, Function<Failure, Response> errors) {
    CallerLease lease = exchange.peer().caller();
    if (lease == null || !lease.acquire()) {
      // A connection is looked at once, so only another one can end better.
      if (exchange.peer().nameless() == null) {
        trail.nameless(exchange.peer().owner());
      }
      exchange.answer(errors.apply(nameless(exchange.peer())).closing());
      return null;
    }
    Object owner = exchange.peer().owner();
    if (!waiting.enter(owner)) {
      lease.release();
      exchange.answer(
          errors.apply(Failure.of(Problem.TOO_MANY_REQUESTS, "too many requests are waiting")));
      return null;
    }
    exchange.whenDone(() -> {
      waiting.leave(owner);
      lease.release();
    });
    return lease.caller();
  }

  private static Failure nameless(Peer peer) {
    return peer.nameless() != null
        ? peer.nameless()
        : Failure.of(Problem.CALLER_UNKNOWN, "the kernel could not name the calling process");
  }

  /** Hands to the workers what anyone on the socket may have, whoever calls. */
  void forAnyone(Exchange exchange, Function<Failure, Response> errors, Supplier<Response> answer)
      throws Failure {
    Object owner = exchange.peer().owner();
    if (!waiting.enter(owner)) {
      throw Failure.of(Problem.TOO_MANY_REQUESTS, "too many requests are waiting");
    }
    exchange.whenDone(() -> waiting.leave(owner));
    workers.answer(exchange, errors, answer);
  }

  /**
   * Issues, looks at the caller once more, and answers.
   *
   * @param answer lays the answer out
   * @param receipt is told what becomes of it
   */
  void issue(
      ModuleCall call,
      Verdict.Attested attested,
      Grant grant,
      CertificateRequest request,
      Function<IssuedCertificate, Response> answer,
      Receipt receipt) {
    finish(
        call,
        attested,
        authority.issue(grant, request),
        new Handling<>(
            made -> List.of(new Parcel.Portion(attested, AuditTrail.Made.of(made))),
            authority::withhold,
            answer,
            receipt));
  }

  /**
   * What is done with something that was issued.
   *
   * @param portions what is recorded of it
   * @param withhold what becomes of it if it can't be handed over
   * @param answer lays the answer out
   * @param receipt is told what becomes of that
   */
  record Handling<T>(
      Function<T, List<Parcel.Portion>> portions,
      Consumer<T> withhold,
      Function<T, Response> answer,
      Receipt receipt) {}

  /** When something was issued: has it recorded, looks at the caller once more, and answers. */
  <T> void finish(
      ModuleCall call,
      Verdict.Attested attested,
      CompletableFuture<T> issuing,
      Handling<T> handling) {
    CompletableFuture<?> _ =
        issuing.whenComplete((issued, error) -> {
          if (issued == null) {
            fail(call, attested, error == null ? new IllegalStateException("no result") : error);
          } else {
            delivery.begin(new Parcel<>(call, issued, handling));
          }
        });
  }

  /** Ends a call with what the making for its caller as that registration ended with. */
  void fail(ModuleCall call, Verdict.Attested attested, Throwable error) {
    onWorker(
        call,
        () -> {
          throw failure(call, attested, error);
        });
  }

  /** Has the same recorded for a caller who gets what was made for it as another registration. */
  void leftOut(ModuleCall call, Verdict.Attested attested, Throwable error) {
    Failure _ = failure(call, attested, error);
  }

  /** Off the event loop, which finds out that an answer was lost. */
  private void onWorker(Runnable work) {
    try {
      workers.execute(work);
    } catch (Failure busyOrStopping) {
      work.run();
    }
  }

  /** The workers, as a delivery sees them. */
  private final class OnWorkers implements Delivery.Ways {
    @Override
    public void onWorker(ModuleCall call, Step step, Runnable lost) {
      ModuleCalls.this.onWorker(call, step, lost);
    }

    @Override
    public void apart(Runnable work) {
      ModuleCalls.this.onWorker(work);
    }
  }

  private Failure failure(ModuleCall call, Verdict.Attested attested, Throwable error) {
    Throwable cause = Delivery.cause(error);
    if (cause instanceof IssuanceException e) {
      trail.notDone(call, AuditTrail.Subject.of(attested.registration()), attested.results(), e);
      return failure(e);
    }
    LOG.error("issuing failed", cause);
    return Failure.of(Problem.INTERNAL, "issuing failed; see the log");
  }

  private static Failure failure(IssuanceException e) {
    switch (e.reason().kind()) {
      case INVALID, REFUSED, LIMITED ->
          LOG.info("not done: " + e.reason().code() + ": " + e.getMessage());
      case UNAVAILABLE -> LOG.warning("can't do: " + e.reason().code() + ": " + e.getMessage());
      case FAILED -> LOG.error("issuing failed: " + e.reason().code(), e);
    }
    return Failure.of(e);
  }

  /** How many wait for their turn. */
  int inLine() {
    return issuing.waiting() + tokens.waiting() + others.waiting();
  }

  /** How many are there, worked on or not. */
  int underWay() {
    return waiting.held();
  }

  /** Something that a worker does, which may end in an error answer. */
  interface Step {
    void run() throws Failure, IssuanceException;
  }

  private void onWorker(ModuleCall call, Step step) {
    onWorker(call, step, Exchange.NOTHING_LOST);
  }

  /**
   * @param lost what to do if the step is never begun, or is given up before it has answered
   */
  private void onWorker(ModuleCall call, Step step, Runnable lost) {
    try {
      lookers.execute(call.exchange().peer().owner(), new Looking(call, step, lost));
    } catch (Failure failure) {
      call.fail(failure);
      lost.run();
    } catch (RuntimeException e) {
      call.fail(Workers.unexpected(e));
      lost.run();
    }
  }

  /** A step that may hang in a look at its caller, who is told so. */
  private final class Looking implements CallerWorkers.Work {
    private final ModuleCall call;
    private final Step step;
    private final Runnable lost;
    private volatile boolean begun;

    Looking(ModuleCall call, Step step, Runnable lost) {
      this.call = call;
      this.step = step;
      this.lost = lost;
    }

    @Override
    public void run() {
      begun = true;
      guarded(call, step);
    }

    @Override
    public void slow() {
      call.exchange().takesLong();
    }

    @Override
    public void givenUp(Failure why) {
      boolean wasOpen = call.answer(why);
      if (wasOpen || !begun) {
        onWorker(lost);
      }
    }
  }

  /** The edge of the workers: whatever happens, the caller is answered. */
  void guarded(ModuleCall call, Step step) {
    boolean ended = false;
    try {
      step.run();
      ended = true;
    } catch (Failure failure) {
      ended = true;
      call.fail(failure);
    } catch (IssuanceException e) {
      ended = true;
      trail.notDone(call, AuditTrail.Subject.NOBODY, List.of(), e);
      call.fail(failure(e));
    } catch (RuntimeException e) {
      ended = true;
      call.fail(Workers.unexpected(e));
    } finally {
      if (!ended) {
        // An error, of which the thread tells: its turn must not end with it.
        call.fail(Failure.of(Problem.INTERNAL, "the request failed; see the log"));
      }
    }
  }
}
