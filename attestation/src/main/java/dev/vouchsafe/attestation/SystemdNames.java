package dev.vouchsafe.attestation;

/** What systemd's names say by themselves (systemd.slice(5)). */
final class SystemdNames {
  private static final String SLICE = ".slice";
  private static final String ROOT = "-.slice";

  private SystemdNames() {}

  /** Whether a slice is the other one, or lies in it: {@code a-b.slice} in {@code a.slice}. */
  static boolean sliceWithin(String slice, String outer) {
    return slice.equals(outer)
        || outer.equals(ROOT)
        || slice.startsWith(outer.substring(0, outer.length() - SLICE.length()) + "-");
  }

  /**
   * The unit that a cgroup's path names: its last segment. One that could be taken for a file of
   * the kernel's bears an underscore before it.
   */
  static String ownUnit(String path) {
    String last = path.substring(path.lastIndexOf('/') + 1);
    return last.startsWith("_") ? last.substring(1) : last;
  }
}
