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
}
