package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SystemCallsTest {
  private static final int PR_GET_DUMPABLE = 3;
  private static final int PR_SET_DUMPABLE = 4;

  @TempDir Path folder;

  private static int prctl(int option, long value) throws Throwable {
    Linker linker = Linker.nativeLinker();
    return (int)
        linker
            .downcallHandle(
                linker.defaultLookup().findOrThrow("prctl"),
                FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG),
                Linker.Option.firstVariadicArg(1))
            .invokeExact(option, value, 0L, 0L, 0L);
  }

  @Test
  void afterwardsTheProcessCannotBeDumpedAndStillKnowsItsUser() throws Throwable {
    int before = prctl(PR_GET_DUMPABLE, 0);
    long user = FileTrust.ownUser();
    try {
      new SystemCalls().forbidDumps();
      assertThat(prctl(PR_GET_DUMPABLE, 0)).isZero();
      assertThat(FileTrust.ownUser()).isEqualTo(user);
    } finally {
      assertThat(prctl(PR_SET_DUMPABLE, before)).isZero();
    }
  }

  /** As the kernel shows it; one before 6.12 shows no change, and one without debugging nothing. */
  @Test
  void aThreadAndAllThatItStartsRunInShorterTurns() throws Exception {
    CompletableFuture<List<String>> shown = new CompletableFuture<>();
    Thread own =
        Thread.ofPlatform()
            .start(() -> {
              try {
                new SystemCalls().shortenTurns(Duration.ofNanos(123_000));
                Thread started =
                    Thread.ofPlatform()
                        .start(() -> {
                          boolean _ = shown.complete(slice());
                        });
                started.join();
              } catch (IOException | InterruptedException e) {
                boolean _ = shown.completeExceptionally(e);
              }
            });
    own.join();
    assertThat(shown.get()).allMatch(line -> line.endsWith("123000") || !hasSlices());
    assertThat(slice()).as("the thread beside it").noneMatch(line -> line.endsWith("123000"));
  }

  private static List<String> slice() {
    try {
      return Files.readAllLines(Path.of("/proc/thread-self/sched")).stream()
          .filter(line -> line.startsWith("se.slice"))
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  private static boolean hasSlices() {
    List<String> release = List.of(System.getProperty("os.version").split("[.-]", -1));
    int major = Integer.parseInt(release.get(0));
    return major > 6 || (major == 6 && Integer.parseInt(release.get(1)) >= 12);
  }

  /** A receiver that is not ours: prints the first datagram that it gets. */
  static Process receiver(String address) throws IOException {
    Process perl =
        new ProcessBuilder(
                "perl",
                "-e",
                "use Socket; $| = 1; my $a = shift; $a =~ s/^@/\\0/;"
                    + " socket(S, PF_UNIX, SOCK_DGRAM, 0) or die $!;"
                    + " bind(S, pack_sockaddr_un($a)) or die $!; print \"bound\\n\";"
                    + " recv(S, my $d, 4096, 0); print \"$d\\n\";",
                address)
            .start();
    assertThat(perl.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo("bound");
    return perl;
  }

  static String received(Process receiver) throws IOException {
    BufferedReader reader = receiver.inputReader(StandardCharsets.UTF_8);
    return reader.readLine();
  }

  private static SystemdNotifier notifier(String address) {
    Console console =
        new Console(
            CommandTreeTest.console().in(),
            CommandTreeTest.console().out(),
            CommandTreeTest.console().err(),
            Map.of("NOTIFY_SOCKET", address),
            InstantSource.fixed(CliRun.NOW));
    return new SystemdNotifier(console, new SystemCalls());
  }

  @Test
  void systemdIsToldOverASocketInTheFileSystem() throws IOException {
    String address = folder.resolve("notify").toString();
    Process receiver = receiver(address);
    notifier(address).ready();
    assertThat(received(receiver)).isEqualTo("READY=1");
  }

  @Test
  void systemdIsToldOverAnAbstractSocket() throws IOException {
    String address = "@vouchsafe-" + UUID.randomUUID();
    Process receiver = receiver(address);
    notifier(address).stopping();
    assertThat(received(receiver)).isEqualTo("STOPPING=1");
  }

  @Test
  void aNoticeThatNobodyTakesStopsNothing() {
    notifier(folder.resolve("nobody").toString()).ready();
    notifier("vsock:2:1234").ready();
    notifier("/" + "d".repeat(200)).stopping();
  }

  @Test
  void anAddressThatDoesNotFitIsAnError() {
    byte[] message = {'x'};
    assertThatThrownBy(() -> new SystemCalls().sendDatagram(new byte[108], message))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> new SystemCalls().sendDatagram(new byte[0], message))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() ->
            new SystemCalls()
                .sendDatagram(
                    folder.resolve("none").toString().getBytes(StandardCharsets.UTF_8), message))
        .isInstanceOf(IOException.class);
  }
}
