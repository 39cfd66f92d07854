package dev.vouchsafe.cli;

import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** What {@code check} says of the machine: Java, cryptography, clock and disk. */
final class MachineChecks {
  private static final int LEAST_JAVA = 25;
  private static final long MEBIBYTE = 1024 * 1024;
  private static final long LEAST_SPACE = 16 * MEBIBYTE;
  private static final long LITTLE_SPACE = 256 * MEBIBYTE;

  private final Console console;

  MachineChecks(Console console) {
    this.console = console;
  }

  Finding java() {
    String found = Runtime.version() + ", " + System.getProperty("java.vm.name", "");
    return Runtime.version().feature() >= LEAST_JAVA
        ? Finding.ok("java", found)
        : Finding.fail("java", found, "use a JDK " + LEAST_JAVA + " or later");
  }

  Finding cryptography() {
    return Finding.ok("cryptography", SoftwareCrypto.choose().description());
  }

  /** A clock that is behind the build of this program is wrong for certain. */
  Finding clock() {
    Instant now = console.clock().instant().truncatedTo(ChronoUnit.SECONDS);
    Instant made = new BuildInfo().madeAt();
    return now.isBefore(made)
        ? Finding.fail(
            "clock",
            now + " is before this program was made, " + made,
            "set the clock: what is issued now would not be valid yet, or ended already")
        : Finding.ok("clock", now.toString());
  }

  Finding disk(Home home) {
    Path folder = home.data();
    while (Files.notExists(folder) && folder.getParent() != null) {
      folder = folder.getParent();
    }
    try {
      long free = Files.getFileStore(folder).getUsableSpace();
      String detail = free / MEBIBYTE + " MiB free for " + home.data();
      if (free < LEAST_SPACE) {
        return Finding.fail("disk", detail, "make room: the ledger stops issuing when it is full");
      }
      return free < LITTLE_SPACE
          ? Finding.warn("disk", detail, "make room: the ledger grows with each certificate")
          : Finding.ok("disk", detail);
    } catch (IOException e) {
      return Finding.fail("disk", Causes.of(e), "see the file system of " + home.data());
    }
  }
}
