package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The registrations folder, held open: every file is opened below this descriptor and judged by its
 * own, so that nothing can be put in the place of what was checked.
 *
 * <p>File names are octets, written here as ISO 8859-1 so that none is lost.
 */
final class OpenFolder implements AutoCloseable {
  static final int MOST_FILES = 10_000;

  /** The code of a file that is not whole yet. */
  static final String BEING_WRITTEN = "being-written";

  private static final int F_SETSIG = 10;
  private static final int F_SETLEASE = 1024;
  private static final int F_RDLCK = 0;
  private static final int F_UNLCK = 2;
  private static final int SIGURG = 23;
  private static final int READ_FILE = Libc.O_RDONLY | Libc.O_NOFOLLOW | Libc.O_NONBLOCK;

  private final Path path;
  private final int descriptor;
  private final FileFacts facts;
  private final Scratch scratch;
  private boolean closed;

  private OpenFolder(Path path, int descriptor, FileFacts facts, Scratch scratch) {
    this.path = path;
    this.descriptor = descriptor;
    this.facts = facts;
    this.scratch = scratch;
  }

  /** Opens the folder, whoever it belongs to; a symbolic link is not followed. */
  static OpenFolder open(Path path, Scratch s) throws SystemCallException {
    int descriptor =
        Libc.open(
            s,
            s.path(path.toString()),
            Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NOFOLLOW | Libc.O_CLOEXEC);
    if (descriptor < 0) {
      throw new SystemCallException("open", -descriptor);
    }
    try {
      return new OpenFolder(path, descriptor, FileFacts.of(s, descriptor), s);
    } catch (SystemCallException e) {
      Libc.close(s, descriptor);
      throw e;
    }
  }

  /** What stands at that path now, without opening it. */
  static FileFacts look(Path path, Scratch s) throws SystemCallException {
    return FileFacts.check(
        Libc.statx(
            s,
            Libc.AT_FDCWD,
            s.path(path.toString()),
            FileFacts.AT_SYMLINK_NOFOLLOW,
            FileFacts.BASIC,
            s.buffer),
        "statx",
        s.buffer);
  }

  int descriptor() {
    return descriptor;
  }

  /** As the folder was when it was opened. */
  FileFacts facts() {
    return facts;
  }

  /** Whether a file of that name is a registration file: {@code *.toml}, not hidden. */
  static boolean isRegistration(String name) {
    return name.endsWith(".toml") && !name.startsWith(".");
  }

