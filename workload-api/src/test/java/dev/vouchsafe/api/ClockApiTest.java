package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.ca.clock.ClockVerdict;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What front ends say and do while the clock is not trusted. */
class ClockApiTest {
  private static final String CERTIFICATE =
      Bodies.post("/v1/certificates", "{\"profile\":\"server\",\"ttlSeconds\":86400}");
  private static final String ACCEPT = Bodies.post("/clock/accept", "{}");

  @TempDir private Path folder;
  private TestHome home;
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub", List.of("hub.example")));
    server = TestServer.start(home);
  }

  @AfterEach
  void stop() {
    server.close();
    home.close();
  }

  private JsonNode clock() throws IOException {
    Answer answer = RawClient.once(server.admin, Bodies.get("/clock"));
    assertThat(answer.status()).isEqualTo(200);
    return Bodies.read(answer.body());
  }

  private List<AuditEvent.Act> acts() {
    return home.audit.events.stream()
        .filter(AuditEvent.Act.class::isInstance)
        .map(AuditEvent.Act.class::cast)
        .toList();
  }

  @Test
  void statusMetricsAndClockSayHowItStands() throws Exception {
    assertThat(clock().path("trusted").asBoolean()).isTrue();
    assertThat(clock().path("verdict").asText()).isEqualTo("trusted");
    assertThat(clock().path("untrusted").asText()).isEqualTo("bounded");
    assertThat(clock().path("synchronised").asText()).isEqualTo("no");
    assertThat(clock().has("fault")).isFalse();
    home.clock.judge(ClockVerdict.FAR_AHEAD, false);
    home.clock.breakDisk("no space left");
    JsonNode status =
        Bodies.read(RawClient.once(server.admin, Bodies.get("/status")).body()).path("clock");
    assertThat(status).isEqualTo(clock());
    assertThat(status.path("trusted").asBoolean(true)).isFalse();
    assertThat(status.path("verdict").asText()).isEqualTo("far-ahead");
    assertThat(status.path("fault").asText()).isEqualTo("no space left");
    assertThat(RawClient.once(server.admin, Bodies.get("/metrics")).body())
        .contains("vouchsafe_clock_trusted 0.0", "vouchsafe_clock_jumps_total 3.0");
  }

  @Test
  void boundedACertificateLivesAnHour() throws Exception {
    home.clock.judge(ClockVerdict.BEHIND_FLOOR, false);
    Answer answer = RawClient.once(server.workload, CERTIFICATE);
    assertThat(answer.status()).isEqualTo(201);
    assertThat(Times.parse(answer.json("notAfter")))
        .isBeforeOrEqualTo(home.clock.instant().plus(Duration.ofHours(1)));
  }

  @Test
  void stoppedIsUnavailableWithACodeAndATimeToComeBack() throws Exception {
    home.clock.judge(ClockVerdict.BEHIND_FLOOR, true);
    for (String request :
        List.of(CERTIFICATE, Bodies.post("/v1/tokens", "{\"audience\":[\"hub.example\"]}"))) {
      Answer answer = RawClient.once(server.workload, request);
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.json("code")).isEqualTo("clock-untrusted");
      assertThat(Integer.parseInt(answer.header("retry-after"))).isPositive();
    }
    assertThat(RawClient.once(server.workload, Bodies.get("/v1/trust-bundle")).status())
        .isEqualTo(200);
    home.clock.judge(ClockVerdict.TRUSTED, true);
    assertThat(RawClient.once(server.workload, CERTIFICATE).status()).isEqualTo(201);
  }

  @Test
  void acceptIsOnRecordWithWhoAskedBeforeItIsDone() throws Exception {
    home.clock.judge(ClockVerdict.FAR_AHEAD, false);
    Answer answer = RawClient.once(server.admin, ACCEPT);
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(Bodies.read(answer.body()).path("trusted").asBoolean()).isTrue();
    assertThat(acts())
        .filteredOn(act -> act.action().equals("accept-clock"))
        .singleElement()
        .satisfies(act -> {
          assertThat(act.uid()).isEqualTo(TestHome.OWN_UID);
          assertThat(act.object()).startsWith("floor from 20");
          assertThat(act.result()).isEqualTo("done");
        });
  }

  @Test
  void whatCannotBeRecordedIsNotAccepted() throws Exception {
    home.clock.judge(ClockVerdict.FAR_AHEAD, false);
    home.audit.fault = "disk full";
    Answer answer = RawClient.once(server.admin, ACCEPT);
    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.json("code")).isEqualTo("audit-unavailable");
    assertThat(clock().path("trusted").asBoolean(true)).isFalse();
  }

  @Test
  void aClockBehindTheBuildOrAFloorThatCannotBeKeptIsToldAndOnRecord() throws Exception {
    home.clock.judge(ClockVerdict.BEHIND_BUILD, false);
    Answer impossible = RawClient.once(server.admin, ACCEPT);
    assertThat(impossible.status()).isEqualTo(409);
    assertThat(impossible.json("code")).isEqualTo("clock-behind-build");
    home.clock.judge(ClockVerdict.BEHIND_FLOOR, false);
    home.clock.breakDisk("read-only file system");
    Answer notKept = RawClient.once(server.admin, ACCEPT);
    assertThat(notKept.status()).isEqualTo(503);
    assertThat(notKept.json("code")).isEqualTo("clock-not-kept");
    assertThat(clock().path("trusted").asBoolean(true)).isFalse();
    assertThat(acts())
        .filteredOn(act -> act.action().equals("accept-clock"))
        .extracting(AuditEvent.Act::result)
        .containsExactly("done", "clock-behind-build", "done", "clock-not-kept");
  }

  @Test
  void acceptTakesNoMembersNoOtherMethodAndComesByTheAdministratorsSocketOnly() throws Exception {
    assertThat(
            RawClient.once(server.admin, Bodies.post("/clock/accept", "{\"time\":\"x\"}")).status())
        .isEqualTo(400);
    assertThat(RawClient.once(server.admin, Bodies.get("/clock/accept")).status()).isEqualTo(405);
    assertThat(RawClient.once(server.admin, Bodies.post("/clock", "{}")).status()).isEqualTo(405);
    assertThat(RawClient.once(server.workload, ACCEPT).status()).isIn(400, 404);
    assertThat(RawClient.once(server.workload, Bodies.get("/clock")).status()).isIn(400, 404);
  }

  @Test
  void everyChangeIsOnRecord() {
    home.clock.judge(ClockVerdict.BEHIND_FLOOR, false);
    home.clock.judge(ClockVerdict.TRUSTED, false);
    assertThat(acts())
        .extracting(AuditEvent.Act::action, AuditEvent.Act::uid, AuditEvent.Act::result)
        .containsExactly(
            tuple("clock-untrusted", -1L, "behind-floor"), tuple("clock-trusted", -1L, "trusted"));
  }
}
