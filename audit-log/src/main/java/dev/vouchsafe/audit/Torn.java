package dev.vouchsafe.audit;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What stands behind the last whole line of a log that wasn't closed. The beginning of the next
 * line, or zeros, is what a crash leaves, and is dropped; anything else somebody put there, and it
 * is kept in a file of its own.
 */
final class Torn {
  private static final int MOST_KEPT = 1024 * 1024;

  private Torn() {}

  static void keepAsideIfStrange(LogFolder folder, Tail tail) throws IOException {
    Path segment = tail.segment().orElseThrow();
    byte[] octets = new byte[(int) Math.min(tail.tornOctets(), MOST_KEPT)];
    int length;
    try (InputStream input = Files.newInputStream(segment)) {
      input.skipNBytes(tail.goodOctets());
      length = input.readNBytes(octets, 0, octets.length);
    }
    if (!isLeftByACrash(octets, length, tail.end().next())) {
      Path aside = folder.path().resolve(segment.getFileName() + "." + tail.goodOctets() + ".torn");
      Files.write(aside, octets);
    }
  }

  /** Written in order, a page may be missing: zeros may follow a beginning. */
  static boolean isLeftByACrash(byte[] octets, int length, long next) {
    byte[] beginning = ("{\"seq\":" + next + ",\"time\":\"").getBytes(StandardCharsets.US_ASCII);
    for (int i = 0; i < Math.min(length, beginning.length); i++) {
      if (octets[i] != beginning[i] && octets[i] != 0) {
        return false;
      }
    }
    return true;
  }
}
