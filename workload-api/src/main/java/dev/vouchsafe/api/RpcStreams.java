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

  private final Turns turns = new Turns(AT_ONCE);
  private final Set<RpcCall> open = ConcurrentHashMap.newKeySet();

  void enter(RpcCall stream) {
    open.add(stream);
  }

  /** Also one that never entered may. */
  void leave(RpcCall stream) {
    open.remove(stream);
  }

  /** A place in the line of those who ask again. */
  Turns.Ticket ticket(RpcCall stream) {
    return turns.ticket(stream.link().peer().owner(), "");
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
