package dev.vouchsafe.api;

import io.netty.channel.ChannelHandlerContext;

/** A connection that was let in, and whose process is about to be looked at. */
interface Arrival {
  ChannelHandlerContext context();

  /** Takes requests of that peer from now on. Runs on the event loop. */
  void begin(Peer peer);
}
