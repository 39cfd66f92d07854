package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.Caller;
import dev.vouchsafe.attestation.CallerUnknownException;
import dev.vouchsafe.attestation.Explanation;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.SelectorResult;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.attestation.Written;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Function;

/** An attestor that finds what the test says, and counts the callers that it has open. */
final class FakeAttestor implements Attestor {
  final AtomicInteger open = new AtomicInteger();
  final AtomicInteger accepted = new AtomicInteger();
  final AtomicInteger measured = new AtomicInteger();
  final List<Integer> together = new CopyOnWriteArrayList<>();
  volatile boolean unknown;
  volatile BiFunction<Caller, Registration, Verdict> measure =
      (caller, registration) ->
          new Verdict.Attested(
              registration,
              List.of(new SelectorResult("unix:uid:0", "0", SelectorResult.Outcome.HOLDS)));
  volatile Function<Verdict.Attested, Verdict> confirm = verdict -> verdict;

  static Verdict refused() {
    return new Verdict.Refused("selector-mismatch", "a detail for the log only", List.of());
  }

  static Verdict unavailable() {
    return new Verdict.Unavailable("measurement-timeout", "a detail for the log only", List.of());
  }

  @Override
  public void noteWriters(int listener) {
    // Every writer is the one that connected.
  }

  @Override
  public Written next(int socket, Written.By likely) {
    return likely;
  }

  @Override
  public Caller accept(int socket) throws CallerUnknownException {
    accepted.incrementAndGet();
    if (unknown) {
      throw new CallerUnknownException("no such process");
    }
    open.incrementAndGet();
    return new FakeCaller();
  }

  @Override
  public long owner(InetSocketAddress own, InetSocketAddress other) {
    return 0;
  }

  @Override
  public Caller accept(int socket, InetSocketAddress own, InetSocketAddress other)
      throws CallerUnknownException {
    return accept(socket);
  }

  @Override
  public Verdict measure(Caller caller, Registration registration) {
    measured.incrementAndGet();
    checkOpen(caller);
    Verdict verdict = measure.apply(caller, registration);
    checkOpen(caller);
    return verdict;
  }

  @Override
  public List<Verdict> measure(List<Caller> callers, Registration registration) {
    together.add(callers.size());
    return callers.stream().map(caller -> measure(caller, registration)).toList();
  }

  @Override
  public Verdict confirm(Caller caller, Verdict.Attested verdict) {
    checkOpen(caller);
    return confirm.apply(verdict);
  }

  private static void checkOpen(Caller caller) {
    if (((FakeCaller) caller).closed) {
      throw new AssertionError("a caller was closed while a worker used it");
    }
  }

  @Override
  public Explanation explain(int pid, Registration registration) {
    return new Explanation(new Verdict.Attested(registration, List.of()), List.of());
  }

  @Override
  public List<String> limits() {
    return List.of("nothing is real here");
  }

  @Override
  public void close() {
    // Holds nothing.
  }

  private final class FakeCaller implements Caller {
    private volatile boolean closed;

    @Override
    public int pid() {
      return 1;
    }

    @Override
    public long uid() {
      return TestHome.OWN_UID;
    }

    @Override
    public long gid() {
      return 0;
    }

    @Override
    public String cgroup() {
      return "0::/";
    }

    @Override
    public void close() {
      if (closed) {
        throw new AssertionError("a caller was closed twice");
      }
      closed = true;
      open.decrementAndGet();
    }
  }
}
