package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Cgroups that a test makes in the tree of cgroup v2, and takes away again. Those that were there
 * before stay.
 */
final class OwnCgroup implements AutoCloseable {
  private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(20);

  private final Path root;
  private final Deque<Path> made = new ArrayDeque<>();

  private OwnCgroup(Path root) {
    this.root = root;
  }

  static OwnCgroup open() throws IOException, InterruptedException {
    String mounts =
        Programs.run("findmnt", "--first-only", "-t", "cgroup2", "-n", "-o", "TARGET").done();
    return new OwnCgroup(Path.of(mounts.strip()));
  }

  /** A cgroup, with those above it. */
  Path make(String path) throws IOException {
    Path cgroup = root;
    for (String name : path.split("/", -1)) {
      cgroup = cgroup.resolve(name);
      if (!Files.exists(cgroup)) {
        made.push(Files.createDirectory(cgroup));
      }
    }
    return cgroup;
  }

  /** As {@link #make}, given to a user to do in it as he likes. */
  Path delegate(String path, long uid) throws IOException, InterruptedException {
    Path cgroup = make(path);
    for (Path given : List.of(cgroup, cgroup.resolve("cgroup.procs"))) {
      Programs.run("chown", uid + ":" + uid, given.toString()).done();
    }
    return cgroup;
  }

  /** Root puts a process there. */
  static void move(Path cgroup, long pid) throws IOException {
    Files.writeString(cgroup.resolve("cgroup.procs"), Long.toString(pid));
  }

  /** The command that runs this one there; root puts it in. */
  static List<String> in(Path cgroup, List<String> command) {
    return with("echo $$ > \"$0/cgroup.procs\" && exec \"$@\"", cgroup, command);
  }

  /** The command that makes a cgroup, moves itself there and runs this one. */
  static List<String> inOneOfItsOwn(Path cgroup, List<String> command) {
    return with("mkdir -p \"$0\" && echo $$ > \"$0/cgroup.procs\" && exec \"$@\"", cgroup, command);
  }

  private static List<String> with(String script, Path cgroup, List<String> command) {
    List<String> all = new ArrayList<>(List.of("sh", "-c", script, cgroup.toString()));
    all.addAll(command);
    return all;
  }

  /** Takes away what was made, and what others made in it, once nobody is in it any more. */
  @Override
  public void close() throws IOException {
    for (Path cgroup : made) {
      List<Path> all;
      try (var walk = Files.walk(cgroup)) {
        all = walk.filter(Files::isDirectory).toList();
      }
      for (Path each : all.reversed()) {
        long start = System.nanoTime();
        while (Files.readString(each.resolve("cgroup.events")).contains("populated 1")) {
          assertThat(System.nanoTime() - start).as("%s empties", each).isLessThan(LONGEST_NANOS);
          Thread.onSpinWait();
        }
        Files.delete(each);
      }
    }
  }
}
