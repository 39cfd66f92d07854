package dev.vouchsafe.tests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An administrator who takes back certificates, tokens, a module and device CAs at random, one
 * after the other, until the service is gone, and remembers what was asked for and what was
 * acknowledged.
 */
final class RevocationLoad {
  /** The module that is denied, and allowed again. */
  static final String MODULE = "victim";

  /** What is taken back, or given. */
  enum Kind {
    SERIALS,
    TOKENS,
    AUTHORITY,
    DENIAL,
    ALLOWANCE
  }

  /**
   * One thing that was asked for.
   *
   * @param objects serial numbers, ids of tokens, the id of a device CA or the name of a module
   */
  record Act(Kind kind, List<String> objects) {
    Act {
      objects = List.copyOf(objects);
    }
  }

  private static final long LONGEST_SECONDS = 60;
  private static final int MOST_AT_ONCE = 4;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Queue<Act> acknowledged = new ConcurrentLinkedQueue<>();
  private final Queue<String> surprises = new ConcurrentLinkedQueue<>();
  private final Semaphore answers = new Semaphore(0);
  private final Thread thread;
  private final Random random;
  private volatile @Nullable Act asked;

  private RevocationLoad(GatewayHome home, long seed) {
    random = new Random(seed);
    thread = Thread.ofPlatform().daemon().unstarted(() -> run(home));
  }

  static RevocationLoad start(GatewayHome home, long seed) {
    RevocationLoad load = new RevocationLoad(home, seed);
    load.thread.start();
    return load;
  }

  private void run(GatewayHome home) {
    try (UnixHttp admin = new UnixHttp(home.adminSocket())) {
      while (surprises.isEmpty()) {
        switch (random.nextInt(6)) {
          case 0 -> revokeAuthority(admin);
          case 1, 2 -> take(admin, Kind.SERIALS, some(home.workloadSocket(), this::serial));
          case 3, 4 -> take(admin, Kind.TOKENS, some(home.workloadSocket(), RevocationLoad::token));
          default ->
              take(admin, random.nextBoolean() ? Kind.DENIAL : Kind.ALLOWANCE, List.of(MODULE));
        }
        answers.release();
      }
    } catch (IOException e) {
      // The service was killed: what came before counts.
    }
  }

  private void take(UnixHttp admin, Kind kind, List<String> objects) throws IOException {
    if (objects.isEmpty()) {
      return;
    }
    String texts = '"' + String.join("\",\"", objects) + '"';
    asked = new Act(kind, objects);
    UnixHttp.Answer answer =
        switch (kind) {
          case SERIALS -> admin.post("/revocations", "{\"serials\":[" + texts + "]}");
          case TOKENS -> admin.post("/revocations/tokens", "{\"ids\":[" + texts + "]}");
          case AUTHORITY ->
              admin.post("/revocations", "{\"authority\":" + texts + ",\"now\":true}");
          case DENIAL -> admin.post("/revocations", "{\"module\":" + texts + "}");
          case ALLOWANCE -> admin.post("/revocations/allow", "{\"module\":" + texts + "}");
        };
    if (answer.status() == 200) {
      acknowledged.add(new Act(kind, objects));
      asked = null;
    } else {
      surprises.add(kind + " " + objects + ": " + answer.status() + " " + answer.body());
    }
  }

  /** Has another one issue first, but now and then not. */
  private void revokeAuthority(UnixHttp admin) throws IOException {
    String active = authority(admin, "active").orElseThrow();
    boolean first = random.nextInt(3) == 0;
    if (first) {
      take(admin, Kind.AUTHORITY, List.of(active));
    }
    activateAnother(admin);
    if (!first) {
      take(admin, Kind.AUTHORITY, List.of(active));
    }
  }

  /** A device CA that is prepared takes over; one is, if there is none. */
  static void activateAnother(UnixHttp admin) throws IOException {
    Optional<String> prepared = authority(admin, "prepared");
    if (prepared.isEmpty()) {
      UnixHttp.Answer made = admin.post("/authorities/prepare", "{\"authority\":\"device\"}");
      prepared = Optional.of(made.text("id"));
    }
    UnixHttp.Answer taken =
        admin.post("/authorities/" + prepared.get() + "/activate", "{\"now\":true}");
    if (taken.status() != 200) {
      throw new AssertionError(prepared.get() + ": " + taken.body());
    }
  }

  /** The device CA in that state. */
  static Optional<String> authority(UnixHttp admin, String state) throws IOException {
    for (JsonNode authority : admin.get("/authorities").json().path("items")) {
      if (authority.path("role").asText().equals("device")
          && authority.path("state").asText().equals(state)) {
        return Optional.of(authority.path("id").asText());
      }
    }
    return Optional.empty();
  }

  /** What asks as a module does. */
  private interface Asking {
    Optional<String> ask(UnixHttp connection) throws IOException;
  }

  private List<String> some(Path socket, Asking asking) throws IOException {
    List<String> some = new ArrayList<>();
    try (UnixHttp connection = new UnixHttp(socket)) {
      for (int left = 1 + random.nextInt(MOST_AT_ONCE); left > 0; left--) {
        asking.ask(connection).ifPresent(some::add);
      }
    }
    return some;
  }

  private Optional<String> serial(UnixHttp connection) throws IOException {
    UnixHttp.Answer answer = connection.post("/v1/certificates", "{\"profile\":\"server\"}");
    if (answer.status() != 201) {
      surprises.add("certificate: " + answer.status() + " " + answer.body());
      return Optional.empty();
    }
    return Optional.of(answer.text("serial"));
  }

  private static Optional<String> token(UnixHttp connection) throws IOException {
    UnixHttp.Answer answer = connection.post("/v1/tokens", "{\"audience\":[\"hub.example\"]}");
    String token = answer.text("token");
    byte[] claims =
        Base64.getUrlDecoder()
            .decode(token.substring(token.indexOf('.') + 1, token.lastIndexOf('.')));
    return Optional.of(JSON.readTree(claims).path("jti").asText());
  }

  /** Waits until so much was asked for and answered. */
  void awaitAnswers(int count) throws InterruptedException {
    if (!answers.tryAcquire(count, LONGEST_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("only " + acknowledged + " was answered; " + surprises);
    }
  }

  /** Waits until it has seen the end, and returns what was acknowledged, in its order. */
  List<Act> acknowledged() throws InterruptedException {
    if (!thread.join(Duration.ofSeconds(LONGEST_SECONDS))) {
      throw new AssertionError("the administrator still waits for a service that is gone");
    }
    return List.copyOf(acknowledged);
  }

  /** What was asked for last, if that was not acknowledged. */
  Optional<Act> open() {
    return Optional.ofNullable(asked);
  }

  /** Answers that are none of those that there may be. */
  List<String> surprises() {
    return List.copyOf(surprises);
  }
}
