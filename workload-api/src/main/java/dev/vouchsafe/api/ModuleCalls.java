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
import java.util.concurrent.CompletionException;
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

  private final Workers workers;
  private final CallerWorkers lookers;
  private final CertificateAuthority authority;
  private final Attestation attestation;
  private final AuditTrail trail;
  private final Quota waiting;

  /** What waits for the ledger and a key store, and is the longest under way. */
  private final Turns issuing = new Turns(AT_ONCE);

  /** What needs neither: a key store that is slow must not hold it up. */
  private final Turns others = new Turns(AT_ONCE);

  /**
   * @param waiting how many requests may be there, in all and for each user
   */
  ModuleCalls(
      Workers workers,
      CallerWorkers lookers,
      CertificateAuthority authority,
      Attestation attestation,
      AuditTrail trail,
      Quota waiting) {
    this.workers = workers;
    this.lookers = lookers;
    this.authority = authority;
    this.attestation = attestation;
    this.trail = trail;
    this.waiting = waiting;
  }

  /** What a worker does for one request; it answers, or sees to it that somebody will. */
  interface Work {
    void run(ModuleCall call) throws Failure, IssuanceException;
  }

  /** Admits a request and, in its turn, hands it to the workers. Runs on the event loop. */
  void start(Exchange exchange, Function<Failure, Response> errors, Work work) {
    inTurn(exchange, errors, others, call -> onWorker(call, () -> work.run(call)));
  }

  /** The same, for one that ends in {@link #finish}. Runs on the event loop. */
  void startIssuing(Exchange exchange, Function<Failure, Response> errors, Work work) {
    inTurn(exchange, errors, issuing, call -> onWorker(call, () -> work.run(call)));
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
      ticket.enter(() -> handOn.accept(call));
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
   */
  void issue(
      ModuleCall call,
      Verdict.Attested attested,
      Grant grant,
      CertificateRequest request,
      Function<IssuedCertificate, Response> answer) {
    finish(
        call,
        attested,
        authority.issue(grant, request),
        new Handling<>(AuditTrail.Made::of, authority::withhold, answer));
  }

  /**
   * What is done with something that was issued.
   *
   * @param made what is recorded of it
   * @param withhold what becomes of it if it can't be handed over
   * @param answer lays the answer out
   */
  record Handling<T>(
      Function<T, AuditTrail.Made> made, Consumer<T> withhold, Function<T, Response> answer) {}

  /** Something that was issued, on its way to the caller. */
  private record Parcel<T>(
      ModuleCall call, Verdict.Attested attested, T issued, Handling<T> handling) {
    AuditTrail.Made made() {
      return handling.made().apply(issued);
    }

    void withhold() {
      handling.withhold().accept(issued);
    }
  }

  /**
   * When something was issued: has it recorded, looks at the caller once more, and answers. The
   * last look is the last thing before the answer, so what it finds out comes after the record, and
   * is recorded as well.
   */
  <T> void finish(
      ModuleCall call,
      Verdict.Attested attested,
      CompletableFuture<T> issuing,
      Handling<T> handling) {
    CompletableFuture<?> _ =
        issuing.whenComplete((issued, error) -> {
          if (issued == null) {
            onWorker(
                call,
                () -> {
                  throw failure(call, attested, error);
                });
          } else {
            Parcel<T> parcel = new Parcel<>(call, attested, issued, handling);
            goOn(parcel, () -> record(parcel), parcel::withhold);
          }
        });
  }

  /**
   * The next step of a parcel; if it can't be taken, or fails, the parcel goes nowhere.
   *
   * @param stays what to do then
   */
  private void goOn(Parcel<?> parcel, Leg leg, Runnable stays) {
    onWorker(
        parcel.call(),
        () -> {
          boolean onItsWay = false;
          try {
            onItsWay = leg.go();
          } finally {
            if (!onItsWay) {
              parcel.withhold();
            }
          }
        },
        stays);
  }

  /** A part of the way; true if the parcel is somebody else's to see to. */
  private interface Leg {
    boolean go() throws Failure;
  }

  private boolean record(Parcel<?> parcel) {
    CompletableFuture<?> _ =
        trail
            .issued(parcel.call(), parcel.attested(), parcel.made())
            .whenComplete((done, error) ->
                goOn(parcel, () -> handOver(parcel, error), () -> takeBack(parcel)));
    return true;
  }

  /** What is on record as issued stays here after all. */
  private void takeBack(Parcel<?> parcel) {
    trail.undelivered(parcel.call(), parcel.attested(), parcel.made());
    parcel.withhold();
  }

  private <T> boolean handOver(Parcel<T> parcel, @Nullable Throwable unrecorded) throws Failure {
    AuditTrail.Made made = parcel.made();
    if (unrecorded != null) {
      throw trail.unrecorded(parcel.call(), parcel.attested(), made, cause(unrecorded));
    }
    attestation.confirm(parcel.call(), parcel.attested(), made);
    Response answer = parcel.handling().answer().apply(parcel.issued());
    boolean answered =
        parcel
            .call()
            .exchange()
            .answer(
                answer,
                () ->
                    onWorker(() -> {
                      trail.undelivered(parcel.call(), parcel.attested(), made);
                      parcel.withhold();
                    }));
    if (answered) {
      trail.handedOver(made);
    } else {
      trail.undelivered(parcel.call(), parcel.attested(), made);
    }
    return answered;
  }

  /** Off the event loop, which finds out that an answer was lost. */
  private void onWorker(Runnable work) {
    try {
      workers.execute(work);
    } catch (Failure busyOrStopping) {
      work.run();
    }
  }

  private static Throwable cause(Throwable error) {
    return error instanceof CompletionException && error.getCause() != null
        ? error.getCause()
        : error;
  }

  private Failure failure(ModuleCall call, Verdict.Attested attested, @Nullable Throwable error) {
    Throwable cause = error == null ? new IllegalStateException("no result") : cause(error);
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
    return issuing.waiting() + others.waiting();
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
   * @param lost what to do if the step is never begun
   */
  private void onWorker(ModuleCall call, Step step, Runnable lost) {
    try {
      lookers.execute(call.exchange().peer().owner(), new Looking(call, step, lost));
    } catch (Failure failure) {
      call.fail(failure);
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
      call.fail(why);
      if (!begun) {
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
