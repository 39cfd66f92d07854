package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.ca.RevocationOrder;
import dev.vouchsafe.ca.RevocationReason;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc;
import io.spiffe.workloadapi.grpc.Workload;
import io.spiffe.workloadapi.grpc.Workload.JWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.ValidateJWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the SPIFFE Workload API answers to the letter: statuses, headers, streams. */
class SpiffeApiTest {
  @TempDir private Path folder;
  private TestHome home;
  private TestServer server;
  private SpiffeStub client;

  @BeforeEach
  void start() throws Exception {
    home = TestHome.in(folder);
    server = TestServer.start(home);
    client = new SpiffeStub(server.spiffe);
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    server.close();
    home.close();
  }

  private static Status.Code codeOf(Runnable call) {
    return statusOf(call).getCode();
  }

  /** How a stream ends that has nothing more to say. */
  private static Status.Code endOf(Iterator<?> answers) {
    return codeOf(answers::next);
  }

  private static Status statusOf(Runnable call) {
    return catchThrowableOfType(StatusRuntimeException.class, call::run).getStatus();
  }

  private X509SVIDResponse svids() {
    return client.stub().fetchX509SVID(X509SVIDRequest.getDefaultInstance()).next();
  }

  private List<AuditEvent.Decision> decisions(AuditEvent.Outcome outcome) {
    return home.audit.events.stream()
        .filter(AuditEvent.Decision.class::isInstance)
        .map(AuditEvent.Decision.class::cast)
        .filter(decision -> decision.outcome() == outcome)
        .toList();
  }

  @Test
  void withoutTheSecurityHeaderOnceAndTrueNothingIsAnswered() throws Exception {
    home.add(TestHome.own("edgeHub"));
    for (String[] headers :
        new String[][] {{}, {"false"}, {"True"}, {"true", "true"}, {"true", "false"}, {""}}) {
      Iterator<X509SVIDResponse> answers =
          client.with(headers).fetchX509SVID(X509SVIDRequest.getDefaultInstance());
      assertThat(endOf(answers)).isEqualTo(Status.Code.INVALID_ARGUMENT);
    }
    assertThat(decisions(AuditEvent.Outcome.ISSUED)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"FetchWITSVID", "FetchWITBundles", "Frobnicate"})
  void whatIsNotThereIsUnimplemented(String method) {
    MethodDescriptor<X509SVIDRequest, X509SVIDResponse> unknown =
        SpiffeWorkloadAPIGrpc.getFetchX509SVIDMethod().toBuilder()
            .setFullMethodName("SpiffeWorkloadAPI/" + method)
            .build();
    Iterator<X509SVIDResponse> answers =
        ClientCalls.blockingServerStreamingCall(
            client.channel, unknown, CallOptions.DEFAULT, X509SVIDRequest.getDefaultInstance());
    assertThat(endOf(answers)).isEqualTo(Status.Code.UNIMPLEMENTED);
  }

  @Test
  void whoIsNotRegisteredIsHeldAndThenToldToComeAgain() {
    Status status = statusOf(this::svids);
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(status.getDescription()).contains("caller-unregistered", "module explain");
    assertThat(decisions(AuditEvent.Outcome.REFUSED)).hasSize(1);
  }

  @Test
  void eachHandOverIsOnRecordWithItsSerial() throws Exception {
    home.add(TestHome.own("a"));
    home.add(TestHome.own("b"));
    svids();
    svids();
    List<AuditEvent.Decision> issued = decisions(AuditEvent.Outcome.ISSUED);
    assertThat(issued).extracting(each -> each.asked().module()).containsOnly("a", "b").hasSize(4);
    assertThat(issued.stream().flatMap(each -> each.certificates().stream()).distinct()).hasSize(2);
  }

  @Test
  void aStreamWhoseRegistrationIsRemovedEndsAsRefused() throws Exception {
    home.add(TestHome.own("edgeHub"));
    Iterator<X509SVIDResponse> answers =
        client.stub().fetchX509SVID(X509SVIDRequest.getDefaultInstance());
    assertThat(answers.next().getSvidsList()).hasSize(1);
    home.remove("edgeHub");
    assertThat(endOf(answers)).isEqualTo(Status.Code.PERMISSION_DENIED);
  }

  private static RevocationOrder order(RevocationOrder.Target target) {
    return new RevocationOrder(target, RevocationReason.KEY_COMPROMISE, Optional.empty(), 0);
  }

  @Test
  void aRevokedModuleIsRefusedAndItsLivingStreamEnds() throws Exception {
    home.add(TestHome.own("edgeHub"));
    Iterator<X509SVIDResponse> answers =
        client.stub().fetchX509SVID(X509SVIDRequest.getDefaultInstance());
    answers.next();
    home.authority
        .revocations()
        .revoke(
            order(
                new RevocationOrder.Target.Module("edgeHub", Optional.empty(), Optional.of("1"))));
    assertThat(endOf(answers)).isEqualTo(Status.Code.PERMISSION_DENIED);
  }

