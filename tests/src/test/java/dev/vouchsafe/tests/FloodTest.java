package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * One user who takes all connections gets an answer to each, and keeps nobody else out for long.
 */
class FloodTest {
  private static final int LIMIT = 8;
  private static final int CONNECTIONS = 40;

  @Test
  void connectionsOverTheLimitAreAnsweredAndNotDropped() throws Exception {
    try (GatewayHome home = GatewayHome.empty("[limits]\nper-uid = " + LIMIT + "\n")) {
      home.init();
      try (RunningGateway gateway = home.serve()) {
        List<UnixHttp> connections = new ArrayList<>();
        List<Integer> statuses = new ArrayList<>();
        for (int i = 0; i < CONNECTIONS; i++) {
          UnixHttp connection = gateway.connect();
          connections.add(connection);
          UnixHttp.Answer answer = connection.get("/v1/trust-bundle");
          statuses.add(answer.status());
          if (answer.status() == 429) {
            assertThat(answer.header("retry-after")).matches("[1-9][0-9]*");
          }
        }
        assertThat(statuses.subList(0, LIMIT)).containsOnly(200);
        assertThat(statuses.subList(LIMIT, CONNECTIONS)).containsOnly(429);
        for (UnixHttp connection : connections) {
          connection.close();
        }
        awaitServed(gateway);
      }
    }
  }

  /** The server learns of the ends in its own time, each look a new connection. */
  private static void awaitServed(RunningGateway gateway) throws Exception {
    int status = 0;
    for (int tries = 0; status != 200 && tries < 1000; tries++) {
      try (UnixHttp connection = gateway.connect()) {
        status = connection.get("/v1/trust-bundle").status();
      }
    }
    assertThat(status).isEqualTo(200);
  }
}
