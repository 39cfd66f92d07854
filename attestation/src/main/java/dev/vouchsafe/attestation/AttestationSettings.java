package dev.vouchsafe.attestation;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What the operator chose about measuring.
 *
 * @param refuseTraced whether a process that another one traces is refused
 * @param docker the Unix socket of Docker's Engine API, if container selectors may ask it
 * @param podman the Unix socket of Podman's API, if container selectors may ask it
 */
public record AttestationSettings(
    boolean refuseTraced, Optional<Path> docker, Optional<Path> podman) {
  /** Where a distribution's packages have the engines' sockets; whoever is traced is refused. */
  public static AttestationSettings defaults() {
    return new AttestationSettings(
        true,
        Optional.of(Path.of("/run/docker.sock")),
        Optional.of(Path.of("/run/podman/podman.sock")));
  }
}
