package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * What {@code statx} says of a file.
 *
 * @param mode type and permission bits
 * @param device major number in the upper 32 bits, minor in the lower
 * @param modified nanoseconds since 1970
 * @param changed nanoseconds since 1970, of the last change to the file or what is known of it
 * @param mount which mount it was seen through; from Linux 6.8 on a number is never given twice
 */
record FileFacts(
    int mode,
    long uid,
    long gid,
    long device,
    long inode,
    long size,
    long links,
    long modified,
    long changed,
    long mount) {
  static final int AT_EMPTY_PATH = 0x1000;
  static final int AT_SYMLINK_NOFOLLOW = 0x100;

  /**
   * Answers from what the kernel knows, so that a file system of a user's own can't make us wait.
   */
  static final int AT_STATX_DONT_SYNC = 0x4000;

  /** STATX_BASIC_STATS, STATX_MNT_ID and STATX_MNT_ID_UNIQUE. */
  static final int BASIC = 0x7ff | 0x1000 | 0x4000;

  private static final int TYPE = 0xf000;
  private static final int REGULAR = 0x8000;
  private static final int FOLDER = 0x4000;
  private static final int LINK = 0xa000;

  boolean regular() {
    return (mode & TYPE) == REGULAR;
  }

  boolean folder() {
    return (mode & TYPE) == FOLDER;
  }

  boolean link() {
    return (mode & TYPE) == LINK;
  }

  boolean writableByOthers() {
    return (mode & 022) != 0;
  }

  boolean sameFile(FileFacts other) {
    return device == other.device && inode == other.inode;
  }

  /** Of an open descriptor. */
  static FileFacts of(Scratch s, int descriptor) throws SystemCallException {
    return check(
        Libc.statx(s, descriptor, s.path(""), AT_EMPTY_PATH, BASIC, s.buffer), "statx", s.buffer);
  }

  /** Reads {@code struct statx}, which is the same on every architecture. */
  static FileFacts check(int result, String what, MemorySegment from) throws SystemCallException {
    if (result < 0) {
      throw new SystemCallException(what, -result);
    }
    return new FileFacts(
        from.get(JAVA_SHORT, 28),
        Integer.toUnsignedLong(from.get(JAVA_INT, 20)),
        Integer.toUnsignedLong(from.get(JAVA_INT, 24)),
        device(from),
        from.get(JAVA_LONG, 32),
        from.get(JAVA_LONG, 40),
        Integer.toUnsignedLong(from.get(JAVA_INT, 16)),
        nanos(from, 112),
        nanos(from, 96),
        from.get(JAVA_LONG, 144));
  }

  private static long device(MemorySegment from) {
    return ((long) from.get(JAVA_INT, 136) << 32) | Integer.toUnsignedLong(from.get(JAVA_INT, 140));
  }

  private static long nanos(MemorySegment from, long offset) {
    return from.get(JAVA_LONG, offset) * 1_000_000_000L
        + Integer.toUnsignedLong(from.get(JAVA_INT, offset + 8));
  }
}
