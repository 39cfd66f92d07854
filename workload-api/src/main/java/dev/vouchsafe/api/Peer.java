package dev.vouchsafe.api;

import org.jspecify.annotations.Nullable;

/**
 * The other end of a connection.
 *
 * @param owner whom its share of the limits is counted against: a user id or a network address
 * @param caller the process as the kernel named it, where it could
 * @param nameless why it has no name, where one was looked for in vain
 */
record Peer(Object owner, @Nullable CallerLease caller, @Nullable Failure nameless) {
  /** One whose process is not asked for. */
  static Peer of(Object owner) {
    return new Peer(owner, null, null);
  }
}
