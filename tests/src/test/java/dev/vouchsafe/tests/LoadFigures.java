package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What one run of {@code h2load} found.
 *
 * @param connections how many asked at once
 * @param perSecond answers a second
 * @param p50 half of the answers took at most this long
 * @param p99 of a hundred answers, 99 took at most this long
 * @param cpuPerAnswer processor time of the service, for each answer
 */
record LoadFigures(
    int connections, double perSecond, Duration p50, Duration p99, Duration cpuPerAnswer) {
  private static final Pattern SUCCEEDED = Pattern.compile("(\\d+) succeeded, (\\d+) failed");
  private static final Pattern STATUS = Pattern.compile("status codes: (\\d+) 2xx, (\\d+) 3xx");
  private static final long TICKS_PER_SECOND = 100;

  /**
   * Repeats a request for so many seconds.
   *
   * @param pid the process that serves
   * @param folder where the body and h2load's log are written
   */
  static LoadFigures measure(
      Path socket, long pid, Ask ask, int connections, int seconds, Path folder)
      throws IOException, InterruptedException {
    return measure(List.of(), socket, pid, ask, connections, seconds, folder);
  }

  /**
   * The same, with something in front of the command.
   *
   * @param as such as {@code setpriv} with its options
   */
  static LoadFigures measure(
      List<String> as, Path socket, long pid, Ask ask, int connections, int seconds, Path folder)
      throws IOException, InterruptedException {
    Path log = folder.resolve("h2load.log");
    Files.deleteIfExists(log);
    List<String> command = new ArrayList<>(as);
    command.addAll(List.of("h2load", "--h1"));
    command.addAll(List.of("-c", String.valueOf(connections), "-D", String.valueOf(seconds)));
    command.addAll(List.of("-B", "unix:" + socket, "--log-file=" + log));
    if (!ask.body().isEmpty()) {
      Path body = Files.writeString(folder.resolve("body.json"), ask.body());
      command.addAll(List.of("-H", "content-type: application/json", "-d", body.toString()));
    }
    command.add("http://localhost" + ask.target());
    long cpuBefore = cpuTicks(pid);
    String said = Programs.run(command, "").done();
    long cpu = cpuTicks(pid) - cpuBefore;
    return read(said, Files.readAllLines(log), connections, seconds, cpu);
  }

  private static LoadFigures read(
      String said, List<String> log, int connections, int seconds, long cpuTicks) {
    Matcher succeeded = SUCCEEDED.matcher(said);
    Matcher status = STATUS.matcher(said);
    assertThat(succeeded.find() && status.find()).as(said).isTrue();
    assertThat(succeeded.group(2)).as("failed requests: %s", said).isEqualTo("0");
    assertThat(status.group(1))
        .as("every answer is what was asked for: %s", said)
        .isEqualTo(succeeded.group(1));
    long answers = Long.parseLong(succeeded.group(1));
    List<Long> micros = new ArrayList<>();
    for (String line : log) {
      micros.add(Long.parseLong(line.split("\t", -1)[2]));
    }
    long[] sorted = micros.stream().mapToLong(Long::longValue).sorted().toArray();
    return new LoadFigures(
        connections,
        (double) answers / seconds,
        at(sorted, 0.50),
        at(sorted, 0.99),
        Duration.ofSeconds(cpuTicks).dividedBy(TICKS_PER_SECOND).dividedBy(Math.max(1, answers)));
  }

  private static Duration at(long[] sorted, double share) {
    return Duration.ofNanos(sorted[(int) (share * (sorted.length - 1))] * 1000);
  }

  /** User and system time of a process, in hundredths of a second (proc(5)). */
  private static long cpuTicks(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc", String.valueOf(pid), "stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
  }

  /** The run of the middle rate. */
  static LoadFigures median(LoadFigures... runs) {
    LoadFigures[] sorted = runs.clone();
    Arrays.sort(sorted, (a, b) -> Double.compare(a.perSecond(), b.perSecond()));
    return sorted[sorted.length / 2];
  }
}
