package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.audit.AuditEvent.Decision;
import dev.vouchsafe.audit.AuditEvent.Outcome;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the service as it ships has on record of what it did. */
@Timeout(300)
class AuditRecordTest {
  private static final int ISSUED = 201;
  private static final String PATH = "/v1/certificates?module=";
  private static final String BODY = "{\"profile\":\"server\"}";
  private static final int MANY = 3000;

  /** Entries of one user's refusals that the log takes whole in an hour. */
  private static final int BUDGET = 100;

  private static GatewayHome home() throws IOException, InterruptedException {
    GatewayHome home = GatewayHome.initialised();
    home.addModule("own", "--profile", "server", "--dns", "own.example");
    home.run(
            "module",
            "add",
            "other",
            "--selector",
            "unix:uid:4000000",
            "--profile",
            "server",
            "--dns",
            "other.example")
        .done();
    return home;
  }

  @Test
  void whatWasIssuedRefusedRemovedAndRevealedIsOnRecordAndVerifies() throws Exception {
    try (GatewayHome home = home()) {
      String serial;
      try (RunningGateway gateway = home.serve();
          UnixHttp connection = gateway.connect()) {
        UnixHttp.Answer issued = connection.post(PATH + "own", BODY);
        assertThat(issued.status()).isEqualTo(ISSUED);
        serial = issued.text("serial");
        assertThat(connection.post(PATH + "other", BODY).status()).isEqualTo(403);
        home.run("module", "key", "own").done();
        home.run("module", "remove", "own").done();
        assertThat(connection.post(PATH + "own", BODY).status()).isEqualTo(403);
        assertThat(gateway.stop()).isZero();
      }
      AuditRecord record = AuditRecord.of(home);
      record.assertClean();
      List<Decision> decisions = record.all(Decision.class);
      assertThat(decisions).hasSize(3);
      Decision issued = decisions.get(0);
      assertThat(issued.outcome()).isEqualTo(Outcome.ISSUED);
      assertThat(issued.certificates()).containsExactly(serial);
      assertThat(issued.process().pid()).isEqualTo((int) ProcessHandle.current().pid());
      assertThat(issued.process().executable())
          .contains(Path.of("/proc/self/exe").toRealPath().toString());
      Decision refused = decisions.get(1);
      assertThat(refused.outcome()).isEqualTo(Outcome.REFUSED);
      assertThat(refused.asked().module()).isEqualTo("other");
      assertThat(refused.selectors())
          .singleElement()
          .satisfies(it -> {
            assertThat(it.wanted()).isEqualTo("unix:uid:4000000");
            assertThat(it.measured()).contains(Long.toString(GatewayHome.uid()));
            assertThat(it.match()).isEqualTo("no");
          });
      assertThat(decisions.get(2).reason()).isEqualTo("not-registered");
      assertThat(record.all(AuditEvent.Registrations.class).getLast().removed())
          .containsExactly("own");
      assertThat(record.all(AuditEvent.Act.class))
          .anyMatch(act -> act.action().startsWith("reveal-") && act.object().equals("own"));
      assertThat(record.events().getFirst()).isInstanceOf(AuditEvent.Started.class);
      assertThat(record.all(AuditEvent.Stopped.class)).hasSize(1);
    }
  }

  @Test
  void aFloodOfRefusalsStaysWithinItsBudgetAndWhatIsIssuedIsAllThere() throws Exception {
    try (GatewayHome home = home()) {
      Set<String> serials = new HashSet<>();
      try (RunningGateway gateway = home.serve();
          UnixHttp connection = gateway.connect()) {
        for (int i = 0; i < MANY; i++) {
          String name = i % 3 == 0 ? "other" : "made-up-" + i;
          assertThat(connection.post(PATH + name, BODY).status()).isEqualTo(403);
          if (i % 100 == 0) {
            serials.add(connection.post(PATH + "own", BODY).text("serial"));
          }
        }
        assertThat(gateway.stop()).isZero();
      }
      AuditRecord record = AuditRecord.of(home);
      record.assertClean();
      assertThat(record.issued()).isEqualTo(serials).hasSize(MANY / 100);
      long refused =
          record.all(Decision.class).stream().filter(it -> it.outcome() == Outcome.REFUSED).count();
      assertThat(refused).isBetween(3L, (long) BUDGET);
      long counted =
          record.all(AuditEvent.Refusals.class).stream()
              .mapToLong(
                  it -> it.others() + it.alike().stream().mapToLong(AuditEvent.Alike::count).sum())
              .sum();
      assertThat(refused + counted).as("none is forgotten").isEqualTo(MANY);
    }
  }

  /** The log lies on a file system of its own, which others fill. */
  @Test
  void aFullDiskStopsIssuingAtOnceAndNothingElseAndItGoesOnWhenThereIsSpace() throws Exception {
    try (GatewayHome home = home()) {
      Path folder = Files.createDirectory(home.data().resolve("audit"));
      home.mountSmall(folder);
      Set<String> serials = new HashSet<>();
      AuditRecord record;
      try (RunningGateway gateway = home.serve();
          UnixHttp connection = gateway.connect()) {
        Path inside = Path.of("/proc/" + gateway.pid() + "/root" + folder);
        record = new AuditRecord(inside);
        serials.add(connection.post(PATH + "own", BODY).text("serial"));
        Path filler = fill(inside);
        int refusals = 0;
        while (true) {
          long start = System.nanoTime();
          UnixHttp.Answer answer = connection.post(PATH + "own", BODY);
          assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(8));
          if (answer.status() != ISSUED) {
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.text("code")).isEqualTo("audit-unavailable");
            if (++refusals == 3) {
              break;
            }
          } else {
            serials.add(answer.text("serial"));
          }
        }
        assertThat(connection.get("/v1/identity?module=own").status()).isEqualTo(200);
        assertThat(home.run("check").out())
            .contains("audit log", "can't be written, so nothing is issued");
        Files.delete(filler);
        UnixHttp.Answer answer = connection.post(PATH + "own", BODY);
        while (answer.status() != ISSUED) {
          assertThat(answer.status()).isEqualTo(503);
          answer = connection.post(PATH + "own", BODY);
        }
        serials.add(answer.text("serial"));
        assertThat(record.issued()).containsAll(serials);
        assertThat(record.all(AuditEvent.Lost.class)).isNotEmpty();
        record.assertClean();
      }
    }
  }

  private static Path fill(Path folder) throws IOException {
    Path filler = folder.resolve("filler");
    for (int size = 4096; size > 0; size = size / 2) {
      try (OutputStream out =
          Files.newOutputStream(filler, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
        while (true) {
          out.write(new byte[size]);
        }
      } catch (IOException full) {
        assertThat(full).hasMessageContaining("No space");
      }
    }
    return filler;
  }
}
