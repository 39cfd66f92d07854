package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.audit.AuditEvent.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a monitoring system reads, and that a caller can't make it grow. */
class MetricsTest {
  private static final Pattern SAMPLE =
      Pattern.compile("([a-z_]+(?:\\{[a-z_]+=\"[^\"\\n]*\"(?:,[a-z_]+=\"[^\"\\n]*\")*})?) (\\S+)");
  private static final String CERTIFICATE =
      Bodies.post("/v1/certificates?module=edgeHub", "{\"profile\":\"server\"}");

  @TempDir private Path folder;
  private TestHome home;
  private FakeAttestor attestor;
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub", List.of("hub.example")));
    attestor = new FakeAttestor();
    server = TestServer.start(home, home.with(attestor, new FakeAuthority(home.authority)));
  }

  @AfterEach
  void stop() {
    server.close();
    home.close();
  }

  /** Every sample, by its name and labels; each line is one, or a comment. */
  private Map<String, Double> samples() throws IOException {
    RawClient.Answer answer = RawClient.once(server.admin, Bodies.get("/metrics"));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("content-type")).startsWith("text/plain; version=0.0.4");
    Map<String, Double> samples = new HashMap<>();
    for (String line : answer.body().lines().toList()) {
      if (!line.startsWith("# HELP ") && !line.startsWith("# TYPE ")) {
        Matcher matcher = SAMPLE.matcher(line);
        assertThat(matcher.matches()).as(line).isTrue();
        assertThat(samples.put(matcher.group(1), Double.valueOf(matcher.group(2)))).isNull();
      }
    }
    return samples;
  }

  @Test
  void requestsDecisionsAndWhatWasIssuedAreCounted() throws Exception {
    assertThat(RawClient.once(server.workload, CERTIFICATE).status()).isEqualTo(201);
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    assertThat(RawClient.once(server.workload, CERTIFICATE).status()).isEqualTo(403);
    home.audit.fault = "No space left on device";
    attestor.measure = new FakeAttestor().measure;
    assertThat(RawClient.once(server.workload, CERTIFICATE).status()).isEqualTo(503);
    assertThat(samples())
        .containsEntry("vouchsafe_requests_total{operation=\"certificate\",outcome=\"ok\"}", 1.0)
        .containsEntry(
            "vouchsafe_requests_total{operation=\"certificate\",outcome=\"refused\"}", 1.0)
        .containsEntry(
            "vouchsafe_requests_total{operation=\"certificate\",outcome=\"unavailable\"}", 1.0)
        .containsEntry("vouchsafe_decisions_total{outcome=\"issued\",reason=\"ok\"}", 1.0)
        .containsEntry(
            "vouchsafe_decisions_total{outcome=\"refused\",reason=\"selector-mismatch\"}", 1.0)
        .containsEntry(
            "vouchsafe_decisions_total{outcome=\"unavailable\",reason=\"audit-unavailable\"}", 1.0)
        .containsEntry("vouchsafe_issued_total{kind=\"certificate\"}", 1.0)
        .containsEntry("vouchsafe_issued_total{kind=\"token\"}", 0.0)
        .containsEntry("vouchsafe_audit_writable", 0.0);
  }

  @Test
  void aBadRegistrationFileShowsAndGoesAgain() throws Exception {
    assertThat(samples())
        .containsEntry("vouchsafe_registrations", 1.0)
        .containsEntry("vouchsafe_registration_files_bad", 0.0);
    Path bad = home.registrationFolder.resolve("bad.toml");
    Files.writeString(bad, "[[module]]\nname = 3\n");
    assertThat(samples())
        .containsEntry("vouchsafe_registrations", 1.0)
        .containsEntry("vouchsafe_registration_files_bad", 1.0);
    Files.delete(bad);
    assertThat(samples()).containsEntry("vouchsafe_registration_files_bad", 0.0);
  }

  @Test
  void howThePartsStandIsShown() throws Exception {
    Map<String, Double> samples = samples();
    assertThat(samples)
        .containsEntry("vouchsafe_key_store_up{store=\"software\"}", 1.0)
        .containsEntry("vouchsafe_audit_writable", 1.0)
        .containsEntry("vouchsafe_requests_in_line", 0.0)
        .containsEntry("vouchsafe_requests_under_way", 0.0)
        .containsEntry("vouchsafe_connections", 1.0)
        .containsEntry("vouchsafe_audit_lost_total", 0.0)
        .containsKeys("vouchsafe_audit_entries_total", "vouchsafe_audit_trimmed_total");
    assertThat(samples.keySet()).anyMatch(name -> name.startsWith("vouchsafe_build_info{"));
  }

  @Test
  void whatCallersMakeUpMakesNoLabel() throws Exception {
    int before = samples().size();
    for (int i = 0; i < 50; i++) {
      assertThat(
              RawClient.once(server.workload, Bodies.get("/v1/identity?module=made-up-" + i))
                  .status())
          .isEqualTo(403);
      assertThat(RawClient.once(server.workload, Bodies.get("/v1/made-up-" + i)).status())
          .isEqualTo(404);
    }
    assertThat(samples().size()).isEqualTo(before + 1);
    Metrics metrics = new Metrics();
    for (int i = 0; i < 1000; i++) {
      metrics.decided(Outcome.REFUSED, "reason-" + i);
    }
    String page = new String(metrics.page().body(), StandardCharsets.UTF_8);
    assertThat(page.lines().filter(line -> line.startsWith("vouchsafe_decisions_total")))
        .hasSizeLessThan(210)
        .anyMatch(line -> line.contains("reason=\"other\"} 800"));
  }

  @Test
  void onlyTheAdministratorsSocketHasIt() throws Exception {
    assertThat(RawClient.once(server.workload, Bodies.get("/metrics")).status()).isNotEqualTo(200);
    assertThat(RawClient.once(server.admin, Bodies.post("/metrics", "{}")).status()).isEqualTo(405);
  }
}
