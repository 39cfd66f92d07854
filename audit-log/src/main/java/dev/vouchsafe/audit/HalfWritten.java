package dev.vouchsafe.audit;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a crash left of a group of entries that was never synced.
 *
 * <p>Entries are written in groups, and a group is synced before the next one is begun. So a power
 * cut leaves of the last group any of its pages, zeros in place of the others, and nothing behind
 * it. Each line says with which one its group began: a line of a later group shows that the place
 * in question was synced, and that somebody changed it. So does whatever is no hole of whole
 * sectors, since nothing less than a sector gets lost.
 *
 * @param octets how many there are, up to the end of the file
 * @param entries how many entries they are of, as far as can be told
 * @param wholeLines whether there is a whole line in them
 */
record HalfWritten(long octets, long entries, boolean wholeLines) {
  /** What a disk writes whole or not at all is a multiple of this. */
  private static final int SECTOR = 512;

  /**
   * Looks at the rest of the last file of a log.
   *
   * @param from where the last good line ends
   * @param next number of the line that is expected there
   * @return empty if no crash leaves that
   */
  static Optional<HalfWritten> find(Path segment, long from, long next) throws IOException {
    try (InputStream input =
        new BufferedInputStream(Files.newInputStream(segment, LinkOption.NOFOLLOW_LINKS))) {
      input.skipNBytes(from);
      return find(input, from, next);
    }
  }

  /** The same for a copy of the rest, in a file of its own. */
  static Optional<HalfWritten> findInCopy(Path copy, long from, long next) throws IOException {
    try (InputStream input =
        new BufferedInputStream(Files.newInputStream(copy, LinkOption.NOFOLLOW_LINKS))) {
      return find(input, from, next);
    }
  }

  /** The same for octets that were read. */
  static Optional<HalfWritten> find(byte[] rest, long from, long next) {
    try {
      return find(new ByteArrayInputStream(rest), from, next);
    } catch (IOException e) {
      throw new IllegalStateException("reading from memory does not fail", e);
    }
  }

  private static Optional<HalfWritten> find(InputStream input, long from, long next)
      throws IOException {
    Scan scan = new Scan(from, next);
    for (int octet = input.read(); octet >= 0; octet = input.read()) {
      if (!scan.take((byte) octet)) {
        return Optional.empty();
      }
    }
    return scan.end();
  }

  /** One way through the octets. */
  private static final class Scan {
    private final long from;
    private final long next;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private long at;
    private long lines;
    private long last;
    private boolean inHole;

    /** Whether a part of the present line is missing. */
    private boolean holed;

    private boolean allZeros = true;

    /** Where the chain stands behind the line before, if that one is whole. */
    private @Nullable ChainEnd chain;

    Scan(long from, long next) {
      this.from = from;
      this.next = next;
      this.at = from;
      this.last = next - 1;
    }

    /** False if no crash leaves that. */
    boolean take(byte octet) {
      boolean zero = octet == 0;
      boolean edge = zero != inHole;
      if (edge && at % SECTOR != 0 && at != from) {
        return false;
      }
      at++;
      inHole = zero;
      if (zero) {
        boolean possible = !edge || lines > 0 || holed || isBeginning();
        holed = true;
        return possible;
      }
      allZeros = false;
      if (octet == '\n') {
        return takeLine();
      }
      if (octet < 0x20 || octet > 0x7e || line.size() >= LineFormat.LONGEST) {
        return false;
      }
      line.write(octet);
      return true;
    }

    /** Whether the first line begins as the one that is expected, as far as it goes. */
    private boolean isBeginning() {
      byte[] wanted = ("{\"seq\":" + next + ",\"time\":\"").getBytes(StandardCharsets.US_ASCII);
      int length = Math.min(line.size(), wanted.length);
      return Arrays.equals(line.toByteArray(), 0, length, wanted, 0, length);
    }

    private boolean takeLine() {
      line.write('\n');
      byte[] octets = line.toByteArray();
      line.reset();
      lines++;
      if (holed) {
        holed = false;
        chain = null;
        return true;
      }
      // The first one is no good, and nothing of it is missing.
      return lines > 1 && takeWhole(octets);
    }

    private boolean takeWhole(byte[] octets) {
      try {
        AuditEntry entry = LineParser.parse(octets);
        ChainEnd before = chain;
        boolean fits =
            entry.with() <= next
                && entry.sequence() > Math.max(last, next)
                && (before == null || before.takes(entry));
        last = entry.sequence();
        chain = ChainEnd.after(entry.sequence(), octets);
        return fits;
      } catch (BadLineException e) {
        return false;
      }
    }

    Optional<HalfWritten> end() {
      boolean begun = line.size() > 0 || (holed && lines > 0);
      if (lines == 0 && !holed && !isBeginning()) {
        return Optional.empty();
      }
      long told = last - next + 1;
      long entries = allZeros ? 0 : Math.max(told, lines) + (begun ? 1 : 0);
      return Optional.of(new HalfWritten(at - from, entries, lines > 0));
    }
  }
}
