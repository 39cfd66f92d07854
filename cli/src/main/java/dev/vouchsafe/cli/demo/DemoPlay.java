package dev.vouchsafe.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The steps of the demonstration. Each ends by telling what it has shown, or by a {@link
 * DemoException}.
 */
final class DemoPlay {
  static final int STEPS = 13;
  private static final Duration START_LIMIT = Duration.ofSeconds(60);

  /** Exit status of a command that was refused. */
  private static final int REFUSED = 3;

  private static final Pattern HTTPS = Pattern.compile("https://\\S+?:(\\d+)");
  private static final Pattern ACCEPT = Pattern.compile("ACCEPT \\S*:(\\d+)");
  private static final Pattern EXECUTABLE_PATH = Pattern.compile("/[^\\n]+");

  private final Story story;
  private final DemoHome home;
  private final Program program;
  private final ObjectMapper json = new ObjectMapper();

  DemoPlay(Story story, DemoHome home) {
    this.story = story;
    this.home = home;
    this.program = new Program(home.scratch(), environment());
  }

  /** Every step but the last, which is told when the home is gone. */
  void play() throws DemoException, IOException {
    need("openssl", "version");
    need("perl", "-v");

    vouchsafe("init", "--device-id", "demo", "--trust-domain", "demo.example");
    home.anyHttpsPort();
    story.tell(
        "init made a home, a root and a device CA in " + home.home(),
        "a gateway's identity starts on the gateway, with no server and no cloud");

    Process service = startService();
    int httpsPort = httpsPort(service);
    story.tell(
        "serve is ready on a Unix socket and on https port " + httpsPort,
        "one process and one folder are the whole service");

    String uid = uid();
    Path executable = executable();
    vouchsafe(
        "module",
        "add",
        "web",
        "--selector",
        "unix:uid:" + uid,
        "--selector",
        "unix:path:" + executable,
        "--profile",
        "server",
        "--dns",
        "localhost",
        "--ip",
        "127.0.0.1",
        "--audience",
        "hub.example");
    story.tell(
        "module add registered `web`: user " + uid + " running " + executable,
        "a module is what can be measured of it, not a secret that it was given");

    modulePart();
    Process server = tlsServer();
    int tlsPort = waitFor(ACCEPT, home.scratch().resolve("s_server.log"), server);
    story.tell(
        "openssl s_server serves TLS on port " + tlsPort + " with that certificate",
        "what is issued is plain PEM that any server takes");

    leafPart(httpsPort, tlsPort);
    tokenPart();
    strangerPart();
    ledgerPart();

    DemoHome.end(server);
    int status = DemoHome.end(service);
    if (status != 0) {
      throw new DemoException("serve ended with status " + status);
    }
  }

  private void modulePart() throws DemoException {
    JsonNode identity = parse(vouchsafe("fetch", "identity", "-o", "json").output());
    if (!identity.path("module").asText().equals("web")) {
      throw new DemoException("the caller was taken for " + identity);
    }
    story.tell(
        "fetch identity, in a process of its own, was recognised as "
            + identity.path("spiffeId").asText(),
        "the kernel and its files said who called; the caller said nothing");

    vouchsafe(
        "fetch",
        "certificate",
        "--module",
        "web",
        "--profile",
        "server",
        "--dns",
        "localhost",
        "--ip",
        "127.0.0.1",
        "--out",
        home.scratch().resolve("web").toString());
    story.tell(
        "fetch certificate got a server certificate, its key and the bundle",
        "only what was registered is issued, after the caller was measured");
  }

