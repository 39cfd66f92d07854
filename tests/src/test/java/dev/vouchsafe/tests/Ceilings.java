package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the machine can do without us, measured in the same run as what we do. */
final class Ceilings {
  private static final Pattern SPEED =
      Pattern.compile("256 bits ecdsa \\(nistp256\\) +\\S+ +\\S+ +(\\S+) +(\\S+)");
  private static final int SECONDS = 3;

  private Ceilings() {}

  /** P-256 signatures a second of {@code openssl speed}, one thread. */
  static double opensslSignatures() throws IOException, InterruptedException {
    String said =
        Programs.run("openssl", "speed", "-seconds", String.valueOf(SECONDS), "ecdsap256").done();
    Matcher matcher = SPEED.matcher(said);
    assertThat(matcher.find()).as(said).isTrue();
    return Double.parseDouble(matcher.group(1));
  }

  /** P-256 signatures a second of {@code C_Sign} called from C in a token, one session. */
  static double bareSignatures(SoftHsm hsm) throws IOException, InterruptedException {
    return hsm.bareSignatures(SECONDS);
  }

  /**
   * Figures of a bare HTTP echo on a Unix socket, in a process of its own.
   *
   * @param body what each request carries
   */
  static LoadFigures echo(Path folder, String body, int connections, int seconds)
      throws IOException, InterruptedException {
    Path socket = folder.resolve("echo.sock");
    Files.deleteIfExists(socket);
    Process echo =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow",
                    "-cp",
                    System.getProperty("java.class.path"),
                    EchoServer.class.getName(),
                    socket.toString()))
            .redirectError(folder.resolve("echo.log").toFile())
            .start();
    try {
      assertThat(echo.inputReader().readLine()).isEqualTo("ready");
      Ask ask = new Ask("echo", "/", body);
      LoadFigures.measure(socket, echo.pid(), ask, connections, seconds, folder);
      return LoadFigures.measure(socket, echo.pid(), ask, connections, seconds, folder);
    } finally {
      echo.destroyForcibly().waitFor();
    }
  }
}
