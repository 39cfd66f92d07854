package dev.vouchsafe.api;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The streams that are open. When there is news all of them ask again, some at a time and in turns
 * of their users, so that those who are answered anew leave room for whoever asks.
 */
final class RpcStreams {
  /** Enough to keep the processors busy. */
  private static final int AT_ONCE = 32;

  private final Quota places;
  private final Turns turns = new Turns(AT_ONCE);
  private final Set<RpcCall> open = ConcurrentHashMap.newKeySet();

  /**
   * @param places how many may be open, in all and for each user
   */
  RpcStreams(Quota places) {
    this.places = places;
  }

  /** Whether there is a place for one more. */
  boolean enter(RpcCall stream) {
    if (!places.enter(owner(stream))) {
      return false;
    }
    open.add(stream);
    return true;
  }

  void leave(RpcCall stream) {
    if (open.remove(stream)) {
      places.leave(owner(stream));
    }
  }

  private static Object owner(RpcCall stream) {
    return stream.link().peer().owner();
  }

  /** A place in the line of those who ask again. */
  Turns.Ticket ticket(RpcCall stream) {
    return turns.ticket(owner(stream), "");
  }

  int count() {
    return open.size();
  }

  /** Has all ask again. */
  void wake() {
    open.forEach(RpcCall::refresh);
  }

  /** Ends all. */
  void stop() {
    open.forEach(RpcCall::stop);
  }
}
