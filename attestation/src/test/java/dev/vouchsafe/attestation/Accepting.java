package dev.vouchsafe.attestation;

/** What a {@link Peer} connects to. */
interface Accepting {
  /** What the peer's script takes: the path of a Unix socket, or a family of IP and a port. */
  String address();

  /** Waits for the next connection, and returns its descriptor. */
  int accept();

  void close(int descriptor);
}
