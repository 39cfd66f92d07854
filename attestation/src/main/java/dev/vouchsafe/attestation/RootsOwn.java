package dev.vouchsafe.attestation;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether nobody but root can have put something at a path, or put something else there.
 *
 * <p>That is so if every folder on the way belongs to root and nobody else may write it, or may
 * only add to it (sticky), and the last one of the way belongs to root as well.
 */
final class RootsOwn {
  private static final int STICKY = 01000;
  private static final int BY_OTHERS = 02;
  private static final int BY_GROUP = 020;

  private RootsOwn() {}

  /**
   * Why somebody else can have; null if nobody else can.
   *
   * @param path absolute; symbolic links in it are followed, and belong to root themselves
   * @param group whether a group may write what lies there, as that of Docker's socket may
   * @throws IOException if there is nothing at that path
   */
  static @Nullable String doubt(Scratch s, Path path, boolean group) throws IOException {
    String written = onTheWay(s, path);
    if (written != null) {
      return written;
    }
    Path real = path.toRealPath();
    String followed = onTheWay(s, real);
    if (followed != null) {
      return followed;
    }
    FileFacts last = look(s, real, 0);
    return last.uid() == 0 && (last.mode() & (group ? BY_OTHERS : BY_OTHERS | BY_GROUP)) == 0
        ? null
        : real + (last.uid() == 0 ? " may be written by others" : " doesn't belong to root");
  }

  private static @Nullable String onTheWay(Scratch s, Path path) throws IOException {
    for (Path at = path; at != null; at = at.getParent()) {
      FileFacts facts = look(s, at, FileFacts.AT_SYMLINK_NOFOLLOW);
      boolean closed = (facts.mode() & (BY_OTHERS | BY_GROUP)) == 0;
      boolean onlyAdded = (facts.mode() & STICKY) != 0;
      // A link has no rights of its own: who may change it is the folder's matter.
      if (facts.uid() != 0 || (facts.folder() && !closed && !onlyAdded)) {
        return at + " may be written by others than root";
      }
    }
    return null;
  }

  private static FileFacts look(Scratch s, Path path, int flags) throws SystemCallException {
    return FileFacts.check(
        Libc.statx(
            s,
            Libc.AT_FDCWD,
            s.path(path.toString()),
            flags | FileFacts.AT_STATX_DONT_SYNC,
            FileFacts.BASIC,
            s.buffer),
        "statx",
        s.buffer);
  }
}
