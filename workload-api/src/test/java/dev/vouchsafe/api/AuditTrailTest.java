package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.attestation.SelectorResult;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.audit.AuditEvent.Decision;
import dev.vouchsafe.audit.AuditEvent.Outcome;
import dev.vouchsafe.audit.AuditUnavailableException;
import dev.vouchsafe.ca.AuthorityChanges;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedCertificate;
import dev.vouchsafe.ca.LedgerEntry;
import dev.vouchsafe.ca.RotationEvent;
import dev.vouchsafe.ca.RotationStep;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the log is told of each request, and what becomes of one that it can't be told of. */
class AuditTrailTest {
  private static final String CERTIFICATE =
      Bodies.post("/v1/certificates?module=edgeHub", "{\"profile\":\"server\"}");
  private static final String TOKEN =
      Bodies.post("/v1/tokens?module=edgeHub", "{\"audience\":[\"hub.example\"]}");
  private static final String IDENTITY = Bodies.get("/v1/identity?module=edgeHub");
  private static final String IOT =
      Bodies.post("/modules/edgeHub/certificate/identity?api-version=2018-06-28", "{}");
  private static final String SIGN =
      Bodies.post(
          "/modules/edgeHub/genid/1/sign?api-version=2018-06-28",
          "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"AAAA\"}");

