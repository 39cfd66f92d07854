package dev.vouchsafe.attestation;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Attests processes of this Linux machine. */
final class LinuxAttestor implements Attestor {
  private final boolean refuseTraced;
  private final SocketHolders holders;
  private final Kernel kernel;
  private final ScratchPool pool;
  private final Looks looks;
  private final HostProcesses host;
  private final SelectorCheck check;
  private final List<String> limits;

  /**
   * @param check its own from now on
   */
  LinuxAttestor(
      AttestationSettings settings, Kernel kernel, SelectorCheck check, ScratchPool pool) {
    this.refuseTraced = settings.refuseTraced();
    this.kernel = kernel;
    this.pool = pool;
    this.looks = new Looks(kernel, pool);
    this.check = check;
    Scratch s = pool.take();
    OwnProcess own = OwnProcess.look(settings, kernel, s);
    this.host = own.host();
    this.holders = new SocketHolders(SocketHolders.Limits.DEFAULT, own.seesOthers());
    this.limits = own.limits();
    pool.give(s);
  }

  @Override
  public void noteWriters(int listener) throws IOException {
    Scratch s = pool.take();
    try {
      int result = kernel.passCredentials(s, listener);
      if (result < 0) {
        throw new SystemCallException("SO_PASSCRED", -result);
      }
    } finally {
      pool.give(s);
    }
  }

  @Override
  public Written next(int socket, Written.By likely) {
    Scratch s = pool.take();
    try {
      return Writers.next(s, socket, likely);
    } finally {
      pool.give(s);
    }
  }

  @Override
  public Caller accept(int socket) throws CallerUnknownException {
    Scratch s = pool.take();
    try {
      return looks.first(s, socket);
    } finally {
      pool.give(s);
    }
  }

  @Override
  public long owner(InetSocketAddress own, InetSocketAddress other) throws CallerUnknownException {
    Scratch s = pool.take();
    try {
      return ConnectionHolder.socket(s, own, other).uid();
    } finally {
      pool.give(s);
    }
  }

  @Override
  public Caller accept(int socket, InetSocketAddress own, InetSocketAddress other)
      throws CallerUnknownException {
    Scratch s = pool.take();
    try {
      return looks.first(s, socket, own, other);
    } finally {
      pool.give(s);
    }
  }

  @Override
  public Verdict measure(Caller caller, Registration registration) {
    return measure(own(caller), registration, true);
  }

  /**
   * @param issuing whether something may be issued because of this look
   */
  private Verdict measure(ProcessCaller process, Registration registration, boolean issuing) {
    if (!process.enter()) {
      return closed().verdict(List.of());
    }
    Scratch s = pool.take();
    try {
      return measure(s, process, registration, issuing);
    } finally {
      pool.give(s);
      process.leave();
    }
  }

  @Override
  public List<Verdict> measure(List<Caller> callers, Registration registration) {
    List<Verdict> verdicts = new ArrayList<>(callers.size());
    while (verdicts.size() < callers.size()) {
      ProcessCaller model = own(callers.get(verdicts.size()));
      Verdict found = measure(model, registration, false);
      verdicts.add(found);
      // Who holds a connection, where that is asked, is seen of each by itself.
      if (found instanceof Verdict.Attested && !registration.strict() && !model.isOfLoopback()) {
        int alike = alike(model, callers.subList(verdicts.size(), callers.size()));
        verdicts.addAll(Collections.nCopies(alike, found));
      }
    }
    return verdicts;
  }

  /** Of how many of those that follow the same holds as of one that was just found attested. */
  private int alike(ProcessCaller attested, List<Caller> following) {
    List<ProcessCaller> alike = new ArrayList<>(following.size());
    Scratch s = pool.take();
    try {
      for (Caller each : following) {
        ProcessCaller caller = own(each);
        if (alike.size() == Kernel.MOST_ASKED || !caller.enter()) {
          break;
        }
        alike.add(caller);
        if (!looks.same(s, caller, attested)) {
          alike.removeLast().leave();
          break;
        }
      }
      return alike.isEmpty() || !looks.alive(s, alike) ? 0 : alike.size();
    } finally {
      pool.give(s);
      alike.forEach(ProcessCaller::leave);
    }
  }

  private Verdict measure(
      Scratch s, ProcessCaller caller, Registration registration, boolean issuing) {
    Doubt doubt = looks.compare(s, caller);
    List<SelectorResult> results = List.of();
    if (doubt == null || !doubt.definite()) {
      Measurement measurement = measurement(s, caller, registration);
      doubt = measurement.run(doubt);
      if (measurement.slow() && doubt == null) {
        doubt = looks.compare(s, caller);
        doubt = doubt == null ? looks.executed(s, caller) : doubt;
      }
      results = measurement.results();
    }
    if (doubt == null) {
      doubt = behind(s, caller, registration, issuing);
    }
    // Asked last, so that all of the above was one process's, and it is alive now.
    Doubt ended = looks.ended(s, caller);
    if (ended != null) {
      return ended.verdict(List.of());
    }
    return doubt == null ? new Verdict.Attested(registration, results) : doubt.verdict(results);
  }

