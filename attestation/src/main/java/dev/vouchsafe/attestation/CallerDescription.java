package dev.vouchsafe.attestation;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * What a process looked like, for the record. It decides nothing: both texts are what a process may
 * have a hand in.
 *
 * @param executable the path of its executable, as the kernel named it just now; empty if it can't
 *     be seen, or the process has ended
 * @param cgroup the path of its control group at the first look
 * @param groups its supplementary groups at connect; empty if this kernel can't say
 */
public record CallerDescription(
    Optional<String> executable, Optional<String> cgroup, List<Long> groups) {
  /** Nothing is known. */
  public static final CallerDescription UNKNOWN =
      new CallerDescription(Optional.empty(), Optional.empty(), List.of());

  public CallerDescription {
    groups = List.copyOf(groups);
  }

  /**
   * The path that says most: of the unified hierarchy, or of systemd's where that one is not used.
   *
   * @param text of {@code /proc/PID/cgroup} (cgroups(7))
   */
  static Optional<String> cgroupPath(byte[] text) {
    Optional<String> found = Optional.empty();
    for (String line : new String(text, StandardCharsets.UTF_8).lines().toList()) {
      String[] parts = line.split(":", 3);
      boolean known = parts.length == 3 && (parts[1].isEmpty() || parts[1].equals("name=systemd"));
      if (known && (found.isEmpty() || found.get().equals("/"))) {
        found = Optional.of(parts[2]);
      }
    }
    return found;
  }
}