  private void leafPart(int httpsPort, int tlsPort) throws DemoException, IOException {
    String fingerprint = rootFingerprint();
    LeafDevice leaf = new LeafDevice();
    String bundle =
        leaf.fetchBundle(
            URI.create("https://localhost:" + httpsPort + "/trust-bundle.pem"), fingerprint);
    Path bundleFile = home.scratch().resolve("leaf-bundle.pem");
    Files.writeString(bundleFile, bundle);
    leaf.getVerified(URI.create("https://localhost:" + httpsPort + "/healthz"), bundle);
    story.tell(
        "a leaf device fetched the trust bundle over https and found root "
            + fingerprint.substring(0, 16)
            + ".. as told",
        "one fingerprint is all that a device must be given");

    Program.Ended client =
        program.run(
            List.of(
                "openssl",
                "s_client",
                "-connect",
                "localhost:" + tlsPort,
                "-servername",
                "localhost",
                "-CAfile",
                bundleFile.toString(),
                "-no-CApath",
                "-no-CAstore",
                "-verify_return_error",
                "-verify_hostname",
                "localhost"));
    if (client.status() != 0 || !client.output().contains("Verify return code: 0 (ok)")) {
      throw new DemoException("openssl s_client did not verify the server:\n" + client.output());
    }
    story.tell(
        "openssl s_client verified the module's server with the bundle alone",
        "chain, lifetime and host name hold for a client that nobody here wrote");

    URI server = URI.create("https://localhost:" + tlsPort + "/");
    leaf.getVerified(server, bundle);
    if (!leaf.refusedWithoutBundle(server)) {
      throw new DemoException("the JDK accepted the server without the bundle");
    }
    story.tell(
        "the JDK's TLS verified it with the bundle, and refused it without",
        "the trust comes from the bundle and from nowhere else");
  }

  private void tokenPart() throws DemoException {
    String folder = home.scratch().resolve("web").toString();
    String file = home.scratch().resolve("web/token").toString();
    vouchsafe("fetch", "token", "--audience", "hub.example", "--out", folder);
    String subject =
        parse(
                vouchsafe("token", "verify", "--audience", "hub.example", "-o", "json", file)
                    .output())
            .path("subject")
            .asText();
    Program.Ended other = program.run(command("token", "verify", "--audience", "other", file));
    Program.Ended asked = program.run(command("fetch", "token", "--audience", "other"));
    if (other.status() != REFUSED || asked.status() != REFUSED) {
      throw new DemoException(
          "a token for another audience was not refused:\n" + other.output() + asked.output());
    }
    story.tell(
        "fetch token got a JWT of " + subject + "; it verified for its audience and no other",
        "where a certificate doesn't fit, a token says the same for a few minutes");
  }

  private void strangerPart() throws DemoException {
    String stranger =
        "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die $!;"
            + " my $b = q({\"profile\":\"server\"});"
            + " print $s \"POST /v1/certificates?module=web HTTP/1.1\\r\\nHost: localhost\\r\\n\","
            + " \"Content-Type: application/json\\r\\nConnection: close\\r\\nContent-Length: \","
            + " length($b), \"\\r\\n\\r\\n\", $b; print while <$s>;";
    Program.Ended ended =
        program
            .run(
                List.of(
                    "perl", "-e", stranger, home.home().resolve("run/workload.sock").toString()))
            .ok("perl");
    String first = ended.output().lines().findFirst().orElse("");
    if (!first.startsWith("HTTP/1.1 403 ") || ended.output().contains("BEGIN")) {
      throw new DemoException("the stranger was not refused:\n" + ended.output());
    }
    story.tell(
        "perl, started by the same user, asked for the same certificate and got 403",
        "being on the machine, and being the right user, is not enough");
  }

  private void ledgerPart() throws DemoException, IOException {
    JsonNode items =
        parse(vouchsafe("cert", "list", "--module", "web", "-o", "json").output()).path("items");
    String serial =
        program
            .run(
                List.of(
                    "openssl",
                    "x509",
                    "-noout",
                    "-serial",
                    "-in",
                    home.scratch().resolve("web/certificate.pem").toString()))
            .ok("openssl x509")
            .output()
            .strip()
            .replace("serial=", "")
            .toLowerCase(Locale.ROOT);
    if (items.size() != 1 || !items.get(0).path("serial").asText().equals(serial)) {
      throw new DemoException("the ledger doesn't hold just " + serial + ": " + items);
    }
    story.tell(
        "cert list shows that one certificate and no other, serial " + serial,
        "the ledger knew it before it was signed, and the stranger got nothing");
  }

