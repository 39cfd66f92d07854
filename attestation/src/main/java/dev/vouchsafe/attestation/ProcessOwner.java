package dev.vouchsafe.attestation;

import java.util.Optional;

/** Whose a process is, as far as it takes to pass most others over quickly. */
final class ProcessOwner {
  private ProcessOwner() {}

  /** Whether it is, or may be, one of that user's in any of its user ids. */
  static boolean mayBe(Scratch s, int pid, long uid) {
    if (isPlainlyAnothers(s, pid, uid)) {
      return false;
    }
    Optional<Credentials> credentials = credentials(s, pid);
    return credentials.isEmpty() || hasUser(credentials.get(), uid);
  }

  private static boolean hasUser(Credentials ids, long uid) {
    return ids.realUid() == uid
        || ids.effectiveUid() == uid
        || ids.savedUid() == uid
        || ids.fileUid() == uid;
  }

  /** Its folder belongs to its effective user, or to root if it may not be looked at. */
  private static boolean isPlainlyAnothers(Scratch s, int pid, long uid) {
    try {
      long owner = Kernel.file(s, "/proc/" + pid).uid();
      return owner != 0 && owner != uid;
    } catch (SystemCallException e) {
      return false;
    }
  }

  /** Empty if they can't be read. */
  private static Optional<Credentials> credentials(Scratch s, int pid) {
    int file = Libc.open(s, s.path("/proc/" + pid + "/status"), Libc.O_RDONLY | Libc.O_CLOEXEC);
    if (file < 0) {
      return Optional.empty();
    }
    int length = Libc.pread(s, file, s.buffer, Scratch.BUFFER_BYTES, 0);
    byte[] text = length < 0 ? new byte[0] : s.bytes(length);
    Libc.close(s, file);
    return ProcText.credentials(text);
  }
}
