package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What this process holds of the machine.
 *
 * @param files open file descriptors
 * @param threads native threads
 * @param maps mappings of memory
 * @param resident octets of memory in use
 */
record Footprint(long files, long threads, long maps, long resident) {
  static Footprint now() throws IOException {
    Path self = Path.of("/proc/self");
    System.gc();
    try (Stream<String> maps = Files.lines(self.resolve("maps"));
        Stream<String> status = Files.lines(self.resolve("status"))) {
      long kilobytes =
          status
              .filter(line -> line.startsWith("VmRSS:"))
              .map(line -> line.replaceAll("\\D", ""))
              .mapToLong(Long::parseLong)
              .findFirst()
              .orElseThrow();
      return new Footprint(
          entries(self.resolve("fd")),
          entries(self.resolve("task")),
          maps.count(),
          kilobytes * 1024);
    }
  }

  private static long entries(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.count();
    }
  }
}
