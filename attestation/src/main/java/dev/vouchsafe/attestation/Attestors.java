package dev.vouchsafe.attestation;

import com.github.benmanes.caffeine.cache.Ticker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

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

  /** Who must be asked for some selectors, and whether they are there; nobody is asked for that. */
  public static List<Witness> witnesses(AttestationSettings settings) {
    return List.of(
        Witness.engine(Witness.Kind.DOCKER, settings.docker()),
        Witness.engine(Witness.Kind.PODMAN, settings.podman()),
        Witness.systemManager());
  }

  static Attestor open(
      AttestationSettings settings, Kernel kernel, ExecutableHashes.Limits limits) {
    ScratchPool pool = new ScratchPool();
    Map<Selector.Engine, Path> sockets = new EnumMap<>(Selector.Engine.class);
    settings.docker().ifPresent(path -> sockets.put(Selector.Engine.DOCKER, path));
    settings.podman().ifPresent(path -> sockets.put(Selector.Engine.PODMAN, path));
    Ticker ticker = Ticker.systemTicker();
    SelectorCheck check =
        new SelectorCheck(
            kernel,
            new Accounts(new LibcAccountNames(), PATIENCE),
            new ExecutableHashes(kernel, pool, limits),
            new Containers(kernel, pool, sockets, ticker),
            new SystemdUnits(new SystemBus(SystemBus.SOCKET, Asked.PATIENCE)::unit, ticker));
    return new LinuxAttestor(settings, kernel, check, pool);
  }
}
