package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerGap;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backups and gaps as administrators ask for them. */
class RecoveryApiTest {
  private static final LedgerGap OPEN =
      new LedgerGap(
          "ab",
          Instant.EPOCH,
          Instant.EPOCH.plusSeconds(60),
          Instant.EPOCH.plusSeconds(3600),
          Optional.empty(),
          Optional.empty());

  @TempDir private Path folder;

  @Test
  void aBackupIsMadeAndAGapAcceptedByPostOnlyAndWithoutMembers() throws Exception {
    try (TestHome home = TestHome.in(folder)) {
      FakeAuthority authority = new FakeAuthority(home.authority);
      authority.gaps = List.of(OPEN);
      try (TestServer server = TestServer.start(home, home.with(home.attestor, authority))) {
        Answer made = RawClient.once(server.admin, Bodies.post("/backup", "{}"));
        assertThat(made.status()).isEqualTo(201);
        assertThat(made.json("file")).isEqualTo("/b.zip");
        assertThat(made.body()).contains("\"lacks\":[\"the key\"]");
        assertThat(RawClient.once(server.admin, Bodies.get("/backup")).status()).isEqualTo(405);
        assertThat(RawClient.once(server.admin, Bodies.get("/gap/accept")).status()).isEqualTo(405);
        assertThat(RawClient.once(server.admin, Bodies.post("/backup", "{\"a\":1}")).status())
            .isEqualTo(400);
        assertThat(RawClient.once(server.workload, Bodies.post("/backup", "{}")).status())
            .isIn(400, 404);
        assertThat(RawClient.once(server.workload, Bodies.post("/gap/accept", "{}")).status())
            .isIn(400, 404);
        String status = RawClient.once(server.admin, Bodies.get("/status")).body();
        assertThat(status).contains("\"gaps\":[{\"backup\":\"ab\"", "\"open\":true");
        Answer accepted = RawClient.once(server.admin, Bodies.post("/gap/accept", "{}"));
        assertThat(accepted.status()).isEqualTo(200);
        assertThat(accepted.json("authority")).startsWith("device-");
        authority.noStep =
            new IssuanceException(Reason.KEY_STORE_UNAVAILABLE, "the root is in its drawer");
        Answer away = RawClient.once(server.admin, Bodies.post("/gap/accept", "{}"));
        assertThat(away.status()).isEqualTo(503);
        assertThat(away.body()).contains("the root is in its drawer");
      }
    }
  }

  @Test
  void whatWasAcceptedInTheRestoreIsDoneAtTheStartAndOtherwiseNot() throws Exception {
    try (TestHome home = TestHome.in(folder)) {
      FakeAuthority authority = new FakeAuthority(home.authority);
      authority.gaps = List.of(OPEN);
      try (TestServer server = TestServer.start(home, home.with(home.attestor, authority))) {
        assertThat(RawClient.once(server.admin, Bodies.get("/status")).status()).isEqualTo(200);
      }
      assertThat(authority.steps).isEmpty();
      authority.gaps =
          List.of(
              new LedgerGap(
                  OPEN.backup(),
                  OPEN.known(),
                  OPEN.restored(),
                  OPEN.latestEnd(),
                  Optional.of(Instant.EPOCH),
                  Optional.empty()));
      try (TestServer _ = TestServer.start(home, home.with(home.attestor, authority))) {
        Wait.until("the gap is accepted", () -> authority.steps.contains("accept the gap, as -1"));
      }
    }
  }
}
