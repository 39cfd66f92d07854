package dev.vouchsafe.ca.clock;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The file that the floor is kept in: short lines, the last of which is the SHA-256 of the others.
 * It is written anew as a whole, and after a power cut is as it was before or after.
 */
final class FloorFile {
  /** The steps of writing it, in their order; between any two of them the machine may stop. */
  enum Step {
    TEMPORARY_REMOVED,
    TEMPORARY_WRITTEN,
    TEMPORARY_SYNCED,
    RENAMED,
    FOLDER_SYNCED
  }

  /**
   * What is kept.
   *
   * @param floor the latest moment that is known to have passed, in whole seconds
   * @param doubted whether it came from a clock that nobody vouched for
   */
  record Kept(Instant floor, boolean doubted) {}

  /** The file is there and can be read, but what it says isn't to be believed. */
  static final class UnbelievableException extends IOException {
    private static final long serialVersionUID = 1L;

    UnbelievableException(String message) {
      super(message);
    }
  }

  private static final int LARGEST = 256;
  private static final int OTHERS_WRITE = 0022;
  private static final String MODE = "rw-------";
  private static final Pattern FORM =
      Pattern.compile(
          "(vouchsafe-clock-floor 1\nfloor ([0-9TZ:-]{20})\n(doubted\n)?)sha256 ([0-9a-f]{64})\n");

  private final Path file;
  private final Consumer<Step> done;

  FloorFile(Path file) {
    this(file, step -> {});
  }

  /**
   * @param done is told of each step when it is done
   */
  FloorFile(Path file, Consumer<Step> done) {
    this.file = file.toAbsolutePath();
    this.done = done;
  }

  /**
   * What was written last, if anything was.
   *
   * @throws UnbelievableException if it isn't to be believed; the message says why
   * @throws IOException if it can't be read: what is kept there may well be right
   */
  Optional<Kept> read() throws IOException {
    byte[] octets;
    try {
      requireOurs();
      try (var in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
        octets = in.readNBytes(LARGEST + 1);
      }
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    return Optional.of(parse(new String(octets, StandardCharsets.ISO_8859_1)));
  }

  /** Whoever else could write it could set our time. */
  private void requireOurs() throws IOException {
    Map<String, Object> found =
        Files.readAttributes(file, "unix:isRegularFile,uid,mode", LinkOption.NOFOLLOW_LINKS);
    if (!Boolean.TRUE.equals(found.get("isRegularFile"))) {
      throw new UnbelievableException(file + " is no regular file");
    }
    Object owner = found.get("uid");
    if (!Integer.valueOf(0).equals(owner)
        && !Files.getAttribute(folder(), "unix:uid").equals(owner)) {
      throw new UnbelievableException(
          file + " belongs to user " + owner + ", and not to its folder's");
    }
    if (!(found.get("mode") instanceof Integer mode) || (mode & OTHERS_WRITE) != 0) {
      throw new UnbelievableException(file + " can be written by others than its owner");
    }
  }

  private Kept parse(String text) throws UnbelievableException {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches() || !sum(parts.group(1)).equals(parts.group(4))) {
      throw new UnbelievableException(file + " is damaged");
    }
    try {
      return new Kept(Instant.parse(parts.group(2)), parts.group(3) != null);
    } catch (DateTimeException e) {
      throw new UnbelievableException(file + " has no time in it");
    }
  }

  /** Keeps that floor, in whole seconds; when this returns, it survives a power cut. */
  void write(Instant floor, boolean doubted) throws IOException {
    String head =
        "vouchsafe-clock-floor 1\nfloor "
            + floor.truncatedTo(ChronoUnit.SECONDS)
            + (doubted ? "\ndoubted\n" : "\n");
    byte[] octets = (head + "sha256 " + sum(head) + "\n").getBytes(StandardCharsets.US_ASCII);
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(fresh);
    done.accept(Step.TEMPORARY_REMOVED);
    try (FileChannel channel =
        FileChannel.open(
            fresh,
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(MODE)))) {
      ByteBuffer buffer = ByteBuffer.wrap(octets);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      done.accept(Step.TEMPORARY_WRITTEN);
      channel.force(true);
    }
    done.accept(Step.TEMPORARY_SYNCED);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    done.accept(Step.RENAMED);
    try (FileChannel folder = FileChannel.open(folder(), StandardOpenOption.READ)) {
      folder.force(true);
    }
    done.accept(Step.FOLDER_SYNCED);
  }

  private Path folder() {
    Path folder = file.getParent();
    if (folder == null) {
      throw new IllegalStateException(file + " has no folder");
    }
    return folder;
  }

  private static String sum(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256")
                  .digest(text.getBytes(StandardCharsets.ISO_8859_1)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
