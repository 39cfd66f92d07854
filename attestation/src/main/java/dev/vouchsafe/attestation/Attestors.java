package dev.vouchsafe.attestation;

import java.time.Duration;

/** Makes attestors. */
public final class Attestors {
  /** How long a measurement waits for the name of a user or group that it meets first. */
  private static final Duration PATIENCE = Duration.ofMillis(500);

  private Attestors() {}

  /**
   * An attestor that uses what this kernel has.
   *
   * @throws IllegalStateException if {@code /proc} isn't there or isn't that of our pid namespace
   */
  public static Attestor open(AttestationSettings settings) {
    return open(settings, new Kernel(), ExecutableHashes.Limits.DEFAULT);
  }

  static Attestor open(
      AttestationSettings settings, Kernel kernel, ExecutableHashes.Limits limits) {
    ScratchPool pool = new ScratchPool();
    return new LinuxAttestor(
        settings,
        kernel,
        new Accounts(new LibcAccountNames(), PATIENCE),
        new ExecutableHashes(kernel, pool, limits),
        pool);
  }
}
