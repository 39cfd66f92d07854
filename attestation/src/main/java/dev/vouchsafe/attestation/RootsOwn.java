package dev.vouchsafe.attestation;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether nobody but root can have put something at a path, or put something else there.
 *
 * <p>That is so if every folder on the way belongs to root and nobody else may write it, or may
 * only add to it (sticky), every symbolic link on the way belongs to root, and so on for the way
 * that each link leads, and the last one of the way belongs to root as well.
 */
final class RootsOwn {
  private static final int STICKY = 01000;
  private static final int BY_OTHERS = 02;
  private static final int BY_GROUP = 020;

  /** As many as the kernel follows (path_resolution(7)). */
  private static final int MOST_LINKS = 40;

  private final Scratch s;

  /** The names that are still to be walked. */
  private final Deque<String> rest = new ArrayDeque<>();

  private int links;

  private RootsOwn(Scratch s) {
    this.s = s;
  }

  /**
   * Why somebody else can have; null if nobody else can.
   *
   * @param path absolute
   * @param group whether a group may write what lies there, as that of Docker's socket may
   * @throws IOException if there is nothing at that path
   */
  static @Nullable String doubt(Scratch s, String path, boolean group) throws IOException {
    return new RootsOwn(s).doubt(path, group);
  }

  private @Nullable String doubt(String path, boolean group) throws IOException {
    before(path);
    String at = "/";
    FileFacts facts = Kernel.file(s, at);
    String doubt = written(at, facts);
    while (doubt == null && !rest.isEmpty()) {
      String name = rest.removeFirst();
      if (name.equals("..")) {
        // Every folder above has been looked at.
        at = at.substring(0, Math.max(1, at.lastIndexOf('/')));
        facts = Kernel.file(s, at, FileFacts.AT_SYMLINK_NOFOLLOW);
        continue;
      }
      String next = at.equals("/") ? at + name : at + "/" + name;
      FileFacts found = Kernel.file(s, next, FileFacts.AT_SYMLINK_NOFOLLOW);
      doubt = written(next, found);
      if (found.link()) {
        at = follow(next).startsWith("/") ? "/" : at;
      } else {
        at = next;
        facts = found;
      }
    }
    if (doubt != null) {
      return doubt;
    }
    return (facts.mode() & (group ? BY_OTHERS : BY_OTHERS | BY_GROUP)) == 0
        ? null
        : at + " may be written by others";
  }

  /** Puts the names of a path before those that are still to be walked. */
  private void before(String path) {
    for (String name : List.of(path.split("/", -1)).reversed()) {
      if (!name.isEmpty() && !name.equals(".")) {
        rest.addFirst(name);
      }
    }
  }

  private String follow(String link) throws SystemCallException {
    if (++links > MOST_LINKS) {
      throw new SystemCallException("readlink", Libc.ELOOP);
    }
    int length = Libc.readlink(s, s.path(link), s.buffer, Scratch.BUFFER_BYTES);
    if (length < 0) {
      throw new SystemCallException("readlink", -length);
    }
    String target = new String(s.bytes(length), StandardCharsets.UTF_8);
    before(target);
    return target;
  }

  private static @Nullable String written(String at, FileFacts facts) {
    boolean closed = (facts.mode() & (BY_OTHERS | BY_GROUP)) == 0;
    boolean onlyAdded = (facts.mode() & STICKY) != 0;
    // A link has no rights of its own: who may change it is the folder's matter.
    return facts.uid() != 0 || (facts.folder() && !closed && !onlyAdded)
        ? at + " may be written by others than root"
        : null;
  }
}
