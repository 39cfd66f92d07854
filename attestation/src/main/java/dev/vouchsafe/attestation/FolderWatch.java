package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * The kernel's queue of changes in one folder (inotify). Whoever changed a file has the event in
 * the queue before the change returns, so one read that doesn't wait tells whether anything
 * changed.
 *
 * <p>A file that is being written in place counts as changed when it is closed: what stands in it
 * before is half of something. Hence no {@code IN_MODIFY}.
 */
final class FolderWatch implements AutoCloseable {
  private static final int IN_ATTRIB = 0x4;
  private static final int IN_CLOSE_WRITE = 0x8;
  private static final int IN_MOVED_FROM = 0x40;
  private static final int IN_MOVED_TO = 0x80;
  private static final int IN_CREATE = 0x100;
  private static final int IN_DELETE = 0x200;
  private static final int IN_DELETE_SELF = 0x400;
  private static final int IN_MOVE_SELF = 0x800;
  private static final int WANTED =
      IN_ATTRIB
          | IN_CLOSE_WRITE
          | IN_MOVED_FROM
          | IN_MOVED_TO
          | IN_CREATE
          | IN_DELETE
          | IN_DELETE_SELF
          | IN_MOVE_SELF;
  private static final int IN_UNMOUNT = 0x2000;
  private static final int IN_Q_OVERFLOW = 0x4000;
  private static final int IN_IGNORED = 0x8000;
  private static final int NOT_KNOWN_WHAT =
      IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF;
  private static final int HEAD_BYTES = 16;

  private final int inotify;
  private final Scratch scratch;
  private boolean closed;

  private FolderWatch(int inotify, Scratch scratch) {
    this.inotify = inotify;
    this.scratch = scratch;
  }

  /** Watches the folder behind a descriptor, whatever its path leads to later. */
  static FolderWatch of(int folder, Scratch s) throws SystemCallException {
    int inotify = Libc.inotifyInit(s, Libc.O_NONBLOCK | Libc.O_CLOEXEC);
    if (inotify < 0) {
      throw new SystemCallException("inotify_init1", -inotify);
    }
    int watch = Libc.inotifyAddWatch(s, inotify, s.path("/proc/self/fd/" + folder), WANTED);
    if (watch < 0) {
      Libc.close(s, inotify);
      throw new SystemCallException("inotify_add_watch", -watch);
    }
    return new FolderWatch(inotify, s);
  }

  /**
   * Takes all events that are there.
   *
   * @param changed receives the names of registration files that changed
   * @return false if what changed can't be told, so that everything must be looked at
   */
  boolean take(Set<String> changed) {
    boolean known = true;
    int length;
    while ((length = Libc.read(scratch, inotify, scratch.buffer, Scratch.BUFFER_BYTES)) > 0) {
      known &= events(length, changed);
    }
    return known && length == -Libc.EAGAIN;
  }

  /** Reads {@code struct inotify_event}: mask at 4, length of the name at 12, name at 16. */
  private boolean events(int length, Set<String> changed) {
    boolean known = true;
    int at = 0;
    while (at < length) {
      int mask = scratch.buffer.get(JAVA_INT, at + 4);
      int room = scratch.buffer.get(JAVA_INT, at + 12);
      if ((mask & NOT_KNOWN_WHAT) != 0) {
        known = false;
      } else if (room > 0) {
        String name = name(at + HEAD_BYTES, room);
        if (OpenFolder.isRegistration(name)) {
          changed.add(name);
        }
      }
      at += HEAD_BYTES + room;
    }
    return known;
  }

  private String name(int at, int room) {
    byte[] octets = new byte[room];
    int n = 0;
    byte b;
    while (n < room && (b = scratch.buffer.get(JAVA_BYTE, at + n)) != 0) {
      octets[n++] = b;
    }
    return new String(octets, 0, n, StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Libc.close(scratch, inotify);
    }
  }
}
