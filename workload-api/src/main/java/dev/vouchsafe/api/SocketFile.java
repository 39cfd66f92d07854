package dev.vouchsafe.api;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The file of a listening Unix socket, from the check of its path to its removal.
 *
 * <p>Java can't set the umask, and a socket that is bound in place has the wrong mode for a moment.
 * So it is bound inside a new folder that only we may enter, given its mode there, and renamed into
 * place, which also replaces a stale file without a gap.
 */
final class SocketFile implements AutoCloseable {
  /** Octets that fit into sun_path with its closing zero (unix(7)). */
  private static final int LONGEST_PATH = 107;

  private static final int TYPE_MASK = 0170000;
  private static final int TYPE_SOCKET = 0140000;
  private static final int TYPE_FOLDER = 0040000;
  private static final int STICKY = 01000;
  private static final int OTHERS_WRITE = 0022;
  private static final FileAttribute<?> OURS_ALONE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final Path path;
  private final Path den;
  private final Set<PosixFilePermission> mode;
  private Object inode = "";

  private SocketFile(Path path, Path den, Set<PosixFilePermission> mode) {
    this.path = path;
    this.den = den;
    this.mode = Set.copyOf(mode);
  }

  /**
   * Checks the path and makes its folder if need be.
   *
   * @param setting the name of the setting, for messages
   * @param mode permissions as {@code rw-rw-rw-}
   * @throws IOException if no socket can be put there; the message names path and setting
   */
  static SocketFile prepare(Path path, String setting, String mode) throws IOException {
    String what = setting + " " + path;
    if (octets(path) > LONGEST_PATH) {
      throw new IOException(
          what + ": the path has " + octets(path) + " octets, a socket's has at most 107");
    }
    Path absolute = path.toAbsolutePath();
    makeFolder(absolute.getParent(), what);
    Path den = path.resolveSibling(denName());
    if (octets(den.resolve("s")) > LONGEST_PATH) {
      throw new IOException(what + ": the folder's path is too long for a socket");
    }
    SocketFile file = new SocketFile(path, den, PosixFilePermissions.fromString(mode));
    boolean free = false;
    try {
      Files.createDirectory(den, OURS_ALONE);
      file.refuseWhatIsThere(absolute, what);
      free = true;
      return file;
    } catch (FileSystemException e) {
      throw new IOException(what + ": " + e.getMessage(), e);
    } finally {
      if (!free) {
        Files.deleteIfExists(den);
      }
    }
  }

  private static String denName() {
    byte[] name = new byte[3];
    new SecureRandom().nextBytes(name);
    return "." + HexFormat.of().formatHex(name);
  }

  /** Where to bind. */
  Path bindAt() {
    return den.resolve("s");
  }

  /** Gives the bound socket its mode and puts it in its place. */
  void publish() throws IOException {
    Files.setPosixFilePermissions(bindAt(), mode);
    inode = inode(bindAt());
    Files.move(bindAt(), path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    Files.deleteIfExists(den);
  }

  /** Removes the file, unless another has taken its place. */
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(bindAt());
    Files.deleteIfExists(den);
    try {
      if (inode(path).equals(inode)) {
        Files.deleteIfExists(path);
      }
    } catch (NoSuchFileException gone) {
      return;
    }
  }

  private static void makeFolder(@Nullable Path folder, String what) throws IOException {
    if (folder == null) {
      throw new IOException(what + ": is no path of a socket");
    }
    try {
      Files.createDirectory(folder, OURS_ALONE);
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (FileAlreadyExistsException there) {
      int bits = (Integer) Files.getAttribute(folder, "unix:mode");
      if ((bits & TYPE_MASK) != TYPE_FOLDER) {
        throw new IOException(what + ": " + folder + " is no folder", there);
      }
      if ((bits & OTHERS_WRITE) != 0 && (bits & STICKY) == 0) {
        throw new IOException(
            what + ": others may write to the folder and could replace the socket", there);
      }
    } catch (FileSystemException e) {
      throw new IOException(what + ": the folder " + folder + " can't be made", e);
    }
  }

  private void refuseWhatIsThere(Path absolute, String what) throws IOException {
    int bits;
    try {
      bits = (Integer) Files.getAttribute(absolute, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException free) {
      return;
    }
    if ((bits & TYPE_MASK) != TYPE_SOCKET) {
      String kind = (bits & TYPE_MASK) == TYPE_FOLDER ? "a folder" : "a file";
      throw new IOException(what + ": is " + kind + ", not a socket; remove it or choose another");
    }
    if (isAnswered(absolute)) {
      throw new IOException(what + ": is in use");
    }
  }

  /**
   * Whether somebody listens: anything but a refused connection counts as that. Asked by a short
   * way, since the JDK takes one octet less than the kernel, and without waiting behind a full
   * backlog.
   */
  private boolean isAnswered(Path absolute) throws IOException {
    Path shortcut = Files.createSymbolicLink(den.resolve("p"), absolute);
    try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      probe.configureBlocking(false);
      probe.connect(UnixDomainSocketAddress.of(shortcut));
      return true;
    } catch (ConnectException nobodyListens) {
      return false;
    } catch (SocketException e) {
      return true;
    } finally {
      Files.deleteIfExists(shortcut);
    }
  }

  private static Object inode(Path path) throws IOException {
    return Files.readAttributes(path, "unix:dev,ino", LinkOption.NOFOLLOW_LINKS);
  }

  private static int octets(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8).length;
  }
}
