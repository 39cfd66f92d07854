package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * Where an attack takes place: the service as it ships, run by root, and programs in C that any
 * user may execute. Modules and attackers are users that nobody on the machine is.
 */
final class AttackGround implements AutoCloseable {
  /** The user that owns the registrations. */
  static final long MODULE = 61_001;

  /** Another local user, whom no registration names. */
  static final long OTHER = 61_002;

  /** One more, who has done nothing wrong. */
  static final long HONEST = 61_003;

  private static final long LONGEST_STOP_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final Pattern ANSWER = Pattern.compile("^answer (\\d+)$", Pattern.MULTILINE);

  private final GatewayHome home;
  private final RunningGateway gateway;
  private final Path bin;

  private AttackGround(GatewayHome home) throws IOException {
    this.home = home;
    this.bin = openFolder("bin");
    this.gateway = home.serve();
  }

  static AttackGround open() throws IOException, InterruptedException {
    return open("");
  }

  /**
   * Starts the service.
   *
   * @param moreConfiguration lines at the end of its configuration
   */
  static AttackGround open(String moreConfiguration) throws IOException, InterruptedException {
    return new AttackGround(initialised(moreConfiguration));
  }

  /** As {@link #open()}, in a pid namespace of the service's own: it sees none of our processes. */
  static AttackGround openUnseeing() throws IOException, InterruptedException {
    GatewayHome home = initialised("");
    home.leavePidNamespace();
    return new AttackGround(home);
  }

  private static GatewayHome initialised(String moreConfiguration)
      throws IOException, InterruptedException {
    assumeTrue(GatewayHome.uid() == 0, "only root can become somebody else");
    GatewayHome home = GatewayHome.empty(moreConfiguration);
    home.init();
    return home;
  }

  GatewayHome home() {
    return home;
  }

  RunningGateway gateway() {
    return gateway;
  }

  String socket() {
    return home.workloadSocket().toString();
  }

  /** A folder beside the home that everybody may enter and read. */
  Path openFolder(String name) throws IOException {
    Path folder = home.beside(name);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    return folder;
  }

  /** A folder beside the home that belongs to that user. */
  Path folderOf(long uid, String name) throws IOException, InterruptedException {
    Path folder = openFolder(name);
    Programs.run("chown", uid + ":" + uid, folder.toString()).done();
    return folder;
  }

  /** A program of {@code src/test/c/attack}, where everybody may execute it. */
  Path program(String name, String... flags) throws IOException, InterruptedException {
    Path source = Places.root().resolve("tests/src/test/c/attack");
    Path made = Programs.compileFrom(source, name, flags);
    Path program = bin.resolve(made.getFileName());
    return Files.exists(program) ? program : copy(made, program);
  }

  /** The program that registrations name. */
  Path trusted() throws IOException, InterruptedException {
    return program("trusted");
  }

  /** A program that none names. It needs no library, so it runs under any root. */
  Path stranger() throws IOException, InterruptedException {
    return program("stranger", "-static");
  }

  /** Copies a program; everybody may read and execute the copy. */
  static Path copy(Path from, Path to) throws IOException {
    Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
    Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rwxr-xr-x"));
    return to;
  }

  /** Writes a registration as root would; in force at the next request. */
  void register(String name, List<String> selectors, String... moreLines) throws IOException {
    String list =
        selectors.stream().map(text -> '"' + text + '"').collect(Collectors.joining(", "));
    String text =
        """
        [[module]]
        name = "%s"
        selectors = [%s]
        profiles = ["server"]
        dns = ["module.example"]
        audiences = ["hub.example"]
        """
            .formatted(name, list);
    writeRegistration(name, text + String.join("\n", moreLines) + "\n");
  }

