package dev.vouchsafe.tests;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * An administrator who takes one step after the other with device CA and root, whichever may be
 * taken, until the service is gone, and remembers each that was acknowledged.
 */
final class StepLoad {
  /**
   * A step that was acknowledged.
   *
   * @param authority the id that the answer names
   */
  record Step(String step, String authority) {}

  private final Queue<Step> acknowledged = new ConcurrentLinkedQueue<>();
  private final Queue<String> surprises = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private final Random random;

  private StepLoad(Path socket, long seed) {
    random = new Random(seed);
    thread = Thread.ofPlatform().daemon().unstarted(() -> run(socket));
  }

  static StepLoad start(Path adminSocket, long seed) {
    StepLoad load = new StepLoad(adminSocket, seed);
    load.thread.start();
    return load;
  }

  private void run(Path socket) {
    try (UnixHttp admin = new UnixHttp(socket)) {
      while (true) {
        List<String[]> steps = steps(admin.get("/authorities").json().path("items"));
        String[] step = steps.get(random.nextInt(steps.size()));
        UnixHttp.Answer answer = admin.post("/authorities/" + step[0], step[1]);
        if (answer.status() == 200 || answer.status() == 201) {
          String name = step[0].substring(step[0].lastIndexOf('/') + 1);
          acknowledged.add(new Step(name, answer.text("id")));
        } else if (answer.status() != 409) {
          surprises.add(step[0] + ": " + answer.status() + " " + answer.body());
          return;
        }
      }
    } catch (IOException e) {
      // The service was killed: what came before counts.
    }
  }

  /** Path and body of each step that the states let one think of; some are refused. */
  private static List<String[]> steps(JsonNode authorities) {
    List<String[]> steps = new ArrayList<>();
    steps.add(new String[] {"prepare", "{\"authority\":\"device\"}"});
    steps.add(new String[] {"prepare", "{\"authority\":\"root\"}"});
    for (JsonNode authority : authorities) {
      String id = authority.path("id").asText();
      String state = authority.path("state").asText();
      boolean isRoot = id.startsWith("root-");
      if (state.equals("prepared") || state.equals("published") || state.equals("active")) {
        steps.add(new String[] {id + "/abort", "{\"from\":\"" + state + "\"}"});
      }
      if (state.equals("prepared") && isRoot) {
        steps.add(new String[] {id + "/publish", "{}"});
      }
      if (state.equals(isRoot ? "published" : "prepared")) {
        // More often than they are given up.
        steps.add(new String[] {id + "/activate", "{\"now\":true}"});
        steps.add(new String[] {id + "/activate", "{\"now\":true}"});
      }
      if (state.equals("retiring")) {
        steps.add(new String[] {id + "/retire", "{\"now\":true}"});
      }
    }
    return steps;
  }

  /** Waits until it has seen the end, and returns what was acknowledged, in its order. */
  List<Step> acknowledged() throws InterruptedException {
    if (!thread.join(Duration.ofSeconds(60))) {
      throw new AssertionError("the administrator still waits for a service that is gone");
    }
    return List.copyOf(acknowledged);
  }

  /** Answers that are none of those that there may be. */
  List<String> surprises() {
    return List.copyOf(surprises);
  }
}
