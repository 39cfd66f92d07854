package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A token that libtpm2-pkcs11 keeps in a TPM: the second way to the same chip. */
final class TpmLibrary {
  /** Where Debian has it, and others. */
  private static final List<Path> LIBRARIES =
      List.of(
          Path.of("/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1"),
          Path.of("/usr/lib/aarch64-linux-gnu/libtpm2_pkcs11.so.1"),
          Path.of("/usr/lib64/libtpm2_pkcs11.so.1"));

  private static final int PATIENCE_SECONDS = 60;

  private final String label;
  private final Path pinFile;

  /** In the folder that this process's environment names; its path there is a relative one. */
  static Path folder() {
    return Path.of("target", "tpm2-pkcs11");
  }

  /** Makes a token in the data base that this process's environment names. */
  TpmLibrary(String label) throws IOException, InterruptedException {
    this.label = label;
    Files.createDirectories(folder().resolve("store"));
    this.pinFile = Files.writeString(folder().resolve("pin").toAbsolutePath(), "user-pin\n");
    Files.setPosixFilePermissions(pinFile, PosixFilePermissions.fromString("rw-------"));
    run("--init-token", "--slot-index", "0", "--label", label, "--so-pin", "officer-pin");
    run("--token-label", label, "--init-pin", "--so-pin", "officer-pin", "--pin", "user-pin");
  }

  static Path library() {
    return LIBRARIES.stream()
        .filter(Files::exists)
        .findFirst()
        .orElseThrow(
            () -> new IllegalStateException("libtpm2-pkcs11-1 is not installed: run ./test"));
  }

  String uri() {
    return "pkcs11:token="
        + label
        + ";object=vouchsafe?module-path="
        + library()
        + "&pin-source=file:"
        + pinFile;
  }

  private void run(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of("pkcs11-tool", "--module", library().toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    Process program = builder.start();
    try {
      program.getOutputStream().close();
      String output = new String(program.getInputStream().readAllBytes(), UTF_8);
      if (!program.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || program.exitValue() != 0) {
        throw new IOException(command + " failed: " + output);
      }
    } finally {
      program.destroyForcibly();
    }
  }
}
