package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * SoftHSM2 with tokens in a folder of a test.
 *
 * <p>The library finds that folder by {@code SOFTHSM2_CONF} in its process's environment: a program
 * that a test starts gets {@link #environment()}; for the tests' own JVM surefire has set it, and
 * {@link #here()} is its folder. A library that is in use sees no new token: make tokens first.
 */
public final class SoftHsm {
  /** Where Debian has it, and others. */
  private static final List<Path> LIBRARIES =
      List.of(
          Path.of("/usr/lib/softhsm/libsofthsm2.so"),
          Path.of("/usr/lib64/softhsm/libsofthsm2.so"),
          Path.of("/usr/lib64/pkcs11/libsofthsm2.so"));

  private static final String VARIABLE = "SOFTHSM2_CONF";
  private static final int PATIENCE_SECONDS = 60;

  private final Path configuration;
  private final Path tokens;

  /**
   * A token that was made here.
   *
   * @param pinFile a file with its user PIN, mode 0600
   * @param folder where SoftHSM keeps it: moved away, the token is lost
   */
  public record Token(String label, String serial, String pin, Path pinFile, Path folder) {
    /** A PKCS#11 URI of it, with the label of SoftHSM's own library. */
    public String uri() {
      return uri(library());
    }

    /** The same by another library. */
    public String uri(Path library) {
      return "pkcs11:token="
          + label
          + ";object=vouchsafe?module-path="
          + library
          + "&pin-source=file:"
          + pinFile;
    }
  }

  private SoftHsm(Path configuration, Path tokens) {
    this.configuration = configuration;
    this.tokens = tokens;
  }

  /** In a folder of the caller's, which is made if need be. */
  public static SoftHsm in(Path folder) throws IOException {
    return in(folder, "tokens");
  }

  private static SoftHsm in(Path folder, String name) throws IOException {
    Path tokens = Files.createDirectories(folder.resolve(name));
    Path configuration = folder.resolve("softhsm2.conf");
    String text =
        """
        directories.tokendir = %s
        objectstore.backend = file
        log.level = ERROR
        slots.removable = false
        """
            .formatted(tokens);
    if (!Files.exists(configuration) || !Files.readString(configuration).equals(text)) {
      Files.writeString(configuration, text);
    }
    return new SoftHsm(configuration, tokens);
  }

  /**
   * In the folder that this process's environment names; in a part of it for this run, so that no
   * token of a run that was killed is there.
   */
  public static SoftHsm here() throws IOException {
    String configuration = System.getenv(VARIABLE);
    if (configuration == null) {
      throw new IllegalStateException(VARIABLE + " is not set for the tests");
    }
    Path folder = Path.of(configuration).getParent();
    if (folder == null) {
      throw new IllegalStateException(VARIABLE + " names no file");
    }
    return in(folder, "tokens-" + ProcessHandle.current().pid());
  }

  /** SoftHSM's library on this machine. */
  public static Path library() {
    return LIBRARIES.stream()
        .filter(Files::exists)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("softhsm2 is not installed: run ./test"));
  }

  /** What a program needs in its environment to see these tokens. */
  public Map<String, String> environment() {
    return Map.of(VARIABLE, configuration.toString());
  }

  /**
   * Makes a token.
   *
   * @param label at most 32 ASCII letters and digits
   */
  public Token token(String label) throws IOException, InterruptedException {
    String pin = "user-pin-" + label.hashCode();
    Set<Path> before = folders();
    run("--init-token", "--free", "--label", label, "--so-pin", "officer-pin", "--pin", pin);
    Set<Path> added = folders();
    added.removeAll(before);
    if (added.size() != 1) {
      throw new IOException("softhsm2-util made no single token: " + added);
    }
    Path pinFile = tokens.resolveSibling("pin-" + label);
    Files.writeString(pinFile, pin + "\n");
    Files.setPosixFilePermissions(pinFile, PosixFilePermissions.fromString("rw-------"));
    Path folder = added.iterator().next();
    return new Token(label, serial(folder), pin, pinFile, folder);
  }

  /** SoftHSM takes the end of the folder's UUID as the serial number. */
  private static String serial(Path folder) {
    String name = folder.getFileName().toString().replace("-", "");
    return name.substring(name.length() - 16);
  }

  /** Removes a token that no program uses any more. */
  public static void remove(Token token) throws IOException {
    Files.deleteIfExists(token.pinFile());
    if (Files.exists(token.folder())) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(token.folder())) {
        for (Path file : files) {
          Files.delete(file);
        }
      }
      Files.delete(token.folder());
    }
  }

  private Set<Path> folders() throws IOException {
    Set<Path> folders = new HashSet<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(tokens)) {
      all.forEach(folders::add);
    }
    return folders;
  }

  private void run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("softhsm2-util"));
    command.addAll(List.of(arguments));
    output(command);
  }

  /** What another program prints that sees these tokens. */
  public String output(List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment());
    Process process = builder.start();
    try {
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), UTF_8);
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IOException(command.getFirst() + " failed: " + output);
      }
      return output;
    } finally {
      process.destroyForcibly();
    }
  }
}
