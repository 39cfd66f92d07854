package dev.vouchsafe.api;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/** Collects a body up to a limit; grows with what has come, not with what was announced. */
final class BodyBuffer {
  private static final byte[] NOTHING = {};
  private static final int FIRST = 1024;

  private final int limit;
  private byte[] octets = NOTHING;
  private int length;

  BodyBuffer(int limit) {
    this.limit = limit;
  }

  void add(ByteBuf more) throws Failure {
    int count = more.readableBytes();
    if (count == 0) {
      return;
    }
    if (count > limit - length) {
      throw tooLarge(limit);
    }
    if (length + count > octets.length) {
      int wanted = Math.max(length + count, Math.max(FIRST, octets.length * 2));
      octets = Arrays.copyOf(octets, Math.min(limit, wanted));
    }
    more.readBytes(octets, length, count);
    length += count;
  }

  /** Hands over all that came and starts anew. */
  byte[] takeAll() {
    byte[] all = length == octets.length ? octets : Arrays.copyOf(octets, length);
    reset();
    return all;
  }

  void reset() {
    octets = NOTHING;
    length = 0;
  }

  static Failure tooLarge(int limit) {
    return Failure.of(Problem.BODY_TOO_LARGE, "the body is over " + limit + " octets");
  }
}
