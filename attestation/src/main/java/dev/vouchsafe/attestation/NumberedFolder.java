package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.util.Arrays;

/** An open folder of /proc whose entries are numbers: processes, threads or descriptors. */
final class NumberedFolder implements AutoCloseable {
  private static final int LONGEST = 10;

  private final Scratch s;
  private final int folder;

  private NumberedFolder(Scratch s, int folder) {
    this.s = s;
    this.folder = folder;
  }

  static NumberedFolder open(Scratch s, String path) throws SystemCallException {
    int folder = Libc.open(s, s.path(path), Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_CLOEXEC);
    if (folder < 0) {
      throw new SystemCallException(path, -folder);
    }
    return new NumberedFolder(s, folder);
  }

  int descriptor() {
    return folder;
  }

  /** What is in it. What comes or goes meanwhile may or may not be there. */
  int[] numbers() throws SystemCallException {
    int[] numbers = new int[64];
    int count = 0;
    int length;
    while ((length = Libc.getdents(s, folder, s.buffer, Scratch.BUFFER_BYTES)) != 0) {
      if (length < 0) {
        throw new SystemCallException("getdents", -length);
      }
      // struct linux_dirent64: length at 16, name at 19.
      int at = 0;
      while (at < length) {
        int number = number(at + 19);
        if (number >= 0) {
          numbers = count == numbers.length ? Arrays.copyOf(numbers, 2 * count) : numbers;
          numbers[count++] = number;
        }
        at += Short.toUnsignedInt(s.buffer.get(JAVA_SHORT, at + 16));
      }
    }
    return Arrays.copyOf(numbers, count);
  }

  /** -1 if it is none. */
  private int number(int at) {
    long number = 0;
    for (int i = 0; i <= LONGEST; i++) {
      byte digit = s.buffer.get(JAVA_BYTE, at + i);
      if (digit == 0) {
        return i == 0 || number > Integer.MAX_VALUE ? -1 : (int) number;
      }
      if (digit < '0' || digit > '9') {
        return -1;
      }
      number = number * 10 + (digit - '0');
    }
    return -1;
  }

  @Override
  public void close() {
    Libc.close(s, folder);
  }
}
