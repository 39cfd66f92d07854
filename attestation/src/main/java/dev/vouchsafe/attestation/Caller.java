package dev.vouchsafe.attestation;

/**
 * The process at the other end of a connection, as the kernel named it at connect, held by
 * descriptors that stay bound to that very process. Must be closed with its connection.
 */
public interface Caller extends AutoCloseable {
  /** Process id in our pid namespace, at connect. */
  int pid();

  /** Effective user id at connect. */
  long uid();

  /** Effective group id at connect. */
  long gid();

  /** The text of {@code /proc/PID/cgroup} at accept. */
  String cgroup();

  @Override
  void close();
}