  /** Who stands behind a caller that matches: whoever holds its socket as well, or traces it. */
  private @Nullable Doubt behind(
      Scratch s, ProcessCaller caller, Registration registration, boolean issuing) {
    if (registration.strict() || caller.isOfLoopback()) {
      Doubt doubt = holders.doubt(s, caller, registration.strict());
      // That takes a while: what was compared before is compared once more.
      doubt = doubt == null ? looks.compare(s, caller) : doubt;
      if (doubt != null) {
        return doubt;
      }
    }
    if (!refuseTraced || !(issuing || caller.tracerIsDue())) {
      return null;
    }
    Doubt doubt = looks.traced(s, caller);
    if (doubt == null) {
      caller.untraced();
    }
    return doubt;
  }

  /**
   * @param namedByUnit whether it must be in a certain systemd unit
   */
  private @Nullable Doubt host(Scratch s, ProcessCaller caller, boolean namedByUnit) {
    if (caller.first().executable() == null) {
      return Looks.denied("its executable can't be seen");
    }
    ProcessCaller.Once known = caller.host(namedByUnit);
    if (known != null) {
      return known.doubt();
    }
    Doubt doubt = host.doubt(s, caller, namedByUnit);
    if (doubt == null || doubt.definite()) {
      caller.host(namedByUnit, new ProcessCaller.Once(doubt));
    }
    return doubt;
  }

  @Override
  public Verdict confirm(Caller caller, Verdict.Attested verdict) {
    ProcessCaller process = own(caller);
    if (!process.enter()) {
      return closed().verdict(verdict.results());
    }
    Scratch s = pool.take();
    try {
      Doubt doubt = looks.compare(s, process);
      doubt = doubt == null ? looks.executed(s, process) : doubt;
      doubt = doubt == null ? behind(s, process, verdict.registration(), true) : doubt;
      Doubt ended = looks.ended(s, process);
      doubt = ended == null ? doubt : ended;
      return doubt == null ? verdict : doubt.verdict(verdict.results());
    } finally {
      pool.give(s);
      process.leave();
    }
  }

  @Override
  public Explanation explain(int pid, Registration registration) throws CallerUnknownException {
    Scratch s = pool.take();
    try (ProcessCaller process = looks.process(s, pid)) {
      if (!process.enter()) {
        throw new IllegalStateException("nobody else has it");
      }
      try {
        return explain(s, process, registration);
      } finally {
        process.leave();
      }
    } finally {
      pool.give(s);
    }
  }

  private Explanation explain(Scratch s, ProcessCaller process, Registration registration)
      throws CallerUnknownException {
    boolean inContainer = registration.hasContainerSelector();
    Doubt changed = looks.compare(s, process);
    Doubt foreign = inContainer ? null : host(s, process, registration.hasSystemdSelector());
    Doubt traced = refuseTraced ? looks.traced(s, process) : null;
    Explainer explainer = new Explainer();
    explainer.rule("one user in all four user ids", "yes, and nothing changed", changed);
    explainer.rule(
        "a process of the host",
        inContainer
            ? "not asked where a container: selector stands"
            : "by its namespaces, root directory and cgroup",
        foreign);
    explainer.rule(
        "nobody traces it",
        refuseTraced ? "nobody does" : "not asked: [attestation] tracer is \"ignore\"",
        traced);
    explainer.ofConnection("it wrote its request itself");
    explainer.ofConnection("it executed nothing since it was accepted");
    if (registration.strict()) {
      explainer.ofConnection("strict: it alone holds its connection, close-on-exec");
    }
    Measurement measurement = measurement(s, process, registration);
    measurement.thorough();
    // As in a measurement of a caller, which asks for all of it in this order.
    Doubt doubt = Doubt.worse(measurement.run(changed), traced);
    if (looks.ended(s, process) != null) {
      throw new CallerUnknownException("process " + process.pid() + " has ended");
    }
    List<SelectorResult> results = measurement.results();
    return new Explanation(
        doubt == null ? new Verdict.Attested(registration, results) : doubt.verdict(results),
        explainer.rules());
  }

  private Measurement measurement(Scratch s, ProcessCaller caller, Registration registration) {
    return new Measurement(
        check.of(s, caller), namedByUnit -> host(s, caller, namedByUnit), registration);
  }

  @Override
  public CallerDescription describe(Caller caller) {
    ProcessCaller process = own(caller);
    if (!process.enter()) {
      return CallerDescription.UNKNOWN;
    }
    Scratch s = pool.take();
    try {
      int length = looks.executablePath(s, process);
      Optional<String> executable =
          length <= 0
              ? Optional.empty()
              : Optional.of(new String(s.bytes(length), StandardCharsets.UTF_8));
      return new CallerDescription(
          // Asked last, as in every look: only now it is sure that the path was this process's.
          looks.ended(s, process) == null ? executable : Optional.empty(),
          CallerDescription.cgroupPath(process.first().cgroup().toArray(ValueLayout.JAVA_BYTE)),
          process.peer().groups() == null ? List.of() : process.peer().groups());
    } finally {
      pool.give(s);
      process.leave();
    }
  }

  private static Doubt closed() {
    return Doubt.refused("caller-gone", "its connection is closed");
  }

  @Override
  public List<String> limits() {
    return limits;
  }

  @Override
  public void close() {
    check.close();
  }

  private static ProcessCaller own(Caller caller) {
    if (caller instanceof ProcessCaller process) {
      return process;
    }
    throw new IllegalArgumentException("not a caller of this attestor");
  }
}
