package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A throw-away home of a gateway, and the launcher run on it as an administrator would. Its path is
 * short, since that of a Unix socket may have 107 octets at most.
 */
final class GatewayHome implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final int NOBODY = 65534;

  private final Path base;
  private final Path folder;
  private Map<String, String> environment = Map.of();
  private List<String> asUser = List.of();
  private Path program = Places.root();
  private Path dist = Places.dist();

  private GatewayHome(Path base, Path folder) {
    this.base = base;
    this.folder = folder;
  }

  /** An empty folder with a prepared configuration beside it. Nothing is initialised yet. */
  static GatewayHome empty() throws IOException {
    return empty("");
  }

  /** As {@link #empty()}, with more lines at the end of the configuration. */
  static GatewayHome empty(String moreConfiguration) throws IOException {
    Path base = Files.createTempDirectory(Path.of("/tmp"), "vs");
    Files.setPosixFilePermissions(base, PosixFilePermissions.fromString("rwx--x--x"));
    Path folder = Files.createDirectory(base.resolve("h"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    Files.writeString(
        base.resolve("prepared.toml"),
        """
        [gateway]
        device-id = "gw"
        trust-domain = "gw.example"
        [listen]
        https = "127.0.0.1:0"
        [keys]
        store = "software"
        seal = "generated"
        """
            + moreConfiguration);
    return new GatewayHome(base, folder);
  }

  /** A home after {@code vouchsafe init}. */
  static GatewayHome initialised() throws IOException, InterruptedException {
    GatewayHome home = empty();
    home.init();
    return home;
  }

  /** What every command from now on has in its environment as well. */
  void setEnvironment(Map<String, String> more) {
    environment = Map.copyOf(more);
  }

  Path folder() {
    return folder;
  }

  /** A folder of the test's own beside the home, gone with it. */
  Path beside(String name) throws IOException {
    return Files.createDirectories(base.resolve(name));
  }

  Path data() {
    return folder.resolve("data");
  }

  Path workloadSocket() {
    return folder.resolve("run/workload.sock");
  }

  Path adminSocket() {
    return folder.resolve("run/admin.sock");
  }

  void init() throws IOException, InterruptedException {
    run("init", "--config", base.resolve("prepared.toml").toString()).done();
  }

  /** {@code vouchsafe init} with the keys in a PKCS#11 token. */
  void initInToken(SoftHsm hsm) throws IOException, InterruptedException {
    run(initCommand(hsm)).done();
    Path toml = folder.resolve("vouchsafe.toml");
    Files.writeString(
        toml, Files.readString(toml).replace("[listen]\n", "[listen]\nhttps = \"127.0.0.1:0\"\n"));
  }

  /** The arguments of {@link #initInToken}. */
  static String[] initCommand(SoftHsm hsm) {
    return new String[] {
      "init",
      "--key-store",
      "pkcs11",
      "--pkcs11-uri",
      hsm.uri(),
      "--device-id",
      "gw",
      "--trust-domain",
      "gw.example"
    };
  }

  /** Registers a module that every process of the tests' own user is. */
  void addModule(String name, String... more) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of("module", "add", name, "--selector", "unix:uid:" + uid()));
    command.addAll(List.of(more));
    run(command.toArray(String[]::new)).done();
  }

  /** The user that the tests run as. */
  static long uid() throws IOException {
    return ((Number) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).longValue();
  }

  /** Runs a command to its end. */
  Programs.Ended run(String... arguments) throws IOException, InterruptedException {
    return Programs.run(allEnvironment(), command(arguments), "");
  }

  /** Runs a command with {@code -o json} and reads what it said. */
  JsonNode json(String... arguments) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("-o", "json"));
    all.addAll(List.of(arguments));
    return JSON.readTree(run(all.toArray(String[]::new)).done());
  }

  /** Starts {@code serve} and waits until it is ready. */
  RunningGateway serve() throws IOException {
    return RunningGateway.start(this);
  }

  List<String> command(String... arguments) {
    List<String> command = new ArrayList<>(asUser);
    command.addAll(List.of(program.resolve("vouchsafe").toString(), "--home", folder.toString()));
    command.addAll(List.of(arguments));
    return command;
  }

  /**
   * Every command from now on runs as the user {@code nobody}, who gets the home. The program is
   * copied, since the repository may lie where nobody may go.
   */
  void becomeNobody() throws IOException, InterruptedException {
    becomeNobodyButKeepTheOwner();
    Programs.run("chown", "-R", NOBODY + ":" + NOBODY, base.toString()).done();
  }

  /** As {@link #becomeNobody}, but the home stays with its owner. */
  void becomeNobodyButKeepTheOwner() throws IOException, InterruptedException {
    Path copy = beside("program");
    Programs.run("cp", "-a", Places.launcher().toString(), copy.toString()).done();
    Programs.run("cp", "-a", Places.root().resolve("packaging").toString(), copy.toString()).done();
    Programs.run("cp", "-a", Places.dist().toString(), copy.resolve("dist").toString()).done();
    Programs.run("chmod", "-R", "a+rX", copy.toString()).done();
    program = copy;
    dist = copy.resolve("dist");
    asUser = List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups", "--");
  }

  /**
   * Every command from now on runs in a pid namespace of its own, from which no process of ours is
   * seen.
   */
  void leavePidNamespace() {
    asUser = List.of("unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--");
  }

  /**
   * Every command from now on has a small file system of its own in that folder; those of one
   * command are not those of another.
   */
  void mountSmall(Path folder) {
    asUser =
        List.of(
            "unshare",
            "--mount",
            "--",
            "sh",
            "-c",
            "mount -t tmpfs -o size=256k,mode=0700 none \"$0\" && exec \"$@\"",
            folder.toString());
  }

  /** Every command from now on sees the file systems that the process sees. */
  void enter(long pid) {
    asUser = List.of("nsenter", "--target=" + pid, "--mount", "--");
  }

  /** What runs any program where every command runs now. */
  List<String> inside(String... command) {
    List<String> all = new ArrayList<>(asUser);
    all.addAll(List.of(command));
    return all;
  }

  /** Runs any program as that user. */
  Programs.Ended runAsUser(String... command) throws IOException, InterruptedException {
    return Programs.run(inside(command), "");
  }

  Map<String, String> allEnvironment() {
    Map<String, String> all = new java.util.HashMap<>(environment);
    all.put("VOUCHSAFE_DIST", dist.toString());
    all.put("VOUCHSAFE_JAVA_HOME", System.getProperty("java.home"));
    return all;
  }

  @Override
  public void close() throws IOException {
    List<Path> all;
    try (Stream<Path> walk = Files.walk(base)) {
      all = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
    assertThat(base).doesNotExist();
  }
}