  private Process startService() throws DemoException {
    List<String> command = command("serve");
    return home.adopt(program.start(command, home.scratch().resolve("serve.log")));
  }

  private int httpsPort(Process service) throws DemoException {
    return waitFor(HTTPS, home.scratch().resolve("serve.log"), service);
  }

  private Process tlsServer() throws DemoException {
    Path web = home.scratch().resolve("web");
    return home.adopt(
        program.start(
            List.of(
                "openssl",
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-www",
                "-cert",
                web.resolve("certificate.pem").toString(),
                "-cert_chain",
                web.resolve("certificate.pem").toString(),
                "-key",
                web.resolve("key.pem").toString()),
            home.scratch().resolve("s_server.log")));
  }

  /**
   * Waits until a process has printed what the pattern finds, and returns the number in its group.
   */
  private static int waitFor(Pattern pattern, Path log, Process process) throws DemoException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    try {
      while (System.nanoTime() < deadline) {
        Matcher found = pattern.matcher(Program.read(log));
        if (found.find()) {
          return Integer.parseInt(found.group(1));
        }
        if (process.waitFor(50, TimeUnit.MILLISECONDS)) {
          throw new DemoException(
              log.getFileName()
                  + ": ended with "
                  + process.exitValue()
                  + ":\n"
                  + Program.read(log));
        }
      }
      throw new DemoException(log.getFileName() + ": not ready in time:\n" + Program.read(log));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DemoException("interrupted", e);
    } catch (IOException e) {
      throw new DemoException("can't read " + log, e);
    }
  }

  private String rootFingerprint() throws DemoException {
    JsonNode authorities = parse(vouchsafe("ca", "show", "-o", "json").output()).path("items");
    for (JsonNode authority : authorities) {
      if (authority.path("role").asText().equals("root")) {
        return authority.path("sha256").asText();
      }
    }
    throw new DemoException("ca show names no root: " + authorities);
  }

  private Program.Ended vouchsafe(String... arguments) throws DemoException {
    return program
        .run(command(arguments))
        .ok(
            "vouchsafe "
                + String.join(" ", List.of(arguments).subList(0, Math.min(2, arguments.length))));
  }

  private List<String> command(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(launcher());
    command.add("--home");
    command.add(home.home().toString());
    command.addAll(List.of(arguments));
    return command;
  }

  private static String launcher() {
    String launcher = System.getProperty("vouchsafe.launcher");
    return launcher == null ? "vouchsafe" : launcher;
  }

  private static Map<String, String> environment() {
    String dist = System.getProperty("vouchsafe.dist");
    return dist == null ? Map.of() : Map.of("VOUCHSAFE_DIST", dist);
  }

  private void need(String name, String argument) throws DemoException {
    try {
      program.run(List.of(name, argument)).ok(name);
    } catch (DemoException e) {
      throw new DemoException(name + " is needed: apt-get install " + name, e);
    }
  }

  private static String uid() throws IOException {
    return Files.getAttribute(Path.of("/proc/self"), "unix:uid").toString();
  }

  private static Path executable() throws IOException, DemoException {
    Path path = Path.of("/proc/self/exe").toRealPath();
    if (!EXECUTABLE_PATH.matcher(path.toString()).matches()) {
      throw new DemoException("the JDK stands in a folder with an odd name: " + path);
    }
    return path;
  }

  private JsonNode parse(String text) throws DemoException {
    try {
      return json.readTree(text);
    } catch (IOException e) {
      throw new DemoException("not JSON: " + text, e);
    }
  }
}
