package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
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
import java.util.Optional;
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
  private static final int UNAVAILABLE = 4;
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final ObjectMapper JSON = new ObjectMapper();

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
      // Keeps the file system when the service ends.
      Process keeper = null;
      Set<String> serials = new HashSet<>();
      try (RunningGateway gateway = home.serve()) {
        home.enter(gateway.pid());
        keeper = new ProcessBuilder(home.inside("cat")).start();
        Path inside = Path.of("/proc/" + keeper.pid() + "/root" + folder);
        serials.add(fetch(home).orElseThrow());
        Path filler = fill(inside);
        for (int refused = 0; refused < 2; ) {
          long start = System.nanoTime();
          Optional<String> serial = fetch(home);
          assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(PATIENCE);
          serial.ifPresent(serials::add);
          refused += serial.isEmpty() ? 1 : 0;
        }
        home.run("fetch", "identity", "--module", "own").done();
        assertThat(home.run("check").out())
            .contains("audit log", "can't be written, so nothing is issued");
        Files.delete(filler);
        Optional<String> serial = fetch(home);
        while (serial.isEmpty()) {
          serial = fetch(home);
        }
        serials.add(serial.get());
        AuditRecord record = new AuditRecord(inside);
        assertThat(record.issued()).containsAll(serials);
        assertThat(record.all(AuditEvent.Lost.class)).isNotEmpty();
        assertThat(gateway.stop()).isZero();
        record.assertClean();
      } finally {
        if (keeper != null) {
          keeper.destroyForcibly().onExit().join();
        }
      }
    }
  }

  /** The serial of a certificate; nothing if the service can't issue now. */
  private static Optional<String> fetch(GatewayHome home) throws Exception {
    Programs.Ended ended =
        home.run("-o", "json", "fetch", "certificate", "--module", "own", "--profile", "server");
    if (ended.exit() == UNAVAILABLE) {
      assertThat(ended.err() + ended.out()).contains("can't be recorded");
      return Optional.empty();
    }
    return Optional.of(JSON.readTree(ended.done()).path("serial").asText());
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
