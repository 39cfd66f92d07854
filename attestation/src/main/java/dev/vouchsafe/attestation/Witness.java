package dev.vouchsafe.attestation;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Whoever must be asked, besides the kernel, for what some selectors say of a caller.
 *
 * @param kind who it is
 * @param absence why it can't be asked, for people; empty if it seems to be there
 */
public record Witness(Kind kind, Optional<String> absence) {
  /** Who is asked. */
  public enum Kind {
    DOCKER("Docker", "container:"),
    PODMAN("Podman", "container:"),
    SYSTEM_MANAGER("systemd", "systemd:");

    private final String text;
    private final String selectors;

    Kind(String text, String selectors) {
      this.text = text;
      this.selectors = selectors;
    }

    /** Its name, for people. */
    public String text() {
      return text;
    }

    /** How the selectors begin that it is asked for. */
    public String selectors() {
      return selectors;
    }

    /** Whether it is an engine of containers, of which there may be several. */
    public boolean isEngine() {
      return this != SYSTEM_MANAGER;
    }
  }

  static Witness engine(Kind kind, Optional<Path> socket) {
    return new Witness(
        kind,
        socket.isEmpty()
            ? Optional.of("[attestation] " + setting(kind) + " is \"off\"")
            : absent(socket.get()));
  }

  private static String setting(Kind kind) {
    return (kind == Kind.DOCKER ? Selector.Engine.DOCKER : Selector.Engine.PODMAN).text();
  }

  static Witness systemManager() {
    return new Witness(
        Kind.SYSTEM_MANAGER,
        absent(SystemBus.SOCKET)
            .or(() ->
                SystemBus.hasLibrary()
                    ? Optional.empty()
                    : Optional.of(
                        SystemBus.LIBRARY + " can't be loaded; Debian has it in libsystemd0")));
  }

  /** Only what is surely not there: a folder that we may not enter is for the limits to tell. */
  private static Optional<String> absent(Path socket) {
    return Files.notExists(socket) ? Optional.of("there is no socket " + socket) : Optional.empty();
  }

  /** Whether the registration has a selector for which this one is asked, of some caller. */
  public boolean isNamedBy(Registration registration) {
    return switch (kind) {
      case SYSTEM_MANAGER -> registration.everySelector().anyMatch(Registration::ofManager);
      case DOCKER -> namesEngine(registration, Selector.Engine.DOCKER);
      case PODMAN -> namesEngine(registration, Selector.Engine.PODMAN);
    };
  }

  private static boolean namesEngine(Registration registration, Selector.Engine engine) {
    return registration.everySelector().anyMatch(Contradictions::inContainer)
        && registration.selectors().stream()
            .noneMatch(
                s -> s instanceof Selector.ContainerEngine named && named.engine() != engine);
  }

  /** Whether it is the only engine that the registration's containers can be of. */
  public boolean isOnlyEngineOf(Registration registration) {
    return isNamedBy(registration)
        && registration.selectors().stream().anyMatch(s -> s instanceof Selector.ContainerEngine);
  }
}
