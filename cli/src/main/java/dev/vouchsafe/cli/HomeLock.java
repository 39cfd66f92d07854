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
import org.jspecify.annotations.Nullable;

/**
 * Holds a home for one service at a time. The kernel drops the lock with the process, however that
 * ends. The file carries the holder's process id, for people.
 */
final class HomeLock implements AutoCloseable {
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
      taken = tryLock(channel) != null;
      if (!taken) {
        throw CommandFailure.failed(
            "another service runs on this home" + holder(home.lock()) + "; stop it first");
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
      return new HomeLock(channel);
    } finally {
      if (!taken) {
        channel.close();
      }
    }
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
