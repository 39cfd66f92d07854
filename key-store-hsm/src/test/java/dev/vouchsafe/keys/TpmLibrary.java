package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

  private final Swtpm tpm;
  private final Path store;
  private final String label;
  private final Path pinFile;

  /**
   * Makes a token.
   *
   * @param folder for its data base and its PIN
   */
  TpmLibrary(Path folder, Swtpm tpm, String label) throws IOException, InterruptedException {
    this.tpm = tpm;
    this.label = label;
    this.store = Files.createDirectories(folder.resolve("store"));
    this.pinFile = Files.writeString(folder.resolve("pin"), "user-pin\n");
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

  /** What a process needs in its environment to use it. */
  Map<String, String> environment() {
    return Map.of(
        "TPM2_PKCS11_TCTI",
        tpm.tcti(),
        "TPM2_PKCS11_STORE",
        store.toString(),
        "TPM2_PKCS11_LOG_LEVEL",
        "0",
        "TSS2_LOG",
        "all+none");
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
    builder.environment().putAll(environment());
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
    // The program ends without flushing what it loaded.
    tpm.run("tpm2_flushcontext", "-t");
    tpm.run("tpm2_flushcontext", "-l");
  }
}