  /** Writes a file of registrations whole. */
  void writeRegistration(String name, String toml) throws IOException {
    Path fresh = Files.writeString(registration(name).resolveSibling(name + ".new"), toml);
    Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-r--r--"));
    Files.move(
        fresh,
        registration(name),
        StandardCopyOption.REPLACE_EXISTING,
        StandardCopyOption.ATOMIC_MOVE);
  }

  void unregister(String name) throws IOException {
    Files.delete(registration(name));
  }

  Path registration(String name) {
    return home.folder().resolve("registrations.d").resolve(name + ".toml");
  }

  static String uid(long uid) {
    return "unix:uid:" + uid;
  }

  static String path(Path program) {
    return "unix:path:" + program;
  }

  static String sha256(Path program) throws IOException {
    return "unix:sha256:" + hash(program);
  }

  static String hash(Path file) throws IOException {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Asks for a certificate of that module; the connection stays. */
  static String certificateOf(String module) {
    return post("/v1/certificates?module=" + module, "{\"profile\":\"server\"}");
  }

  static String post(String target, String json) {
    return "POST "
        + target
        + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        + json.getBytes(StandardCharsets.UTF_8).length
        + "\r\n\r\n"
        + json;
  }

  /** The command that runs this one as that user, who has no group but the one of his number. */
  static List<String> as(long uid, List<String> command) {
    List<String> all =
        new ArrayList<>(List.of("setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups"));
    all.add("--");
    all.addAll(command);
    return all;
  }

  /** As {@link #as(long, List)}, of a program and its arguments. */
  static List<String> as(long uid, Path program, String... arguments) {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    return as(uid, command);
  }

  /** The status that an honest program of that user gets when it asks for a certificate. */
  int ask(long uid, Path program, String module) throws IOException, InterruptedException {
    return answer(as(uid, program, "ask", socket(), certificateOf(module)));
  }

  /** Runs a command to its end. The status that it reported; 0 if it got no answer. */
  static int answer(List<String> command) throws IOException, InterruptedException {
    return reported(Programs.run(command, ""));
  }

  static int reported(Programs.Ended ended) {
    Matcher matcher = ANSWER.matcher(ended.out());
    assertThat(matcher.find()).as("a report in: %s %s", ended.out(), ended.err()).isTrue();
    return Integer.parseInt(matcher.group(1));
  }

  /** Holds the service where it is until this is closed: whatever happens now, it sees later. */
  Stopped stopped() throws IOException {
    return new Stopped(gateway.pid());
  }

  /** A process that is stopped. */
  static final class Stopped implements AutoCloseable {
    private final long pid;
    private boolean goesOn;

    private Stopped(long pid) throws IOException {
      this.pid = pid;
      signal("-STOP");
      long start = System.nanoTime();
      while (!isStopped()) {
        assertThat(System.nanoTime() - start).as("it stops").isLessThan(LONGEST_STOP_NANOS);
        Thread.onSpinWait();
      }
    }

    private void signal(String signal) throws IOException {
      Process kill = new ProcessBuilder("kill", signal, Long.toString(pid)).start();
      assertThat(kill.onExit().join().exitValue()).as("kill %s", signal).isZero();
    }

    private boolean isStopped() throws IOException {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return stat.startsWith("T", stat.lastIndexOf(')') + 2);
    }

    void goOn() throws IOException {
      if (!goesOn) {
        goesOn = true;
        signal("-CONT");
      }
    }

    @Override
    public void close() throws IOException {
      goOn();
    }
  }

  /** How many certificates the ledger has of that module, up to 100. */
  int issued(String module) throws IOException {
    try (UnixHttp admin = new UnixHttp(home.adminSocket())) {
      UnixHttp.Answer answer = admin.get("/certificates?limit=100&module=" + module);
      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
      JsonNode items = answer.json().path("items");
      return (int)
          StreamSupport.stream(items.spliterator(), false)
              .filter(item -> item.path("module").asText().equals(module))
              .count();
    }
  }

  @Override
  public void close() throws IOException {
    try (home) {
      gateway.close();
    }
  }
}
