package dev.vouchsafe.attestation;

import org.jspecify.annotations.Nullable;

/** The kernels that callers are looked at on: the one that runs the test, and older ones. */
enum Kernels {
  /** All that it has. */
  THIS {
    @Override
    Kernel kernel() {
      return new Kernel();
    }
  },
  /** No PIDFD_GET_INFO (before 6.13). */
  OLDER {
    @Override
    Kernel kernel() {
      return new Older();
    }
  },
  /** Nor SO_PEERPIDFD (before 6.5: Debian 12's own 6.1) and SO_PEERGROUPS. */
  OLDEST {
    @Override
    Kernel kernel() {
      return new Oldest();
    }
  };

  abstract Kernel kernel();

  private static class Older extends Kernel {
    @Override
    @Nullable Credentials credentials(Scratch s, int pidfd) {
      return null;
    }
  }

  private static final class Oldest extends Older {
    @Override
    int peerPidfd(Scratch s, int socket) {
      return -Libc.ENOPROTOOPT;
    }

    @Override
    int peerGroups(Scratch s, int socket) {
      return -Libc.ENOPROTOOPT;
    }
  }
}