  @Test
  void aRevokedCertificateIsReplacedInTheStream() throws Exception {
    home.add(TestHome.own("edgeHub"));
    Iterator<X509SVIDResponse> answers =
        client.stub().fetchX509SVID(X509SVIDRequest.getDefaultInstance());
    X509SVIDResponse first = answers.next();
    String serial = decisions(AuditEvent.Outcome.ISSUED).getFirst().certificates().getFirst();
    home.authority.revocations().revoke(order(new RevocationOrder.Target.Serials(List.of(serial))));
    assertThat(answers.next().getSvids(0).getX509Svid())
        .isNotEqualTo(first.getSvids(0).getX509Svid());
  }

  @Test
  void atHalfOfItsLifeTheNextOneIsThere() throws Exception {
    home.add(TestHome.own("edgeHub"));
    X509SVIDResponse first = svids();
    home.clock.advance(Duration.ofMinutes(45));
    assertThat(svids().getSvids(0).getX509Svid()).isNotEqualTo(first.getSvids(0).getX509Svid());
  }

  @Test
  void afterTheClockWasSetForwardAStreamIsToldOfTheNextOne() throws Exception {
    home.add(TestHome.own("edgeHub"));
    Iterator<X509SVIDResponse> answers =
        client.stub().fetchX509SVID(X509SVIDRequest.getDefaultInstance());
    X509SVIDResponse first = answers.next();
    home.clock.advance(Duration.ofMinutes(45));
    assertThat(answers.next().getSvids(0).getX509Svid())
        .isNotEqualTo(first.getSvids(0).getX509Svid());
  }

  @Test
  void whatIsRefusedToOneRegistrationTakesNothingFromTheOthersAndIsOnRecord() throws Exception {
    home.add(TestHome.own("a"));
    home.add(TestHome.own("b"));
    home.authority
        .revocations()
        .revoke(order(new RevocationOrder.Target.Module("b", Optional.empty(), Optional.of("1"))));
    assertThat(svids().getSvidsList()).extracting(Workload.X509SVID::getHint).containsExactly("a");
    assertThat(decisions(AuditEvent.Outcome.REFUSED))
        .extracting(each -> each.asked().module())
        .containsExactly("b");
  }

  @Test
  void whoAsksForAnothersIdIsRefusedOnRecord() throws Exception {
    home.add(TestHome.own("edgeHub", List.of("hub.example")));
    assertThat(codeOf(() -> token("spiffe://gw.example/other", "hub.example")))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(decisions(AuditEvent.Outcome.REFUSED))
        .extracting(each -> each.asked().module())
        .containsExactly("edgeHub");
  }

  @Test
  void tokensAskForAnAudienceAndAnIdOfTheCaller() throws Exception {
    home.add(TestHome.own("edgeHub", List.of("hub.example")));
    assertThat(codeOf(() -> token(""))).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(codeOf(() -> token("", ""))).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(codeOf(() -> token("spiffe://GW.example/a", "hub.example")))
        .isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(codeOf(() -> token("spiffe://gw.example/other", "hub.example")))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(codeOf(() -> token("", "bank.example"))).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(token("spiffe://gw.example/edgeHub", "hub.example").getSvidsList()).hasSize(1);
  }

  private Workload.JWTSVIDResponse token(String id, String... audience) {
    return client
        .stub()
        .fetchJWTSVID(
            JWTSVIDRequest.newBuilder().setSpiffeId(id).addAllAudience(List.of(audience)).build());
  }

  @Test
  void ofSeveralIdentitiesThoseThatGrantTheAudienceGetATokenForIt() throws Exception {
    home.add(TestHome.own("a", List.of("hub.example")));
    home.add(TestHome.own("b", List.of("other.example")));
    assertThat(token("", "hub.example").getSvidsList())
        .extracting(Workload.JWTSVID::getHint)
        .containsExactly("a");
  }

  @Test
  void aTokenThatIsNotGoodIsAnInvalidArgument() throws Exception {
    home.add(TestHome.own("edgeHub", List.of("hub.example")));
    home.add(TestHome.own("no spiffe id", List.of("hub.example")));
    String good = token("", "hub.example").getSvids(0).getSvid();
    String[] parts = good.split("\\.", -1);
    List<String> bad =
        new ArrayList<>(List.of("", "x", "a.b.c", good + "x", "e30." + parts[1] + "."));
    bad.add("eyJhbGciOiJub25lIn0." + parts[1] + ".");
    bad.add(parts[0] + "." + parts[1] + ".AAAA");
    for (String token : bad) {
      assertThat(codeOf(() -> validate(token, "hub.example")))
          .as(token)
          .isEqualTo(Status.Code.INVALID_ARGUMENT);
    }
    assertThat(codeOf(() -> validate(good, ""))).isEqualTo(Status.Code.INVALID_ARGUMENT);
    Workload.ValidateJWTSVIDResponse valid = validate(good, "hub.example");
    assertThat(valid.getSpiffeId()).isEqualTo("spiffe://gw.example/edgeHub");
    assertThat(valid.getClaims().getFieldsMap()).containsKeys("sub", "aud", "exp", "iat");
    String id = valid.getClaims().getFieldsOrThrow("jti").getStringValue();
    home.authority.revocations().revokeTokens(List.of(id), 0);
    assertThat(codeOf(() -> validate(good, "hub.example"))).isEqualTo(Status.Code.INVALID_ARGUMENT);
  }

