package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A SoftHSM2 of the test's own, with one fresh token, and what an administrator sees of it. */
final class SoftHsm {
  static final String TOKEN = "gateway";

  /** Long enough to be found in nothing else. */
  static final String PIN = "4815162342108";

  private static final Path LIBRARY = Path.of("/usr/lib/softhsm/libsofthsm2.so");

  private final Path folder;
  private Path library = LIBRARY;
  private String token = TOKEN;

  private SoftHsm(Path folder) {
    this.folder = folder;
  }

  /** Makes it in an empty folder, and lets the home's commands know of it. */
  static SoftHsm beside(GatewayHome home) throws IOException, InterruptedException {
    SoftHsm hsm = new SoftHsm(home.beside("hsm"));
    Files.createDirectory(hsm.tokens());
    Files.writeString(
        hsm.configuration(),
        """
        directories.tokendir = %s
        objectstore.backend = file
        log.level = ERROR
        """
            .formatted(hsm.tokens()));
    hsm.addToken();
    hsm.writePin(PIN, "rw-------");
    home.setEnvironment(hsm.environment());
    return hsm;
  }

  /** One more token of the same label. */
  void addToken() throws IOException, InterruptedException {
    Programs.run(
            environment(),
            List.of(
                "softhsm2-util",
                "--init-token",
                "--free",
                "--label",
                TOKEN,
                "--pin",
                PIN,
                "--so-pin",
                "87654321"),
            "")
        .done();
  }

  void writePin(String pin, String permissions) throws IOException {
    Files.deleteIfExists(pinFile());
    Files.writeString(
        Files.createFile(
            pinFile(),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))),
        pin + "\n");
    Files.setPosixFilePermissions(pinFile(), PosixFilePermissions.fromString(permissions));
  }

  Path pinFile() {
    return folder.resolve("pin");
  }

  /** From now on the URI names this library. */
  void setLibrary(Path library) {
    this.library = library;
  }

  /** From now on the URI names a token of this label. */
  void setToken(String label) {
    token = label;
  }

  /** The PKCS#11 URI (RFC 7512) of the gateway's keys. */
  String uri() {
    return "pkcs11:token="
        + token
        + ";object=vouchsafe?module-path="
        + library
        + "&pin-source=file:"
        + pinFile();
  }

  private Path tokens() {
    return folder.resolve("tokens");
  }

  private Path configuration() {
    return folder.resolve("softhsm2.conf");
  }

  Map<String, String> environment() {
    return Map.of("SOFTHSM2_CONF", configuration().toString());
  }

  /** How many objects the token's files say that it has; needs no PIN, and may be asked often. */
  long objectFiles() throws IOException {
    try (Stream<Path> files = Files.walk(tokens())) {
      return files.filter(file -> file.toString().endsWith(".object")).count();
    }
  }

  /** Where the tokens' files are. */
  Path tokenFiles() {
    return tokens();
  }

  /**
   * Puts a new key pair under the label and the id of each that is there, as another token of the
   * same name could hold them.
   */
  void replaceKeyPairs() throws IOException, InterruptedException {
    String label = "";
    for (String line : tool("--list-objects", "--type", "privkey").lines().toList()) {
      if (line.startsWith("  label:")) {
        label = line.substring("  label:".length()).strip();
      } else if (line.startsWith("  ID:")) {
        String id = line.substring("  ID:".length()).strip();
        tool("--delete-object", "--type", "privkey", "--id", id);
        tool("--delete-object", "--type", "pubkey", "--id", id);
        tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", id, "--label", label);
      }
    }
  }

  private String tool(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "pkcs11-tool",
                "--module",
                LIBRARY.toString(),
                "--token-label",
                TOKEN,
                "--login",
                "--pin",
                PIN));
    command.addAll(List.of(arguments));
    return Programs.run(environment(), command, "").done();
  }

  /** Takes the token out. */
  void takeOut() throws IOException {
    Files.move(tokens(), folder.resolve("taken-out"));
  }

  /** Puts it in again. */
  void putIn() throws IOException {
    Files.move(folder.resolve("taken-out"), tokens());
  }

  /**
   * One object in a token, as {@code pkcs11-tool} shows it.
   *
   * @param kind its first line, such as {@code Private Key Object; EC}
   * @param id CKA_ID in hex
   * @param access its flags
   */
  record StoredObject(String kind, String id, List<String> access) {
    boolean isSecret() {
      return kind.startsWith("Private Key") || kind.startsWith("Secret Key");
    }

    private static StoredObject parse(List<String> lines) {
      String id = "";
      List<String> access = List.of();
      for (String line : lines) {
        if (line.startsWith("  ID:")) {
          id = line.substring("  ID:".length()).strip();
        } else if (line.startsWith("  Access:")) {
          access = Arrays.asList(line.substring("  Access:".length()).strip().split(", ", -1));
        }
      }
      return new StoredObject(lines.getFirst(), id, access);
    }
  }

  /**
   * P-256 signatures a second by {@code C_SignInit} and {@code C_Sign} alone, called from C with
   * one of the token's own keys in one session.
   */
  double bareSignatures(int seconds) throws IOException, InterruptedException {
    Path program =
        Programs.compileFrom(
            Places.root().resolve("key-store-hsm/src/test/c"),
            "c_sign_rate",
            "-O2",
            "-pthread",
            "-ldl");
    String key =
        objects().stream()
            .filter(object -> object.kind().startsWith("Private Key Object; EC"))
            .map(StoredObject::id)
            .findFirst()
            .orElseThrow();
    List<String> command =
        List.of(
            program.toString(), LIBRARY.toString(), TOKEN, PIN, key, String.valueOf(seconds), "1");
    // The rate, and the processor time of each in microseconds.
    String said = Programs.run(environment(), command, "").done().strip();
    return Double.parseDouble(said.split(" ", -1)[0]);
  }

  /** Everything that the token holds, seen with its PIN. */
  List<StoredObject> objects() throws IOException, InterruptedException {
    String out = tool("--list-objects");
    List<StoredObject> objects = new ArrayList<>();
    List<String> lines = new ArrayList<>();
    for (String line : out.lines().toList()) {
      if (!line.startsWith(" ") && !lines.isEmpty()) {
        objects.add(StoredObject.parse(lines));
        lines.clear();
      }
      lines.add(line);
    }
    if (!lines.isEmpty()) {
      objects.add(StoredObject.parse(lines));
    }
    // A SoftHSM that is killed while it writes an object leaves one with hardly an attribute.
    objects.removeIf(object -> object.id().isEmpty());
    assertThat(objects).as(out).allMatch(object -> object.kind().contains("Object;"));
    return objects;
  }
}
