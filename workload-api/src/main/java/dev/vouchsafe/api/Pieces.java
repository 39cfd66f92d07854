package dev.vouchsafe.api;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpChunkedInput;
import io.netty.handler.stream.ChunkedInput;
import io.netty.handler.stream.ChunkedWriteHandler;

/** A body in pieces, of which none is a copy. */
final class Pieces implements ChunkedInput<ByteBuf> {
  /** Of each piece, in octets: that of a TLS record (RFC 8446 section 5.1). */
  static final int LENGTH = 16 * 1024;

  private final ByteBuf body;
  private final long length;

  /**
   * @param body which this takes over
   */
  Pieces(ByteBuf body) {
    this.body = body;
    this.length = body.readableBytes();
  }

  /** Writes an answer: a large one as its reader takes it, where something sees to that. */
  static ChannelFuture write(ChannelHandlerContext context, FullHttpResponse message) {
    if (message.content().readableBytes() <= LENGTH
        || context.pipeline().get(ChunkedWriteHandler.class) == null) {
      return context.writeAndFlush(message);
    }
    ChannelFuture _ =
        context.write(
            new DefaultHttpResponse(
                message.protocolVersion(), message.status(), message.headers()));
    return context.writeAndFlush(new HttpChunkedInput(new Pieces(message.content())));
  }

  @Override
  public boolean isEndOfInput() {
    return !body.isReadable();
  }

  @Override
  public void close() {
    body.release();
  }

  @Override
  @Deprecated
  @SuppressWarnings("InlineMeSuggester") // It is Netty's to take away.
  public ByteBuf readChunk(ChannelHandlerContext ctx) {
    return readChunk(ctx.alloc());
  }

  @Override
  public ByteBuf readChunk(ByteBufAllocator allocator) {
    return body.readRetainedSlice(Math.min(LENGTH, body.readableBytes()));
  }

  @Override
  public long length() {
    return length;
  }

  @Override
  public long progress() {
    return body.readerIndex();
  }
}
