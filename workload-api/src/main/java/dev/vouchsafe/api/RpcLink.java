package dev.vouchsafe.api;

import io.netty.util.concurrent.EventExecutor;

/** A gRPC connection, as the calls on it see it. All but the loop is for the event loop only. */
interface RpcLink {
  /** The other end. */
  Peer peer();

  EventExecutor loop();

  /** Whether another process than the one that connected wrote to it: nothing is given out then. */
  boolean isSpoilt();

  /** A call on it is worked on from now on. */
  void begun();

  /** One is no longer. */
  void ended();
}