  @TempDir private Path folder;
  private TestHome home;
  private FakeAttestor attestor;
  private FakeAuthority authority;
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub", List.of("hub.example")));
    attestor = new FakeAttestor();
    authority = new FakeAuthority(home.authority);
    server = TestServer.start(home, home.with(attestor, authority));
  }

  @AfterEach
  void stop() {
    server.close();
    home.close();
  }

  private Answer once(String request) throws IOException {
    return RawClient.once(server.workload, request);
  }

  private Decision only() {
    assertThat(home.audit.decisions()).hasSize(1);
    return home.audit.decisions().getFirst();
  }

  @Test
  void aCertificateIsOnRecordWithItsSerialItsExpiryAndWhoAskedForIt() throws Exception {
    Answer answer = once(CERTIFICATE);
    assertThat(answer.status()).isEqualTo(201);
    Decision decision = only();
    assertThat(decision.outcome()).isEqualTo(Outcome.ISSUED);
    assertThat(decision.certificates()).containsExactly(answer.json("serial"));
    assertThat(decision.expires().orElseThrow()).hasToString(answer.json("notAfter"));
    assertThat(decision.asked())
        .isEqualTo(new AuditEvent.Asked("edgeHub", "1", "certificate", "unix"));
    assertThat(decision.process().pid()).isEqualTo(1);
    assertThat(decision.process().uid()).isZero();
    assertThat(decision.selectors()).isNotEmpty().allMatch(each -> each.match().equals("yes"));
    assertThat(decision.tokens()).isEmpty();
  }

  @Test
  void whatIsOnRecordOfARealCallerIsItsExecutableItsControlGroupAndItsGroups() throws Exception {
    server.close();
    server = TestServer.start(home, home.with(home.attestor, authority));
    assertThat(once(CERTIFICATE).status()).isEqualTo(201);
    AuditEvent.Who who = only().process();
    Path own = Path.of("/proc/self");
    assertThat(who.executable()).contains(own.resolve("exe").toRealPath().toString());
    assertThat(Files.readString(own.resolve("cgroup"))).contains(who.cgroup().orElseThrow());
    String groups =
        Files.readAllLines(own.resolve("status")).stream()
            .filter(line -> line.startsWith("Groups:"))
            .findFirst()
            .orElseThrow();
    for (long group : who.groups()) {
      assertThat(groups.substring("Groups:".length()).strip().split(" "))
          .contains(Long.toString(group));
    }
  }

  @Test
  void aTokenIsOnRecordByItsIdAndNeverItself() throws Exception {
    Answer answer = once(TOKEN);
    assertThat(answer.status()).isEqualTo(201);
    Decision decision = only();
    assertThat(decision.tokens()).hasSize(1);
    assertThat(decision.expires().orElseThrow()).hasToString(answer.json("expiresAt"));
    assertThat(decision.asked().operation()).isEqualTo("token");
    String token = answer.json("token");
    assertThat(
            new String(
                Base64.getUrlDecoder().decode(token.split("\\.", 3)[1]), StandardCharsets.UTF_8))
        .contains("\"" + decision.tokens().getFirst() + "\"");
    assertThat(home.audit.events.toString()).doesNotContain(token.split("\\.", 3)[2]);
  }

  @Test
  void aRefusalIsOnRecordWithWhatWasMeasuredThoughTheCallerLearnsNothing() throws Exception {
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    assertThat(once(CERTIFICATE).status()).isEqualTo(403);
    Decision decision = only();
    assertThat(decision.outcome()).isEqualTo(Outcome.REFUSED);
    assertThat(decision.reason()).isEqualTo("selector-mismatch");
    assertThat(decision.asked().module()).isEqualTo("edgeHub");
    assertThat(decision.certificates()).isEmpty();
  }

  @Test
  void everyWayToBeRefusedOrToGetNoAnswerNowIsOnRecord() throws Exception {
    assertThat(once(Bodies.get("/v1/identity?module=nobody%0a")).status()).isEqualTo(403);
    assertThat(once(SIGN.replace("genid/1", "genid/2")).status()).isEqualTo(403);
    attestor.measure = (caller, registration) -> FakeAttestor.unavailable();
    assertThat(once(Bodies.get("/v1/identity")).status()).isEqualTo(503);
    assertThat(once(SIGN).status()).isEqualTo(503);
    attestor.measure = (caller, registration) -> FakeAttestor.refused();
    assertThat(once(Bodies.get("/modules?api-version=2018-06-28")).status()).isEqualTo(403);
    attestor.unknown = true;
    assertThat(once(IDENTITY).status()).isEqualTo(503);
    assertThat(home.audit.decisions())
        .extracting(each -> each.outcome().text() + " " + each.reason())
        .containsExactly(
            "refused not-registered",
            "refused generation-mismatch",
            "unavailable measurement-timeout",
            "unavailable measurement-timeout",
            "refused not-registered",
            "unavailable caller-unknown");
    assertThat(home.audit.decisions().getFirst().asked().module()).isEqualTo("nobody%0a");
    assertThat(home.audit.counts).isEmpty();
  }

  @Test
  void signingAndLookingAreCountedAndNotRecordedOneByOne() throws Exception {
    for (int i = 0; i < 3; i++) {
      assertThat(once(SIGN).status()).isEqualTo(200);
    }
    assertThat(once(IDENTITY).status()).isEqualTo(200);
    assertThat(home.audit.decisions()).isEmpty();
    assertThat(home.audit.counts)
        .containsEntry("edgeHub sign", 3)
        .containsEntry("edgeHub identity", 1);
  }

  @Test
  void nothingIsHandedOutThatCanNotBeRecorded() throws Exception {
    home.audit.fault = "No space left on device";
    for (String request : List.of(CERTIFICATE, TOKEN)) {
      Answer answer = once(request);
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.json("code")).isEqualTo("audit-unavailable");
      assertThat(answer.header("retry-after")).matches("[1-9][0-9]*");
      assertThat(answer.body()).doesNotContain("BEGIN", "space", "\"token\"");
    }
    assertThat(once(IOT).statusLine()).isEqualTo("HTTP/1.1 503 ServiceUnavailable");
    assertThat(authority.withheld).hasSize(2);
    assertThat(home.authority.certificate(authority.withheld.iterator().next()))
        .map(LedgerEntry::state)
        .hasValue(LedgerEntry.State.WITHHELD);
    assertThat(once(SIGN).status()).as("only counted").isEqualTo(200);
    home.audit.fault = "";
    assertThat(once(CERTIFICATE).status()).as("goes on").isEqualTo(201);
  }

  @Test
  void theAnswerWaitsForTheDiskAndTheLastLookComesAfterIt() throws Exception {
    home.audit.slow = true;
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(CERTIFICATE);
      Wait.until("it waits for the disk", () -> home.audit.held.size() == 1);
      attestor.confirm = verdict -> FakeAttestor.refused();
      home.audit.held.getFirst().complete(null);
      assertThat(client.answer().status()).isEqualTo(403);
    }
    List<Decision> decisions = home.audit.decisions();
    assertThat(decisions)
        .extracting(Decision::outcome)
        .containsExactly(Outcome.ISSUED, Outcome.REFUSED);
    assertThat(decisions.get(1).certificates()).isEqualTo(decisions.get(0).certificates());
    assertThat(authority.withheld).containsExactlyElementsOf(decisions.get(0).certificates());
  }

  @Test
  void aDiskThatFailsLaterWithholdsWhatWaitedForIt() throws Exception {
    home.audit.slow = true;
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(CERTIFICATE);
      Wait.until("it waits for the disk", () -> home.audit.held.size() == 1);
      home.audit.held.getFirst().completeExceptionally(new AuditUnavailableException("I/O error"));
      assertThat(client.answer().json("code")).isEqualTo("audit-unavailable");
    }
    assertThat(authority.withheld).hasSize(1);
  }

  @Test
  void aTokenIsRecordedAndDoesNotWaitForTheDisk() throws Exception {
    home.audit.slow = true;
    assertThat(once(TOKEN).status()).isEqualTo(201);
    assertThat(home.audit.held).isEmpty();
    assertThat(home.audit.decisions())
        .singleElement()
        .satisfies(d -> assertThat(d.tokens()).hasSize(1));
  }

  @Test
  void aCertificateWhoseCallerHungUpIsTakenBackOnRecord() throws Exception {
    home.audit.slow = true;
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(CERTIFICATE);
      Wait.until("it waits for the disk", () -> home.audit.held.size() == 1);
    }
    home.audit.held.getFirst().complete(null);
    Wait.until("it was taken back", () -> home.audit.decisions().size() == 2);
    assertThat(home.audit.decisions().get(1).certificates())
        .isEqualTo(home.audit.decisions().get(0).certificates());
  }

  /** A fault of our own at the last look, which says nothing of what was issued. */
  @Test
  void whatAnUnexpectedErrorKeepsHereIsTakenBackOnRecord() throws Exception {
    attestor.confirm =
        verdict -> {
          throw new IllegalStateException("as the test wants");
        };
    for (String request : List.of(CERTIFICATE, TOKEN)) {
      home.audit.events.clear();
      assertThat(once(request).status()).isEqualTo(500);
      Wait.until("it was taken back", () -> home.audit.decisions().size() == 2);
      Decision issued = home.audit.decisions().get(0);
      Decision back = home.audit.decisions().get(1);
      assertThat(issued.outcome()).isEqualTo(Outcome.ISSUED);
      assertThat(back.outcome()).isEqualTo(Outcome.UNAVAILABLE);
      assertThat(back.reason()).isEqualTo("not-delivered");
      assertThat(back.certificates()).isEqualTo(issued.certificates());
      assertThat(back.tokens()).isEqualTo(issued.tokens());
    }
    assertThat(authority.withheld).hasSize(1);
  }

  @Test
  void severalRegistrationsAreNoRefusal() throws Exception {
    home.add(TestHome.own("second"));
    Answer answer = once(Bodies.get("/v1/identity"));
    assertThat(answer.status()).isEqualTo(409);
    assertThat(only().outcome()).isEqualTo(Outcome.INVALID);
    assertThat(only().reason()).isEqualTo("several-registrations").isEqualTo(answer.json("code"));
    assertThat(only().detail()).isEqualTo("edgeHub, second");
  }

  @Test
  void whichPartOfTheRegistrationASelectorStandsInIsOnRecord() throws Exception {
    attestor.measure =
        (caller, registration) ->
            new Verdict.Attested(
                registration,
                List.of(
                    new SelectorResult("unix:uid:0", "uid 0", SelectorResult.Outcome.HOLDS),
                    new SelectorResult(
                        "unix:gid:1", "gid 0", SelectorResult.Outcome.DOES_NOT_HOLD, "any 1"),
                    new SelectorResult(
                        "unix:path:/a", "/b", SelectorResult.Outcome.DOES_NOT_HOLD, "not")));
    assertThat(once(CERTIFICATE).status()).isEqualTo(201);
    assertThat(only().selectors())
        .containsExactly(
            new AuditEvent.Selector("unix:uid:0", "uid 0", "yes"),
            new AuditEvent.Selector("unix:gid:1", "gid 0", "no", "any 1"),
            new AuditEvent.Selector("unix:path:/a", "/b", "no", "not"));
    attestor.measure =
        (caller, registration) ->
            new Verdict.Refused(
                "selector-mismatch",
                "",
                List.of(
                    new SelectorResult("unix:path:/a", "/a", SelectorResult.Outcome.HOLDS, "not")));
    assertThat(once(Bodies.get("/v1/identity")).status()).isEqualTo(403);
    assertThat(home.audit.decisions().getLast().selectors())
        .as("also where no module was named")
        .containsExactly(new AuditEvent.Selector("edgeHub: unix:path:/a", "/a", "yes", "not"));
  }

  @Test
  void aClockThatJumpsIsOnRecord() {
    Instant from = Instant.parse("2026-11-23T10:00:00Z");
    Instant to = from.plusSeconds(86_400);
    new AuditTrail(home.audit, attestor, new Metrics()).clockJumped(from, to);
    assertThat(home.audit.events).contains(new AuditEvent.ClockJumped(from, to));
  }

  /** A key store that hangs keeps certificates, and what waits for one, and no token. */
  @Test
  void certificatesThatWaitForASlowKeyStoreHoldUpNoToken() throws Exception {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    authority.outcome =
        issued ->
            issued.thenCombine(gate, (IssuedCertificate certificate, Void open) -> certificate);
    server.close();
    server =
        TestServer.start(
            home,
            home.with(attestor, authority),
            new ApiSettings.Limits(64, 64, 64),
            TestServer.QUICK);
    List<RawClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < 40; i++) {
        RawClient client = RawClient.connect(server.workload);
        clients.add(client);
        client.send(CERTIFICATE);
      }
      Wait.until("as many as may are at the store", () -> authority.requests.size() == 32);
      assertThat(once(TOKEN).status()).isEqualTo(201);
      assertThat(authority.requests).as("the others still wait").hasSize(32);
      gate.complete(null);
      for (RawClient client : clients) {
        assertThat(client.answer().status()).isEqualTo(201);
      }
    } finally {
      for (RawClient client : clients) {
        client.close();
      }
    }
  }

  @Test
  void eachChangeOfTheRegistrationsIsOnRecordBeforeWhatIsDecidedByIt() throws Exception {
    home.add(TestHome.own("second"));
    assertThat(once(IDENTITY.replace("edgeHub", "second")).status()).isEqualTo(200);
    server.close();
    server = TestServer.start(home, home.with(home.attestor, authority));
    Path file = home.registrationFolder.resolve("edgeHub.toml");
    Files.writeString(
        file, Files.readString(file).replace("unix:uid:" + TestHome.OWN_UID, "unix:uid:4000000"));
    assertThat(once(IDENTITY).status()).as("it was narrowed").isEqualTo(403);
    home.remove("second");
    assertThat(once(IDENTITY.replace("edgeHub", "second")).status()).isEqualTo(403);
    Files.writeString(home.registrationFolder.resolve("bad.toml"), "[[module]]\nname = 3\n");
    assertThat(once(IDENTITY).status()).isEqualTo(403);
    List<AuditEvent.Registrations> changes =
        home.audit.events.stream()
            .filter(AuditEvent.Registrations.class::isInstance)
            .map(AuditEvent.Registrations.class::cast)
            .toList();
    assertThat(changes).anyMatch(it -> it.added().equals(List.of("second")) && it.count() == 2);
    assertThat(changes).anyMatch(it -> it.removed().equals(List.of("second")));
    assertThat(changes).anyMatch(it -> it.changed().equals(List.of("edgeHub: selectors")));
    assertThat(changes.getLast().problems()).singleElement().asString().contains("bad.toml: ");
    int removed =
        home.audit.events.indexOf(
            changes.stream().filter(it -> !it.removed().isEmpty()).findFirst().orElseThrow());
    assertThat(home.audit.events.get(removed + 1))
        .isInstanceOfSatisfying(
            Decision.class, it -> assertThat(it.asked().module()).isEqualTo("second"));
  }

  @Test
  void aChangeIsOnRecordThoughNobodyAsks() throws Exception {
    home.add(TestHome.own("second"));
    Wait.until(
        "it was seen",
        () ->
            home.audit.events.stream()
                .anyMatch(event ->
                    event instanceof AuditEvent.Registrations change
                        && change.added().equals(List.of("second"))));
  }

  @Test
  void whatAdministratorsDoIsOnRecordWithWhoDidIt() throws Exception {
    assertThat(
            RawClient.once(
                    server.admin, Bodies.post("/modules/edgeHub/key", "{\"which\":\"primary\"}"))
                .status())
        .isEqualTo(200);
    assertThat(
            RawClient.once(
                    server.admin, Bodies.post("/authorities/prepare", "{\"authority\":\"device\"}"))
                .status())
        .isEqualTo(201);
    assertThat(
            RawClient.once(server.admin, Bodies.post("/authorities/nothing/activate", "{}"))
                .status())
        .isGreaterThanOrEqualTo(400);
    assertThat(
            RawClient.once(
                    server.admin,
                    Bodies.post(
                        "/modules/edgeHub/explain",
                        "{\"pid\":" + ProcessHandle.current().pid() + "}"))
                .status())
        .isEqualTo(200);
    assertThat(home.audit.acts()).allMatch(act -> act.uid() == TestHome.OWN_UID);
    assertThat(home.audit.acts())
        .extracting(AuditEvent.Act::action)
        .containsExactly("reveal-primary-key", "prepare-authority", "prepare-authority", "explain");
    assertThat(home.audit.acts().getFirst().object()).isEqualTo("edgeHub");
    assertThat(home.audit.acts().subList(1, 3))
        .as("what is asked, before anything of it is done, and what became of it")
        .extracting(AuditEvent.Act::result)
        .containsExactly("asked", "device-1 active");
  }

  @Test
  void ofARotationThatFailsHalfWayItIsSaidWhatStands() throws Exception {
    authority.noNextStep =
        new IssuanceException(IssuanceException.Reason.KEY_STORE_UNAVAILABLE, "it is in a drawer");
    Answer rotated =
        RawClient.once(
            server.admin, Bodies.post("/authorities/rotate", "{\"authority\":\"device\"}"));
    assertThat(rotated.status()).isEqualTo(503);
    assertThat(rotated.json("detail")).isEqualTo("done: device-1 active; then: it is in a drawer");
    assertThat(home.audit.acts())
        .extracting(AuditEvent.Act::action, AuditEvent.Act::result)
        .containsExactly(
            tuple("rotate-authority", "asked"),
            tuple("rotate-authority", "key-store-unavailable"),
            tuple("rotate-authority", "device-1 active"));
  }

  @Test
  void aStepThatCanNotBeRecordedIsNotTaken() throws Exception {
    home.audit.fault = "No space left on device";
    Answer answer = RawClient.once(server.admin, Bodies.post("/authorities/prepare", "{}"));
    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.json("code")).isEqualTo("audit-unavailable");
    assertThat(home.audit.acts()).isEmpty();
  }

  @Test
  void whatTheServiceDidByItselfOrAfterNobodyWaitedIsOnRecord() throws Exception {
    for (String by : new String[] {AuthorityChanges.AUTOMATIC, "uid 7"}) {
      RotationEvent event =
          new RotationEvent(
              Instant.EPOCH,
              AuthorityInfo.Role.DEVICE,
              "device-2",
              RotationStep.PREPARE,
              by,
              RotationEvent.Outcome.DONE);
      authority.rotations.forEach(listener -> listener.accept(event));
    }
    assertThat(home.audit.acts())
        .extracting(AuditEvent.Act::action, AuditEvent.Act::object, AuditEvent.Act::result)
        .containsExactly(
            tuple("prepare-authority", "device-2", "automatic done"),
            tuple("prepare-authority", "device-2", "done in the end, asked by uid 7"));
  }

  @Test
  void aKeyIsNotRevealedThatCanNotBeRecorded() throws Exception {
    home.audit.fault = "No space left on device";
    Answer answer =
        RawClient.once(
            server.admin, Bodies.post("/modules/edgeHub/key", "{\"which\":\"primary\"}"));
    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.json("code")).isEqualTo("audit-unavailable");
  }
}
