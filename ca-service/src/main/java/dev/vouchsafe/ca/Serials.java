package dev.vouchsafe.ca;

import java.security.SecureRandom;
import java.time.Instant;
import java.util.Arrays;

/**
 * Makes serial numbers: 16 octets, the first 6 the time in milliseconds since 1970, the other 10
 * random.
 *
 * <p>The first bit is 0, so that the number is positive (RFC 5280 section 4.1.2.2). The second is
 * always 1, so that even with a clock that stands at 1970 the number takes exactly 16 octets. Of
 * the time itself 46 bits remain, which last until the year 4199.
 */
final class Serials {
  static final int LENGTH = 16;
  private static final int TIME_OCTETS = 6;
  private static final long TIME_MASK = (1L << 46) - 1;
  private static final long SECOND_BIT = 1L << 46;

  private final SecureRandom random = new SecureRandom();

  byte[] next(Instant now) {
    byte[] serial = new byte[LENGTH];
    random.nextBytes(serial);
    long time = (Math.max(0, now.toEpochMilli()) & TIME_MASK) | SECOND_BIT;
    for (int i = 0; i < TIME_OCTETS; i++) {
      serial[i] = (byte) (time >>> (8 * (TIME_OCTETS - 1 - i)));
    }
    return serial;
  }

  /** Whether those octets have the shape of a serial number made here. */
  static boolean isOurs(byte[] serial) {
    return serial.length == LENGTH && (serial[0] & 0xc0) == 0x40;
  }

  /** When it was made, as the clock said then. */
  static Instant timeOf(byte[] serial) {
    long time = 0;
    for (byte octet : Arrays.copyOf(serial, TIME_OCTETS)) {
      time = time << 8 | (octet & 0xff);
    }
    return Instant.ofEpochMilli(time & TIME_MASK);
  }
}
