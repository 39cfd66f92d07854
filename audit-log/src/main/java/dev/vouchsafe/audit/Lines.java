package dev.vouchsafe.audit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** The lines of a file, one after another, in memory of a bounded size. */
final class Lines implements AutoCloseable {
  private final InputStream input;
  private final byte[] buffer = new byte[64 * 1024];
  private int at;
  private int end;
  private long position;
  private byte[] torn = {};

  private Lines(InputStream input) {
    this.input = input;
  }

  /**
   * Opens a file of a log. What is none, such as a link, a pipe or a device, was put there by
   * somebody else, and reading it might never end.
   */
  static Lines of(Path file) throws IOException {
    if (!Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .isRegularFile()) {
      throw new IOException(file + " is not a regular file");
    }
    return new Lines(Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS));
  }

  /**
   * The next line with its line feed; null at the end. A line that is too long is given in pieces,
   * none of which has a line feed but the last.
   */
  byte @Nullable [] next() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream(512);
    while (line.size() < LineFormat.LONGEST) {
      if (at == end && !fill()) {
        torn = line.toByteArray();
        return null;
      }
      byte octet = buffer[at++];
      line.write(octet);
      if (octet == '\n') {
        break;
      }
    }
    position += line.size();
    return line.toByteArray();
  }

  private boolean fill() throws IOException {
    at = 0;
    end = Math.max(0, input.read(buffer));
    return end > 0;
  }

  /** How many octets were given out. */
  long position() {
    return position;
  }

  /** The octets behind the last line, which have no line feed; known at the end. */
  byte[] torn() {
    return torn;
  }

  /** Goes on behind octets that were given out before. */
  void skip(long octets) throws IOException {
    input.skipNBytes(octets);
    position += octets;
  }

  @Override
  public void close() throws IOException {
    input.close();
  }
}
