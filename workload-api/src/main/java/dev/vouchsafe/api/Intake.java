package dev.vouchsafe.api;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

/**
 * Stands before the HTTP codec: tells when octets come in, which the codec doesn't until a head is
 * whole, and throws them away once nobody wants them, or once another process wrote some.
 */
final class Intake extends ChannelInboundHandlerAdapter {
  /** Who is told. */
  interface Observer {
    /** Octets come in. */
    void arrived();

    /** Octets came in that another process wrote; none that come after them is handed on either. */
    void spoilt();
  }

  private final Observer observer;
  private boolean discarding;
  private boolean spoilt;
  private @Nullable Runnable report;

  Intake(Observer observer) {
    this.observer = observer;
  }

  void discard() {
    discarding = true;
  }

  /** What is read next was written by the process that connected. */
  void nextIsOwn() {
    report = null;
  }

  /**
   * What is read next was written by another process.
   *
   * @param told runs if octets are read
   */
  void nextIsForeign(Runnable told) {
    report = told;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    if (discarding || spoilt) {
      ReferenceCountUtil.release(msg);
      return;
    }
    if (report != null) {
      spoilt = true;
      ReferenceCountUtil.release(msg);
      report.run();
      observer.spoilt();
      return;
    }
    observer.arrived();
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

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (!(cause instanceof WriterWatch.NothingYet)) {
      ctx.fireExceptionCaught(cause);
    }
  }
}
