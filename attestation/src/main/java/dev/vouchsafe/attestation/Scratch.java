package dev.vouchsafe.attestation;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Memory outside the heap for one system call at a time: where errno is caught, a place for path
 * names and a buffer.
 *
 * <p>Its memory lives as long as the object (an automatic arena), so that no close can pull it away
 * under a call on another thread.
 */
final class Scratch {
  static final int BUFFER_BYTES = 64 * 1024;
  private static final int PATH_BYTES = 4096;

  /** Where {@link Libc} catches errno. */
  final MemorySegment errno;

  /** For results. */
  final MemorySegment buffer;

  /** Whether the look under way has seen a mapping of the executable already. */
  boolean mapped;

  private final MemorySegment path;

  Scratch() {
    Arena arena = Arena.ofAuto();
    errno = arena.allocate(Libc.CAPTURE);
    buffer = arena.allocate(BUFFER_BYTES, Long.BYTES);
    path = arena.allocate(PATH_BYTES);
  }

  /** Whether the kernel takes that as a path name: fewer than 4,096 octets in UTF-8, no NUL. */
  static boolean isPath(String text) {
    return text.length() < PATH_BYTES
        && text.indexOf('\0') < 0
        && text.getBytes(StandardCharsets.UTF_8).length < PATH_BYTES;
  }

  /** A path name for the kernel, which {@link #isPath} takes. */
  MemorySegment path(String text) {
    byte[] octets = text.getBytes(StandardCharsets.UTF_8);
    if (octets.length >= PATH_BYTES || text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("not a path name that the kernel takes");
    }
    MemorySegment.copy(octets, 0, path, ValueLayout.JAVA_BYTE, 0, octets.length);
    path.set(ValueLayout.JAVA_BYTE, octets.length, (byte) 0);
    return path;
  }

  /** A path name made of octets, as a folder's listing gives it. */
  MemorySegment path(byte[] octets) {
    if (octets.length >= PATH_BYTES) {
      throw new IllegalArgumentException("not a path name that the kernel takes");
    }
    MemorySegment.copy(octets, 0, path, ValueLayout.JAVA_BYTE, 0, octets.length);
    path.set(ValueLayout.JAVA_BYTE, octets.length, (byte) 0);
    return path;
  }

  /** The first octets of the buffer. */
  byte[] bytes(int length) {
    byte[] copy = new byte[length];
    MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, copy, 0, length);
    return copy;
  }
}
