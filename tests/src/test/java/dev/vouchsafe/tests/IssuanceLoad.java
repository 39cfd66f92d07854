package dev.vouchsafe.tests;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Many clients that ask for certificates as fast as they get them, until the service is gone, and
 * remember each serial that reached them.
 */
final class IssuanceLoad {
  private static final long LONGEST_SECONDS = 60;

  private final Queue<String> serials = new ConcurrentLinkedQueue<>();
  private final Queue<String> surprises = new ConcurrentLinkedQueue<>();
  private final Semaphore received = new Semaphore(0);
  private final List<Thread> clients = new ArrayList<>();

  /** Connects that many clients and lets them ask. */
  static IssuanceLoad start(Path socket, int clients) throws IOException {
    IssuanceLoad load = new IssuanceLoad();
    List<UnixHttp> connections = new ArrayList<>();
    for (int i = 0; i < clients; i++) {
      connections.add(new UnixHttp(socket));
    }
    for (UnixHttp connection : connections) {
      load.clients.add(Thread.ofPlatform().daemon().start(() -> load.ask(connection)));
    }
    return load;
  }

  private void ask(UnixHttp connection) {
    try (connection) {
      while (true) {
        UnixHttp.Answer answer = connection.post("/v1/certificates", "{\"profile\":\"server\"}");
        if (answer.status() != 201) {
          surprises.add(answer.status() + " " + answer.body());
          received.release();
          return;
        }
        serials.add(answer.text("serial"));
        received.release();
      }
    } catch (IOException e) {
      // The service was killed: what came before counts.
    }
  }

  /** Waits until so many answers were received. */
  void awaitAnswers(int count) throws InterruptedException {
    if (!received.tryAcquire(count, LONGEST_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("only " + serials.size() + " certificates came; " + surprises);
    }
  }

  /** Waits until every client has seen the end, and returns the serials that reached one. */
  List<String> serials() throws InterruptedException {
    for (Thread client : clients) {
      if (!client.join(java.time.Duration.ofSeconds(LONGEST_SECONDS))) {
        throw new AssertionError("a client still waits for a service that is gone");
      }
    }
    return List.copyOf(serials);
  }

  /** Answers that were no certificate. */
  List<String> surprises() {
    return List.copyOf(surprises);
  }

  /** The first of them, if any. */
  @Nullable String surprise() {
    return surprises.peek();
  }
}
