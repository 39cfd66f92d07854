package dev.vouchsafe.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.TokenRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code POST /v1/tokens}. */
class TokensTest {
  private static final String TOKENS = "/v1/tokens?module=edgeHub";
  private static final String HUB = "{\"audience\":[\"hub.example\"]}";

  @TempDir private static Path folder;
  private static TestHome home;
  private FakeAttestor attestor;
  private FakeAuthority authority;
  private TestServer server;

  @BeforeAll
  static void makeHome() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub", List.of("hub.example", "other.example")));
    home.add(TestHome.own("second"));
  }

  @AfterAll
  static void closeHome() {
    home.close();
  }

  @BeforeEach
  void start() throws IOException {
    attestor = new FakeAttestor();
    authority = new FakeAuthority(home.authority);
    server = TestServer.start(home, home.with(attestor, authority));
  }

  @AfterEach
  void stop() {
    server.close();
    assertThat(attestor.open).as("every caller was closed").hasValue(0);
  }

  private Answer post(String target, String body) throws IOException {
    return RawClient.once(server.workload, Bodies.post(target, body));
  }

  private static void assertProblem(Answer answer, int status, String code) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
    assertThat(answer.json("code")).isEqualTo(code);
  }

  @Test
  void aTokenComesWithItsTimes() throws Exception {
    Answer answer = post(TOKENS, "{\"audience\":[\"hub.example\"],\"ttlSeconds\":60}");

    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 201 Created");
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    assertThat(answer.header("cache-control")).isEqualTo("no-store");
    JsonNode body = Bodies.read(answer.body());
    assertThat(body.fieldNames()).toIterable().containsExactly("token", "expiresAt", "renewAfter");
    String time = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ";
    assertThat(body.path("expiresAt").asText()).matches(time);
    assertThat(body.path("renewAfter").asText()).matches(time);
    Instant now = home.clock.instant();
    assertThat(Instant.parse(body.path("expiresAt").asText()))
        .isBetween(now.plusSeconds(58), now.plusSeconds(61));
    assertThat(Instant.parse(body.path("renewAfter").asText())).isBetween(now, now.plusSeconds(59));
    String[] parts = body.path("token").asText().split("\\.", -1);
    assertThat(parts).hasSize(3);
    JsonNode claims = Bodies.read(new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8));
    assertThat(claims.path("sub").asText()).isEqualTo("spiffe://gw.example/edgeHub");
    assertThat(claims.path("exp").asLong())
        .isEqualTo(Instant.parse(body.path("expiresAt").asText()).getEpochSecond());
    JsonNode head = Bodies.read(new String(Base64.getUrlDecoder().decode(parts[0]), UTF_8));
    assertThat(Bodies.read(home.authority.tokens().jwks()).path("keys"))
        .extracting(key -> key.path("kid").asText())
        .contains(head.path("kid").asText());
    assertThat(authority.tokens.requests)
        .containsExactly(
            new TokenRequest(List.of("hub.example"), Optional.of(Duration.ofSeconds(60))));
    assertThat(authority.tokens.grants.getFirst().module()).isEqualTo("edgeHub");
    assertThat(authority.tokens.grants.getFirst().audiences())
        .containsExactly("hub.example", "other.example");
    assertThat(authority.tokens.grants.getFirst().spiffeId())
        .hasValue("spiffe://gw.example/edgeHub");
  }

  @Test
  void anAudienceThatIsNotGrantedIsRefused() throws Exception {
    assertProblem(
        post(TOKENS, "{\"audience\":[\"hub.example\",\"evil.example\"]}"),
        403,
        "audience-not-granted");
    assertProblem(post("/v1/tokens?module=second", HUB), 403, "audience-not-granted");
  }

  @Test
  void severalRegistrationsAreListedAndOneCanBeChosen() throws Exception {
    Answer several = post("/v1/tokens", HUB);
    assertProblem(several, 409, "several-registrations");
    assertThat(Bodies.read(several.body()).path("modules"))
        .extracting(name -> name.asText())
        .containsExactly("edgeHub", "second");
    assertProblem(post("/v1/tokens?module=nobody", HUB), 403, "caller-refused");
    assertThat(authority.tokens.requests).isEmpty();
  }

  @Test
  void aCallerThatChangedBeforeTheAnswerGetsNoToken() throws Exception {
    attestor.confirm = verdict -> FakeAttestor.refused();
    Answer refused = post(TOKENS, HUB);
    assertProblem(refused, 403, "caller-refused");
    attestor.confirm = verdict -> FakeAttestor.unavailable();
    Answer unavailable = post(TOKENS, HUB);
    assertProblem(unavailable, 503, "attestation-unavailable");
    assertThat(authority.tokens.requests).hasSize(2);
    assertThat(refused.body() + unavailable.body()).doesNotContain("token\"", "eyJ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}|audience",
        "{\"audience\":[]}|audience",
        "{\"audience\":null}|audience",
        "{\"audience\":\"hub.example\"}|audience",
        "{\"audience\":[1]}|audience",
        "{\"audience\":[\"\"]}|audience",
        "{\"audience\":[[\"a\"]]}|audience",
        "{\"audience\":[\"a\"],\"audience\":[\"b\"]}|audience",
        "{\"audience\":[\"a\"],\"ttlSeconds\":0}|ttlSeconds",
        "{\"audience\":[\"a\"],\"ttlSeconds\":-1}|ttlSeconds",
        "{\"audience\":[\"a\"],\"ttlSeconds\":\"60\"}|ttlSeconds",
        "{\"audience\":[\"a\"],\"ttl\":60}|ttl",
        "{\"audience\":[\"a\"],\"sub\":\"root\"}|sub",
      })
  void aBadFieldIsNamed(String body, String field) throws Exception {
    Answer answer = post(TOKENS, body);
    assertProblem(answer, 400, "request-invalid");
    assertThat(answer.json("detail")).startsWith(field + ":");
    assertThat(authority.tokens.requests).isEmpty();
  }

  @Test
  void tooManyAudiencesAreRefused() throws Exception {
    Answer answer = post(TOKENS, "{\"audience\":[" + "\"a\",".repeat(16) + "\"a\"]}");
    assertProblem(answer, 400, "request-invalid");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "x", "[]", "null", "{\"audience\":[\"a\"]", "{\"audience\":[\"a\"]}{}"})
  void whatIsNoJsonObjectIsRefused(String body) throws Exception {
    assertProblem(post(TOKENS, body), 400, "request-invalid");
  }

  @Test
  void aLifetimeOfAnySizeReachesTheIssuerWhichShortensIt() throws Exception {
    post(TOKENS, "{\"audience\":[\"hub.example\"],\"ttlSeconds\":99999999999999999999999}");
    assertThat(authority.tokens.requests.getFirst().ttl()).hasValue(Duration.ofDays(36_500));
  }

  @ParameterizedTest
  @EnumSource(IssuanceException.Reason.class)
  void whyNothingWasIssuedIsSaidByItsCode(IssuanceException.Reason reason) throws Exception {
    authority.tokens.broken = reason;
    Answer answer = post(TOKENS, HUB);
    int status =
        switch (reason.kind()) {
          case INVALID -> 400;
          case REFUSED -> 403;
          case LIMITED -> 429;
          case UNAVAILABLE -> 503;
          case FAILED -> 500;
        };
    assertProblem(answer, status, reason.code());
    assertThat(answer.headers().containsKey("retry-after"))
        .isEqualTo(status == 503 || status == 429);
    assertThat(answer.body().contains("said of")).isEqualTo(status < 500);
  }

  @Test
  void otherMethodsAndTypesAreRefused() throws Exception {
    Answer get = RawClient.once(server.workload, Bodies.get(TOKENS));
    assertProblem(get, 405, "method-not-allowed");
    assertThat(get.header("allow")).isEqualTo("POST");
    assertProblem(
        RawClient.once(
            server.workload,
            "POST /v1/tokens HTTP/1.1\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\n{}"),
        415,
        "unsupported-media-type");
  }
}
