package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A TPM as one store uses it: turn by turn, each alone, in a private folder that is gone
 * afterwards.
 */
final class TpmChip {
  private static final String WORK = ".work-";
  private static final FileAttribute<Set<PosixFilePermission>> MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final TpmTools tools;
  private final TpmLock lock;
  private final Path base;
  private final SecureRandom random;
  private final TpmSlots slots = new TpmSlots();

  /**
   * @param base the folder that private folders are made in
   */
  TpmChip(TpmTools tools, TpmLock lock, Path base, SecureRandom random) {
    this.tools = tools;
    this.lock = lock;
    this.base = base;
    this.random = random;
  }

  TpmTools tools() {
    return tools;
  }

  /** What is known of loaded objects. Used in turns only, but for its names. */
  TpmSlots slots() {
    return slots;
  }

  /** What is done in one turn. */
  interface Work<T> {
    T run(TpmTurn turn) throws KeyFault, TpmException, IOException;
  }

  /** How long a turn may take, and how long the TPM may be silent in it. */
  enum Limit {
    /** While somebody waits for a signature or a secret. */
    CALL(5000, 1300),
    /** While a store is opened, examined or destroyed. */
    OPENING(10_000, 10_000),
    /** While a key is made: a slow TPM takes a minute for a prime. */
    MAKING(150_000, 150_000);

    private final long nanos;
    private final long silence;

    Limit(long millis, long silence) {
      this.nanos = TimeUnit.MILLISECONDS.toNanos(millis);
      this.silence = TimeUnit.MILLISECONDS.toNanos(silence);
    }

    /** For all its calls, in nanoseconds: a TPM that answers slowly doesn't hang. */
    long nanos() {
      return nanos;
    }

    /** For each of its calls, in nanoseconds. */
    long silence() {
      return silence;
    }
  }

  /** Waits for the TPM and works with it. */
  <T> T turn(Limit limit, Work<T> work) throws KeyFault, TpmException {
    try (TpmLock.Held _ = lock.hold()) {
      Path folder = makeFolder();
      TpmTurn turn = new TpmTurn(this, folder, limit);
      try {
        return work.run(turn);
      } finally {
        turn.finish();
        if (!turn.keeps()) {
          remove(folder);
        }
      }
    } catch (IOException e) {
      throw SecureFiles.fault("the TPM store in " + base + " can't be used", e);
    }
  }

  private Path makeFolder() throws IOException {
    byte[] suffix = new byte[12];
    random.nextBytes(suffix);
    return Files.createDirectory(base.resolve(WORK + HexFormat.of().formatHex(suffix)), MODE);
  }

  private static void remove(Path folder) {
    try {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
        for (Path file : files) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    } catch (IOException e) {
      System.getLogger(TpmChip.class.getName())
          .log(System.Logger.Level.WARNING, "{0} is left over and can't be removed", folder);
    }
  }

  /**
   * Removes what processes left that were killed, and ends their sessions as far as that can be
   * done now. To be called in a turn, so that nobody works.
   */
  void sweep(TpmTurn turn) throws IOException, KeyFault {
    SecureFiles.sweep(base);
    boolean all = true;
    try (DirectoryStream<Path> left = Files.newDirectoryStream(base, WORK + "*")) {
      for (Path folder : left) {
        if (!folder.equals(turn.folder()) && Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
          if (turn.flushLeft(folder)) {
            remove(folder);
          } else {
            all = false;
          }
        }
      }
    }
    slots.leftovers(!all);
  }

  /**
   * What is known of the slots for loaded objects. A TPM without a resource manager has three, and
   * what a program of tpm2-tools loads stays in one until somebody flushes it.
   *
   * <p>Only what has a Name of ours is flushed.
   */
  static final class TpmSlots {
    private final Set<TpmName> ours = ConcurrentHashMap.newKeySet();
    private boolean managed;
    private boolean killed;
    private boolean leftovers = true;
    private int last = 0x80000000;

    /** An object of that Name is one of ours. */
    void add(TpmName name) {
      ours.add(name);
    }

    boolean areOurs(TpmName name) {
      return ours.contains(name);
    }

    /** Whether a resource manager flushes for us. */
    boolean managed() {
      return managed;
    }

    void managed(boolean is) {
      managed = is;
    }

    /** Whether a program was ended amid its work, and may have left its session behind. */
    boolean killed() {
      return killed;
    }

    void killed(boolean was) {
      killed = was;
    }

    /** Whether turns before have left folders with sessions. */
    boolean leftovers() {
      return leftovers;
    }

    void leftovers(boolean are) {
      leftovers = are;
    }

    /** Where one of ours was found last. */
    int last() {
      return last;
    }

    void last(int handle) {
      last = handle;
    }
  }
}
