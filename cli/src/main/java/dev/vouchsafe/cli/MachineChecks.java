package dev.vouchsafe.cli;

import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What {@code check} says of the machine: Java, cryptography and disk. */
final class MachineChecks {
  private static final int LEAST_JAVA = 25;
  private static final long MEBIBYTE = 1024 * 1024;
  private static final long LEAST_SPACE = 16 * MEBIBYTE;
  private static final long LITTLE_SPACE = 256 * MEBIBYTE;

  Finding java() {
    String found = Runtime.version() + ", " + System.getProperty("java.vm.name", "");
    return Runtime.version().feature() >= LEAST_JAVA
        ? Finding.ok("java", found)
        : Finding.fail("java", found, "use a JDK " + LEAST_JAVA + " or later");
  }

  Finding cryptography() {
    return Finding.ok("cryptography", SoftwareCrypto.choose().description());
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
