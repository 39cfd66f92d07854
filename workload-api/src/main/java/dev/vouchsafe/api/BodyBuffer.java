package dev.vouchsafe.api;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/**
 * Collects a body up to a limit; grows with what has come, not with what was announced. Beyond a
 * little, what it grows to is taken from a budget that all connections share, from before the
 * octets are kept until the exchange that they belong to has ended.
 */
final class BodyBuffer {
  /** Octets that a connection has free: it costs about as much without a body. */
  static final int FREE = 8 * 1024;

  private static final byte[] NOTHING = {};
  private static final int FIRST = 1024;

  private final int limit;
  private final Quota budget;
  private final Object owner;
  private byte[] octets = NOTHING;
  private int length;
  private int counted;

  /**
   * @param limit the longest body, in octets
   * @param budget octets of all bodies, and of one owner's
   */
  BodyBuffer(int limit, Quota budget, Object owner) {
    this.limit = limit;
    this.budget = budget;
    this.owner = owner;
  }

  /** A budget of so many octets, of which one owner has a quarter. */
  static Quota budget(int octets) {
    return new Quota(octets, octets / 4);
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
      int wanted = Math.min(limit, Math.max(length + count, room()));
      count(wanted);
      octets = Arrays.copyOf(octets, wanted);
    }
    more.readBytes(octets, length, count);
    length += count;
  }

  /** Most bodies come in one piece: a first one has just the room that it needs. */
  private int room() {
    return octets.length == 0 ? 0 : Math.max(FIRST, octets.length * 2);
  }

  private void count(int size) throws Failure {
    if (size <= FREE) {
      return;
    }
    if (!budget.enter(owner, size - counted)) {
      throw Failure.of(Problem.TOO_MANY_BODIES, "too much of other requests' bodies is under way");
    }
    counted = size;
  }

  /** Takes out all that came; it stays counted. */
  byte[] takeAll() {
    byte[] all = length == octets.length ? octets : Arrays.copyOf(octets, length);
    octets = NOTHING;
    length = 0;
    return all;
  }

  /** What was taken out is counted until that exchange has ended, and here no more. */
  void handOver(Exchange exchange) {
    if (counted > 0) {
      int held = counted;
      counted = 0;
      exchange.whenDone(() -> budget.leave(owner, held));
    }
  }

  /** Drops what came, and starts anew. */
  void reset() {
    octets = NOTHING;
    length = 0;
    if (counted > 0) {
      budget.leave(owner, counted);
      counted = 0;
    }
  }

  static Failure tooLarge(int limit) {
    return Failure.of(Problem.BODY_TOO_LARGE, "the body is over " + limit + " octets");
  }
}
