package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Holds a home for one service at a time. The kernel drops the lock with the process, however that
 * ends. The file carries the holder's process id, for people.
 */
final class HomeLock implements AutoCloseable {
  private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(300);
  private static final long BETWEEN_TRIES = TimeUnit.MILLISECONDS.toNanos(20);

  private final FileChannel channel;

  private HomeLock(FileChannel channel) {
    this.channel = channel;
  }

  /** Takes the lock, or says who has it. */
  static HomeLock take(Home home) throws IOException, CommandFailure {
    FileChannel channel =
        FileChannel.open(
            home.lock(),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    boolean taken = false;
    try {
      taken = lock(channel);
      if (!taken) {
        throw CommandFailure.failed(
            "another service runs on this home" + holder(home.lock()) + "; stop it first");
      }
      sign(channel);
      return new HomeLock(channel);
    } finally {
      if (!taken) {
        channel.close();
      }
    }
  }

  /** Says who holds it, as far as a full disk lets us: the lock is the kernel's. */
  private static void sign(FileChannel channel) {
    try {
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
    } catch (IOException e) {
      System.getLogger(HomeLock.class.getName())
          .log(System.Logger.Level.WARNING, "the holder of the home can''t be noted: {0}", e);
    }
  }

  /** Whether a service has it. The home is left as it is. */
  static boolean isHeld(Home home) {
    try (FileChannel channel = FileChannel.open(home.lock(), StandardOpenOption.READ)) {
      return channel.tryLock(0, Long.MAX_VALUE, true) == null;
    } catch (OverlappingFileLockException e) {
      return true;
    } catch (IOException e) {
      // There is none, or it is not ours to read: then neither is what it guards.
      return false;
    }
  }

  /** One who only looks whether it is held has it for a moment: so it is tried for a while. */
  private static boolean lock(FileChannel channel) throws IOException {
    long end = System.nanoTime() + PATIENCE;
    boolean locked = tryLock(channel) != null;
    while (!locked && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(BETWEEN_TRIES);
      locked = tryLock(channel) != null;
    }
    return locked;
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  private static String holder(Path lock) {
    try {
      String pid = Files.readString(lock, StandardCharsets.US_ASCII).strip();
      return pid.matches("[0-9]{1,10}") ? ", process " + pid : "";
    } catch (IOException e) {
      return "";
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // The kernel drops the lock with the process at the latest.
      System.getLogger(HomeLock.class.getName())
          .log(System.Logger.Level.DEBUG, "lock not closed", e);
    }
  }
}
