package dev.vouchsafe.keys;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One call of a program of tpm2-tools.
 *
 * @param tool its name, such as {@code tpm2_sign}
 * @param arguments without secrets, since everybody on the machine can read them
 * @param auth an auth value that it reads from its standard input
 * @param limit nanoseconds after which it is ended
 * @param loads how many objects it leaves loaded in a TPM that has no resource manager
 */
record TpmCall(String tool, List<String> arguments, Optional<TpmAuth> auth, long limit, int loads) {
  /** For what a TPM does in a fraction of a second. */
  private static final long QUICK = TimeUnit.MILLISECONDS.toNanos(1500);

  /** For a primary key, which a slow TPM makes in some seconds. */
  private static final long PATIENT = TimeUnit.SECONDS.toNanos(10);

  /** For making keys: a slow TPM takes a minute for a prime. */
  private static final long SLOW = TimeUnit.SECONDS.toNanos(120);

  TpmCall {
    arguments = List.copyOf(arguments);
  }

  static TpmCall of(String tool, String... arguments) {
    return new TpmCall(tool, List.of(arguments), Optional.empty(), QUICK, 0);
  }

  TpmCall with(String... more) {
    List<String> all = new ArrayList<>(arguments);
    all.addAll(List.of(more));
    return new TpmCall(tool, all, auth, limit, loads);
  }

  /** Gives an auth value, if there is one, after that option; empty for a bare argument. */
  TpmCall authorized(String option, TpmAuth value) {
    TpmCall named = new TpmCall(tool, arguments, Optional.of(value), limit, loads);
    if (!value.isSet()) {
      return named;
    }
    return option.isEmpty() ? named.with("file:-") : named.with(option, "file:-");
  }

  TpmCall loading(int objects) {
    return new TpmCall(tool, arguments, auth, limit, loads + objects);
  }

  TpmCall patient() {
    return new TpmCall(tool, arguments, auth, PATIENT, loads);
  }

  /** With no more than so many nanoseconds. */
  TpmCall within(long left) {
    return new TpmCall(tool, arguments, auth, Math.min(limit, left), loads);
  }

  TpmCall slow() {
    return new TpmCall(tool, arguments, auth, SLOW, loads);
  }
}
