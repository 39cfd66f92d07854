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
    setTime(serial, Math.max(0, now.toEpochMilli()) & TIME_MASK);
    return serial;
  }

  /** The lowest that can be made at that time, or the lowest of all, if that is before 1970. */
  static byte[] lowest(Instant time) {
    byte[] serial = new byte[LENGTH];
    setTime(serial, bounded(time));
    return serial;
  }

  /** The highest that can be made before that time; one below all others, if there is none. */
  static byte[] highestBefore(Instant time) {
    byte[] serial = new byte[LENGTH];
    long millis = bounded(time);
    if (millis > 0) {
      Arrays.fill(serial, (byte) 0xff);
      setTime(serial, millis - 1);
    }
    return serial;
  }

  /** In milliseconds since 1970, no earlier and no later than a serial number can say. */
  private static long bounded(Instant time) {
    long seconds = Math.clamp(time.getEpochSecond(), 0, TIME_MASK / 1000);
    return Math.min(TIME_MASK, seconds * 1000 + time.getNano() / 1_000_000);
  }

  private static void setTime(byte[] serial, long millis) {
    long time = millis | SECOND_BIT;
    for (int i = 0; i < TIME_OCTETS; i++) {
      serial[i] = (byte) (time >>> (8 * (TIME_OCTETS - 1 - i)));
    }
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
