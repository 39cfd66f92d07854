package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lets one user at a time to a TPM, since what takes several calls must not be mixed with another's
 * calls: in this process by a fair lock for each TCTI, between processes that use one store, such
 * as a service and the command that checks it, by a lock on a file in the store's folder.
 *
 * <p>Stores in different folders, used by different processes, don't see each other here. Where the
 * TPM has a resource manager they needn't; where it has none, each finds its slots taken now and
 * then, and tries again.
 */
final class TpmLock {
  static final String FILE = "tpm.lock";

  /** How long a caller waits for others; with the call itself it must stay below a second. */
  static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(800);

  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(5);
  private static final FileAttribute<Set<PosixFilePermission>> MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  /** The locks of this process. */
  private static final class All {
    private final Map<String, ReentrantLock> byTcti = new ConcurrentHashMap<>();

    ReentrantLock of(String tcti) {
      return byTcti.computeIfAbsent(tcti, _ -> new ReentrantLock(true));
    }
  }

  private static final All ALL = new All();

  private final ReentrantLock here;
  private final Optional<Path> folder;

  /**
   * @param folder of the store; empty if there is none, so that nobody else uses it
   */
  TpmLock(String tcti, Optional<Path> folder) {
    this.here = ALL.of(tcti);
    this.folder = folder;
  }

  /** The TPM is ours until this is closed. */
  final class Held implements AutoCloseable {
    private final @Nullable FileChannel channel;

    private Held(@Nullable FileChannel channel) {
      this.channel = channel;
    }

    @Override
    public void close() {
      try {
        if (channel != null) {
          channel.close();
        }
      } catch (IOException e) {
        System.getLogger(TpmLock.class.getName())
            .log(System.Logger.Level.WARNING, "the lock of a TPM store can't be closed", e);
      } finally {
        here.unlock();
      }
    }
  }

  /**
   * Waits for the TPM.
   *
   * @throws KeyFault.Unavailable if others use it for longer than {@link #PATIENCE}
   */
  Held hold() throws KeyFault {
    long end = System.nanoTime() + PATIENCE;
    boolean ours;
    try {
      ours = here.tryLock(PATIENCE, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      ours = false;
    }
    if (!ours) {
      throw busy();
    }
    boolean done = false;
    try {
      Held held = new Held(folder.isPresent() ? lockFile(folder.get(), end) : null);
      done = true;
      return held;
    } finally {
      if (!done) {
        here.unlock();
      }
    }
  }

  private static FileChannel lockFile(Path folder, long end) throws KeyFault {
    FileChannel channel = null;
    boolean done = false;
    try {
      channel =
          FileChannel.open(
              folder.resolve(FILE),
              Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
              MODE);
      while (!isLocked(channel)) {
        if (System.nanoTime() - end > 0 || Thread.currentThread().isInterrupted()) {
          throw busy();
        }
        LockSupport.parkNanos(PAUSE);
      }
      done = true;
      return channel;
    } catch (IOException e) {
      throw SecureFiles.fault("the TPM store " + folder + " can't be used", e);
    } finally {
      if (!done && channel != null) {
        closeQuietly(channel);
      }
    }
  }

  private static boolean isLocked(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      System.getLogger(TpmLock.class.getName())
          .log(System.Logger.Level.WARNING, "the lock of a TPM store can't be closed", e);
    }
  }

  private static KeyFault.Unavailable busy() {
    return new KeyFault.Unavailable("the TPM is busy with other calls");
  }
}
