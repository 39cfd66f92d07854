package dev.vouchsafe.attestation;

/** Looks for the executable in the held {@code /proc/PID/maps} of a caller. */
final class Mappings {
  private Mappings() {}

  /**
   * Whether a mapping of the executable stands in the caller's address space, as it must unless
   * {@code /proc/PID/exe} was made to show another file (PR_SET_MM_MAP). The caller has been
   * entered and compared in the same look, which has read as far as that mapping stood the last
   * time.
   *
   * @param executable the one that it was compared with
   */
  static boolean runs(Scratch s, ProcessCaller caller, FileFacts executable) {
    if (s.mapped) {
      return true;
    }
    int maps = caller.descriptors().maps();
    int total = 0;
    // The executable is mapped near the start as a rule, and each line costs.
    int want = 512;
    while (total < Scratch.BUFFER_BYTES) {
      int room = Math.min(want, Scratch.BUFFER_BYTES - total);
      int length = maps < 0 ? -1 : Libc.pread(s, maps, s.buffer.asSlice(total), room, total);
      if (length <= 0) {
        return false;
      }
      total += length;
      int end = end(s, total, executable);
      if (end > 0) {
        caller.mapsBytes(end);
        return true;
      }
      want = 4096;
    }
    return false;
  }

  /** As {@link ProcText#executableMappingEnd}, of what a look has read into the buffer. */
  static int end(Scratch s, int length, FileFacts executable) {
    return ProcText.executableMappingEnd(s.bytes(length), length, executable);
  }
}