  private Workload.ValidateJWTSVIDResponse validate(String token, String audience) {
    return client
        .stub()
        .validateJWTSVID(
            ValidateJWTSVIDRequest.newBuilder().setSvid(token).setAudience(audience).build());
  }

  @Test
  void healthAndReflectionAreThere() throws Exception {
    assertThat(
            HealthGrpc.newBlockingStub(client.channel)
                .check(HealthCheckRequest.newBuilder().setService(SpiffeApi.SERVICE).build())
                .getStatus())
        .isEqualTo(HealthCheckResponse.ServingStatus.SERVING);
    assertThat(
            codeOf(() ->
                HealthGrpc.newBlockingStub(client.channel)
                    .check(HealthCheckRequest.newBuilder().setService("other").build())))
        .isEqualTo(Status.Code.NOT_FOUND);
    Iterator<HealthCheckResponse> watched =
        HealthGrpc.newBlockingStub(client.channel).watch(HealthCheckRequest.getDefaultInstance());
    assertThat(endOf(watched)).as("nobody waits for it").isEqualTo(Status.Code.UNIMPLEMENTED);
    BlockingQueue<ServerReflectionResponse> answers = new LinkedBlockingQueue<>();
    StreamObserver<ServerReflectionRequest> asking =
        ServerReflectionGrpc.newStub(client.channel)
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse answer) {
                    answers.add(answer);
                  }

                  @Override
                  public void onError(Throwable error) {
                    answers.add(ServerReflectionResponse.getDefaultInstance());
                  }

                  @Override
                  public void onCompleted() {}
                });
    asking.onNext(
        ServerReflectionRequest.newBuilder().setFileContainingSymbol(SpiffeApi.SERVICE).build());
    ServerReflectionResponse answer = answers.poll(30, TimeUnit.SECONDS);
    assertThat(answer).isNotNull();
    assertThat(answer.getFileDescriptorResponse().getFileDescriptorProtoList()).isNotEmpty();
    asking.onCompleted();
  }

  @Test
  void whenTheServiceStopsItsStreamsAreToldToComeAgain() throws Exception {
    home.add(TestHome.own("edgeHub"));
    Iterator<X509SVIDResponse> answers =
        client.stub().fetchX509SVID(X509SVIDRequest.getDefaultInstance());
    answers.next();
    server.close();
    assertThat(endOf(answers)).isEqualTo(Status.Code.UNAVAILABLE);
  }

  private ApiParts withWorkers(FakeWorkers workers) {
    return new ApiParts(
        TestHome.IDENTITY,
        home.registrations,
        home.attestor,
        home.authority,
        home.bundles,
        home.readers,
        () -> "",
        home.audit,
        home.clock,
        workers,
        heldUp -> {});
  }

  @Test
  void whoCouldNotBeLookedAtIsServedOnTheNextConnection() throws Exception {
    server.close();
    FakeWorkers workers = new FakeWorkers(home.workers);
    server = TestServer.start(home, withWorkers(workers));
    home.add(TestHome.own("edgeHub"));
    assertThat(codeOf(this::svids)).isEqualTo(Status.Code.UNAVAILABLE);
    workers.left.set(Integer.MAX_VALUE);
    Wait.until("the same client is served", this::isServed);
  }

  private boolean isServed() {
    try {
      return svids().getSvidsCount() == 1;
    } catch (StatusRuntimeException e) {
      assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      return false;
    }
  }

  @Test
  void whoHasTooManyStreamsIsToldToComeAgain() throws Exception {
    server.close();
    server =
        TestServer.start(home, home.parts(), new ApiSettings.Limits(8, 4, 32), TestServer.QUICK);
    home.add(TestHome.own("edgeHub"));
    List<Iterator<Workload.X509BundlesResponse>> open = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      open.add(client.stub().fetchX509Bundles(Workload.X509BundlesRequest.getDefaultInstance()));
      open.getLast().next();
    }
    Iterator<Workload.X509BundlesResponse> one =
        client.stub().fetchX509Bundles(Workload.X509BundlesRequest.getDefaultInstance());
    assertThat(endOf(one)).isEqualTo(Status.Code.UNAVAILABLE);
  }
}
