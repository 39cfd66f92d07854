package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tells ordinary local file systems from those that can show two readers two contents.
 *
 * <p>On FUSE and on network file systems what we read need not be what the process runs. An overlay
 * that a user mounted himself may do the same by copying up, so only the one we live on counts.
 */
final class FileSystems {
  private static final int OVERLAY = 0x794c7630;
  private static final int TMPFS = 0x01021994;

  /** By {@code f_type}, as statfs(2) lists them. */
  private static final Map<Integer, String> ORDINARY =
      Map.of(
          0xef53,
          "ext4",
          0x58465342,
          "xfs",
          0x9123683e,
          "btrfs",
          0xf2f52010,
          "f2fs",
          0x73717368,
          "squashfs",
          0xe0f5e1e2,
          "erofs",
          TMPFS,
          "tmpfs",
          OVERLAY,
          "overlay");

  private FileSystems() {}

  /**
   * Why the content of an open file need not be what a process that maps it sees; null if it is.
   *
   * @param file what the descriptor is known to be of
   */
  static @Nullable Doubt doubt(Scratch s, int descriptor, FileFacts file) {
    int result = Libc.fstatfs(s, descriptor, s.buffer);
    if (result < 0) {
      return Doubt.unavailable("measurement-denied", "fstatfs: " + Libc.name(-result));
    }
    return ofType(s, (int) s.buffer.get(JAVA_LONG, 0), file);
  }

  /**
   * Whether a file whose times are the same still holds the same. On tmpfs, and so perhaps on an
   * overlay, a page that was mapped and read may be written later without a change of its times;
   * but only by whoever may write the file.
   */
  static boolean timesTell(Scratch s, int descriptor, FileFacts file) {
    if (file.uid() == 0 && !file.writableByOthers()) {
      return true;
    }
    int result = Libc.fstatfs(s, descriptor, s.buffer);
    int type = (int) s.buffer.get(JAVA_LONG, 0);
    return result >= 0 && type != TMPFS && type != OVERLAY && ORDINARY.containsKey(type);
  }

  private static @Nullable Doubt ofType(Scratch s, int type, FileFacts file) {
    if (!ORDINARY.containsKey(type)) {
      return Doubt.refused(
          "selector-mismatch",
          "its executable lies on a file system of type 0x"
              + Integer.toHexString(type)
              + "; paths and hashes hold on "
              + String.join(", ", ORDINARY.values().stream().sorted().toList())
              + " only");
    }
    return type == OVERLAY && !onOurRoot(s, file)
        ? Doubt.refused("selector-mismatch", "its executable lies on an overlay of its own")
        : null;
  }

  private static boolean onOurRoot(Scratch s, FileFacts file) {
    try {
      return Kernel.file(s, "/").device() == file.device();
    } catch (SystemCallException e) {
      return false;
    }
  }
}
