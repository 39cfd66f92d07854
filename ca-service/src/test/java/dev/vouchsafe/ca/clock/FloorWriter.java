package dev.vouchsafe.ca.clock;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;

/** A process that writes a floor and is killed by SIGKILL when a step of it is done. */
final class FloorWriter {
  private FloorWriter() {}

  public static void main(String[] args) throws IOException {
    FloorFile.Step last = FloorFile.Step.valueOf(args[2]);
    new FloorFile(
            Path.of(args[0]),
            step -> {
              if (step == last) {
                killOurselves();
              }
            })
        .write(Instant.parse(args[1]), false);
  }

  private static void killOurselves() {
    try {
      new ProcessBuilder("kill", "-9", Long.toString(ProcessHandle.current().pid()))
          .start()
          .waitFor();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException("it can't be killed", e);
    }
  }
}
