package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import com.github.dockerjava.api.model.AccessMode;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.Volume;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.testcontainers.containers.ContainerLaunchException;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.startupcheck.OneShotStartupCheckStrategy;
import org.testcontainers.utility.DockerImageName;

/**
 * The suites of the TPM key store, once more, in a container that has Debian's swtpm and tpm2-tools
 * and nothing of this machine but a JDK and the classes. {@code ./test} starts the engine and makes
 * the image; without them this test says so and is left out.
 */
class TpmInContainerTest {
  private static final Duration FOR_ENGINE = Duration.ofMinutes(6);
  private static final Duration FOR_SUITE = Duration.ofMinutes(8);
  private static final Path JDK = Path.of(System.getProperty("java.home"));

  @Test
  @Timeout(900)
  void theSuitesOfTheTpmPassInAContainer() throws Exception {
    List<Path> classPath = classPath();
    List<String> command =
        List.of(
            // As the first process of the container, the JVM would inherit everybody's orphans.
            "sh",
            "-c",
            "\"$@\"; exit $?",
            "sh",
            JDK + "/bin/java",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            String.join(":", classPath.stream().map(Path::toString).toList()),
            TpmSuite.class.getName());
    Queue<String> log = new ConcurrentLinkedQueue<>();
    try (GenericContainer<?> container = new GenericContainer<>(DockerImageName.parse(image()))) {
      container
          .withImagePullPolicy(_ -> false)
          .withCreateContainerCmdModifier(create ->
              create.withHostConfig(
                  new HostConfig().withNetworkMode("none").withBinds(readOnly(classPath))))
          .withStartupCheckStrategy(new OneShotStartupCheckStrategy().withTimeout(FOR_SUITE))
          .withLogConsumer(frame -> log.add(frame.getUtf8String()))
          .withCommand(command.toArray(String[]::new));
      try {
        container.start();
      } catch (ContainerLaunchException e) {
        // By now the container is gone, and with it what it kept of its output.
        throw new AssertionError("in the container: " + String.join("", log), e);
      }
      String said = container.getLogs();
      String result =
          said.lines().filter(line -> line.startsWith("RESULT ")).findFirst().orElse(said);
      System.out.println("TPM suites in a container: " + result);
      assertThat(result).matches("RESULT [1-9][0-9]+ 0 [0-9]+");
    }
  }

  /** The image's name, once the engine that was started beside us has it. */
  private static String image() throws IOException, InterruptedException {
    String engine = System.getenv("VOUCHSAFE_TEST_ENGINE");
    if (engine == null) {
      return abort("no container engine: ./test starts one when it runs as root");
    }
    Path ready = Path.of(engine, "ready");
    Path failed = Path.of(engine, "failed");
    awaitOne(Path.of(engine), ready, failed);
    return Files.exists(ready)
        ? Files.readString(ready).strip()
        : abort("no container engine: " + Files.readString(failed).strip());
  }

  private static void awaitOne(Path folder, Path ready, Path failed)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + FOR_ENGINE.toNanos();
    try (WatchService changes = folder.getFileSystem().newWatchService()) {
      folder.register(changes, StandardWatchEventKinds.ENTRY_CREATE);
      while (!Files.exists(ready) && !Files.exists(failed)) {
        WatchKey key = changes.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        assertThat(key)
            .as("the container engine in %s is ready, or says why not", folder)
            .isNotNull();
        key.pollEvents();
        key.reset();
      }
    }
  }

  private static List<Path> classPath() {
    List<Path> entries = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      Path path = Path.of(entry);
      if (Files.exists(path)) {
        entries.add(path.toAbsolutePath());
      }
    }
    return entries;
  }

  private static List<Bind> readOnly(List<Path> paths) {
    TreeSet<Path> all = new TreeSet<>(paths);
    all.add(JDK);
    return all.stream()
        .map(path -> new Bind(path.toString(), new Volume(path.toString()), AccessMode.ro))
        .toList();
  }
}
