package dev.vouchsafe.attestation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A Docker engine of the test's own, without network, with all that it has in one folder; needs
 * root. Its image has the accounts of this machine and nothing else: programs come from this
 * machine's {@code /usr}, mounted read only.
 */
final class PrivateDocker implements AutoCloseable {
  static final String IMAGE = "vouchsafe/bare:1";
  private static final List<String> PROGRAMS = List.of("/usr/sbin/dockerd", "/usr/bin/perl");

  final Path folder;
  final Path socket;
  private final Process engine;

  private PrivateDocker(Path folder) throws IOException {
    this.folder = folder;
    this.socket = folder.resolve("docker.sock");
    this.engine =
        new ProcessBuilder(
                "dockerd",
                "--data-root=" + folder.resolve("data"),
                "--exec-root=" + folder.resolve("exec"),
                "--pidfile=" + folder.resolve("pid"),
                "--host=unix://" + socket,
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "--ip-forward=false",
                "--ip-masq=false")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
  }

  /** Starts one; empty, with a line that says so, where that can't be. */
  static Optional<PrivateDocker> start() throws IOException {
    boolean all = PROGRAMS.stream().allMatch(program -> Files.exists(Path.of(program)));
    if (Samples.uid() != 0 || !all) {
      System.out.println("No container engine for this test: it takes root and " + PROGRAMS);
      return Optional.empty();
    }
    PrivateDocker docker = new PrivateDocker(Files.createTempDirectory("vouchsafe-docker"));
    boolean ready = false;
    try {
      docker.awaitReady();
      docker.importImage(IMAGE, "LABEL tier=front");
      ready = true;
      return Optional.of(docker);
    } finally {
      if (!ready) {
        docker.close();
      }
    }
  }

  private void awaitReady() throws IOException {
    for (int i = 0; i < 300; i++) {
      if (Files.exists(socket) && Commands.status(command("version")) == 0) {
        return;
      }
      if (ended(100)) {
        break;
      }
    }
    throw new IOException("dockerd doesn't start: " + Files.readString(folder.resolve("log")));
  }

  private boolean ended(long millis) throws IOException {
    try {
      return engine.waitFor(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** Makes an image; another label makes another digest. */
  void importImage(String name, String change) throws IOException {
    Commands.run(command("import", "--change", change, bareImage(folder).toString(), name));
  }

  /** The file system of such an image, as an archive in that folder. */
  static Path bareImage(Path folder) throws IOException {
    Path root = Files.createDirectories(folder.resolve("bare"));
    for (String place : List.of("etc", "run", "tmp", "proc", "sys", "dev", "var", "root", "usr")) {
      Files.createDirectories(root.resolve(place));
    }
    for (String link : List.of("bin", "lib", "lib64", "sbin")) {
      if (Files.notExists(root.resolve(link), LinkOption.NOFOLLOW_LINKS)) {
        Files.createSymbolicLink(root.resolve(link), Path.of("usr", link));
      }
    }
    for (String file : List.of("passwd", "group")) {
      Files.write(root.resolve("etc/" + file), Files.readAllBytes(Path.of("/etc/" + file)));
    }
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path tar = folder.resolve("bare.tar");
    Commands.run(List.of("tar", "-C", root.toString(), "-cf", tar.toString(), "."));
    return tar;
  }

  /** The words of a call of {@code docker}. */
  List<String> command(String... words) {
    List<String> command = new ArrayList<>(List.of("docker", "-H", "unix://" + socket));
    command.addAll(List.of(words));
    return command;
  }

  /** What a call of {@code docker} prints. */
  String run(String... words) throws IOException {
    return Commands.run(command(words));
  }

  /** The words before those of a program that is to run in a container of that name. */
  String[] launcher(String name, String image, Path shared, String... options) {
    List<String> words =
        command(
            "run",
            "-i",
            "--rm",
            "--name",
            name,
            "--network",
            "none",
            "-v",
            "/usr:/usr:ro",
            "-v",
            shared + ":" + shared);
    words.addAll(List.of(options));
    words.add(image);
    return words.toArray(String[]::new);
  }

  /** Has the engine stand still, or go on. */
  void signal(String signal) throws IOException {
    Commands.run(List.of("kill", "-" + signal, Long.toString(engine.pid())));
  }

  @Override
  public void close() {
    try {
      engine.destroy();
      if (!engine.waitFor(30, TimeUnit.SECONDS)) {
        engine.destroyForcibly().waitFor();
      }
      Commands.run(List.of("rm", "-rf", folder.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
