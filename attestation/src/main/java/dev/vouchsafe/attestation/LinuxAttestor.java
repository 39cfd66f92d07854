package dev.vouchsafe.attestation;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Attests processes of this Linux machine. */
final class LinuxAttestor implements Attestor {
  private static final Finding NOT_MEASURED =
      new Finding(
          SelectorResult.Outcome.UNAVAILABLE,
          "not measured, since something else does not hold",
          null);

  private final boolean refuseTraced;
  private final SocketHolders holders;
  private final Kernel kernel;
  private final ScratchPool pool;
  private final Looks looks;
  private final HostProcesses host;
  private final SelectorCheck check;
  private final Accounts accounts;
  private final ExecutableHashes hashes;
  private final List<String> limits;

  LinuxAttestor(
      AttestationSettings settings,
      Kernel kernel,
      Accounts accounts,
      ExecutableHashes hashes,
      ScratchPool pool) {
    this.refuseTraced = settings.refuseTraced();
    this.kernel = kernel;
    this.pool = pool;
    this.accounts = accounts;
    this.hashes = hashes;
    this.looks = new Looks(kernel, pool);
    this.check = new SelectorCheck(kernel, accounts, hashes);
    Scratch s = pool.take();
    OwnProcess own = OwnProcess.look(kernel, s);
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
    @Nullable ProcessCaller model = null;
    @Nullable Verdict found = null;
    for (Caller caller : callers) {
      ProcessCaller process = own(caller);
      // Who holds a connection, for a strict one, is seen of each by itself.
      if (found instanceof Verdict.Attested
          && model != null
          && !registration.strict()
          && isSameNow(process, model)) {
        verdicts.add(found);
      } else {
        model = process;
        found = measure(process, registration, false);
        verdicts.add(found);
      }
    }
    return verdicts;
  }

  /** Whether what was just found of one caller that is attested was found of this one as well. */
  private boolean isSameNow(ProcessCaller caller, ProcessCaller attested) {
    if (!caller.enter()) {
      return false;
    }
    Scratch s = pool.take();
    try {
      return looks.sameNow(s, caller, attested);
    } finally {
      pool.give(s);
      caller.leave();
    }
  }

  private Verdict measure(
      Scratch s, ProcessCaller caller, Registration registration, boolean issuing) {
    Doubt doubt = looks.compare(s, caller);
    SelectorResult[] results = {};
    if (doubt == null || !doubt.definite()) {
      results = new SelectorResult[registration.selectors().size()];
      doubt = selectors(s, caller, registration, results, doubt);
    }
    if (doubt == null) {
      doubt = behind(s, caller, registration, issuing);
    }
    // Asked last, so that all of the above was one process's, and it is alive now.
    Doubt ended = looks.ended(s, caller);
    if (ended != null) {
      return ended.verdict(List.of());
    }
    return doubt == null
        ? new Verdict.Attested(registration, List.of(results))
        : doubt.verdict(List.of(results));
  }

  /** Who stands behind a caller that matches: whoever holds its socket as well, or traces it. */
  private @Nullable Doubt behind(
      Scratch s, ProcessCaller caller, Registration registration, boolean issuing) {
    if (registration.strict()) {
      Doubt doubt = holders.doubt(s, caller);
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

  private @Nullable Doubt selectors(
      Scratch s,
      ProcessCaller caller,
      Registration registration,
      SelectorResult[] results,
      @Nullable Doubt before) {
    List<Selector> selectors = registration.selectors();
    Doubt mismatch = null;
    for (int i = 0; i < results.length; i++) {
      if (!(selectors.get(i) instanceof Selector.Sha256)) {
        mismatch = worse(mismatch, check(s, caller, selectors.get(i), results, i));
      }
    }
    mismatch = worse(mismatch, before);
    // What can't be seen matters only to somebody who could be the module at all.
    if (mismatch == null || !mismatch.definite()) {
      mismatch = worse(mismatch, host(s, caller, false));
    }
    return hashes(s, caller, selectors, results, mismatch);
  }

  /** Hashing is what a stranger could make us work at: only for one whom nothing else rules out. */
  private @Nullable Doubt hashes(
      Scratch s,
      ProcessCaller caller,
      List<Selector> selectors,
      SelectorResult[] results,
      @Nullable Doubt others) {
    Doubt mismatch = others;
    boolean hashed = false;
    for (int i = 0; i < results.length; i++) {
      if (results[i] == null) {
        if (mismatch != null && mismatch.definite()) {
          results[i] = NOT_MEASURED.result(selectors.get(i).text());
        } else {
          mismatch = worse(mismatch, check(s, caller, selectors.get(i), results, i));
          hashed = true;
        }
      }
    }
    // Hashing may have taken long: what was compared before is compared once more.
    return hashed && mismatch == null ? looks.compare(s, caller) : mismatch;
  }

  private @Nullable Doubt check(
      Scratch s, ProcessCaller caller, Selector selector, SelectorResult[] results, int at) {
    Finding finding = check.check(s, caller, selector);
    String wanted = selector.text();
    results[at] = finding.result(wanted);
    return doubt(wanted, finding);
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

  private static @Nullable Doubt doubt(String wanted, Finding finding) {
    String detail = wanted + ": " + finding.measured();
    return switch (finding.outcome()) {
      case HOLDS -> null;
      case DOES_NOT_HOLD ->
          Doubt.refused(finding.code() == null ? "selector-mismatch" : finding.code(), detail);
      case UNAVAILABLE ->
          Doubt.unavailable(finding.code() == null ? "measurement-denied" : finding.code(), detail);
    };
  }

  /** A definite no counts more than "can't tell", and the first of a kind more than the others. */
  private static @Nullable Doubt worse(@Nullable Doubt one, @Nullable Doubt other) {
    if (one == null) {
      return other;
    }
    return other != null && other.definite() && !one.definite() ? other : one;
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
      doubt = doubt == null ? behind(s, process, verdict.registration(), true) : doubt;
      Doubt ended = looks.ended(s, process);
      doubt = ended == null ? doubt : ended;
      return doubt == null ? verdict : doubt.verdict(verdict.results());
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
    accounts.close();
    hashes.close();
  }

  private static ProcessCaller own(Caller caller) {
    if (caller instanceof ProcessCaller process) {
      return process;
    }
    throw new IllegalArgumentException("not a caller of this attestor");
  }
}
