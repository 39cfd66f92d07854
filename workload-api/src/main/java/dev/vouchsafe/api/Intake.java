package dev.vouchsafe.api;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;

/**
 * Stands before the HTTP codec: tells when octets come in, which the codec doesn't until a head is
 * whole, and throws them away once nobody wants them.
 */
final class Intake extends ChannelInboundHandlerAdapter {
  private final Runnable arrived;
  private boolean discarding;

  Intake(Runnable arrived) {
    this.arrived = arrived;
  }

  void discard() {
    discarding = true;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    if (discarding) {
      ReferenceCountUtil.release(msg);
      return;
    }
    arrived.run();
    ctx.fireChannelRead(msg);
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (discarding) {
      ctx.read();
      return;
    }
    ctx.fireChannelReadComplete();
  }
}
