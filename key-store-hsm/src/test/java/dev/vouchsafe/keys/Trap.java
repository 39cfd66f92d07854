package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A PKCS#11 library in front of SoftHSM2 that crashes or hangs: {@code pkcs11_trap.c}. */
final class Trap {
  private final Path folder;
  private final Path library;

  private Trap(Path folder, Path library) {
    this.folder = folder;
    this.library = library;
  }

  /** Compiled into a folder, which holds the files that tell it what to do. */
  static Trap in(Path folder) throws IOException, InterruptedException {
    return new Trap(
        folder,
        CProgram.compile(
            "pkcs11_trap",
            folder.resolve("pkcs11_trap.so"),
            "-shared",
            "-fPIC",
            "-DREAL=\"" + SoftHsm.library() + "\"",
            "-DFOLDER=\"" + folder + "\""));
  }

  Path library() {
    return library;
  }

  /** The next signature crashes. */
  void crash() throws IOException {
    Files.createFile(folder.resolve("crash"));
  }

  /** Whether the crash has come. */
  boolean hasCrashed() {
    return !Files.exists(folder.resolve("crash"));
  }

  /** Signatures don't return. */
  void hang() throws IOException {
    Files.createFile(folder.resolve("hang"));
  }

  /** How many signatures have hung since the last release. */
  long hangs() throws IOException {
    Path hangs = folder.resolve("hangs");
    return Files.exists(hangs) ? Files.size(hangs) : 0;
  }

  /** Nor does C_Initialize. */
  void hangAtStart() throws IOException {
    Files.createFile(folder.resolve("hang-start"));
  }

  /** All goes on. */
  void release() throws IOException {
    for (String file : new String[] {"crash", "hang", "hang-start", "hangs"}) {
      Files.deleteIfExists(folder.resolve(file));
    }
  }
}