  /** A file's path for people; octets beyond ASCII are shown percent-encoded. */
  Path show(String name) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c > ' ' && c < 0x7f) {
        out.append(c);
      } else {
        out.append(String.format("%%%02X", (int) c));
      }
    }
    return path.resolve(out.toString());
  }

  /** The names of all registration files, sorted. */
  List<String> names() throws SystemCallException, RegistrationException {
    // A descriptor of its own: the position in a listing belongs to the open folder.
    int listing =
        Libc.openat(
            scratch,
            descriptor,
            scratch.path("."),
            Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_CLOEXEC);
    if (listing < 0) {
      throw new SystemCallException("open", -listing);
    }
    try {
      List<String> names = new ArrayList<>();
      int length;
      while ((length = Libc.getdents(scratch, listing, scratch.buffer, Scratch.BUFFER_BYTES)) > 0) {
        collect(length, names);
        if (names.size() > MOST_FILES) {
          throw new RegistrationException(
              "too-many-files", "more than " + MOST_FILES + " registration files");
        }
      }
      if (length < 0) {
        throw new SystemCallException("getdents64", -length);
      }
      return names.stream().sorted().toList();
    } finally {
      Libc.close(scratch, listing);
    }
  }

  /** Reads {@code struct linux_dirent64}: length at 16, name at 19. */
  private void collect(int length, List<String> names) {
    int at = 0;
    while (at < length) {
      int size = Short.toUnsignedInt(scratch.buffer.get(JAVA_SHORT, at + 16));
      byte[] octets = new byte[256];
      int n = 0;
      byte b;
      while ((b = scratch.buffer.get(JAVA_BYTE, at + 19 + n)) != 0) {
        octets[n++] = b;
      }
      String name = new String(octets, 0, n, StandardCharsets.ISO_8859_1);
      if (isRegistration(name)) {
        names.add(name);
      }
      at += size;
    }
  }

  /** What stands under that name now. */
  FileFacts look(String name) throws SystemCallException {
    return FileFacts.check(
        Libc.statx(
            scratch,
            descriptor,
            scratch.path(name.getBytes(StandardCharsets.ISO_8859_1)),
            FileFacts.AT_SYMLINK_NOFOLLOW,
            FileFacts.BASIC,
            scratch.buffer),
        "statx",
        scratch.buffer);
  }

  /**
   * Removes a file by the very name that {@link #names} gave, not by what {@link #show} makes of
   * it.
   */
  void remove(String name) throws SystemCallException {
    int result =
        Libc.unlinkat(
            scratch, descriptor, scratch.path(name.getBytes(StandardCharsets.ISO_8859_1)));
    if (result < 0) {
      throw new SystemCallException("unlink", -result);
    }
  }

  /**
   * The content of a file that belongs to whom it must and that nobody else may write, all of it as
   * it was at one moment.
   *
   * @throws RegistrationException if it may not be believed, is too large, or is being written
   */
  byte[] read(String name) throws SystemCallException, RegistrationException {
    int file =
        Libc.openat(
            scratch,
            descriptor,
            scratch.path(name.getBytes(StandardCharsets.ISO_8859_1)),
            READ_FILE | Libc.O_CLOEXEC);
    if (file == -Libc.ELOOP) {
      throw new RegistrationException("not-a-file", "a symbolic link; put the file itself here");
    }
    if (file < 0) {
      throw new SystemCallException("open", -file);
    }
    try {
      FileFacts found = FileFacts.of(scratch, file);
      if (!found.regular()) {
        throw new RegistrationException("not-a-file", "not a regular file");
      }
      believe(found, "the file", scratch);
      if (found.size() > RegistrationFile.LARGEST) {
        throw new RegistrationException(
            "too-large", "a registration file has at most " + RegistrationFile.LARGEST + " octets");
      }
      return unwritten(file);
    } finally {
      Libc.close(scratch, file);
    }
  }

  /**
   * The content while nobody has the file open to write it: half a table may be a whole one that
   * allows more. Whoever opens it meanwhile waits for the few microseconds of the reading.
   *
   * <p>Only the file's owner and CAP_LEASE can tell (fcntl(2), F_SETLEASE); for others, and on file
   * systems without leases, it is read as it stands.
   */
  private byte[] unwritten(int file) throws SystemCallException, RegistrationException {
    // Who breaks the lease has a signal sent to us, and that of the default would end the process.
    int _ = Libc.fcntl(scratch, file, F_SETSIG, SIGURG);
    int lease = Libc.fcntl(scratch, file, F_SETLEASE, F_RDLCK);
    if (lease == -Libc.EAGAIN) {
      throw new RegistrationException(
          BEING_WRITTEN, "a program has it open to write it; it is read when that has closed it");
    }
    try {
      return content(file);
    } finally {
      if (lease >= 0) {
        int _ = Libc.fcntl(scratch, file, F_SETLEASE, F_UNLCK);
      }
    }
  }

  private byte[] content(int file) throws SystemCallException {
    byte[] content = new byte[0];
    int length;
    // One octet over the limit is enough for the reader to see that it is too large.
    while (content.length <= RegistrationFile.LARGEST
        && (length =
                Libc.pread(scratch, file, scratch.buffer, Scratch.BUFFER_BYTES, content.length))
            != 0) {
      if (length < 0) {
        throw new SystemCallException("read", -length);
      }
      byte[] longer = Arrays.copyOf(content, content.length + length);
      System.arraycopy(scratch.bytes(length), 0, longer, content.length, length);
      content = longer;
    }
    return content;
  }

  /** Refuses what another local user could have written. */
  void believe() throws RegistrationException {
    believe(facts, "the folder", scratch);
  }

  private static void believe(FileFacts found, String what, Scratch s)
      throws RegistrationException {
    long own = Libc.geteuid(s);
    if (found.uid() != 0 && found.uid() != own) {
      throw new RegistrationException(
          "wrong-owner",
          what
              + " belongs to user id "
              + found.uid()
              + "; it must belong to root or to the service's own user, "
              + own);
    }
    if (found.writableByOthers()) {
      throw new RegistrationException(
          "writable-by-others", what + " can be written by its group or by anybody: chmod go-w");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Libc.close(scratch, descriptor);
    }
  }
}
