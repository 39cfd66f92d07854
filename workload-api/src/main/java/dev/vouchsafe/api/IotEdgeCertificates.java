package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuedCertificate;
import dev.vouchsafe.ca.Profile;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The certificates of the IoT Edge Workload API: a module's identity, and that of its server. */
final class IotEdgeCertificates {
  private static final String COMMON_NAME = "commonName";
  private static final String EXPIRATION = "expiration";
  private static final List<String> MEMBERS = List.of(COMMON_NAME, EXPIRATION);

  private final GatewayIdentity identity;
  private final ModuleCalls calls;
  private final IotEdgeCallers callers;
  private final InstantSource clock;

  IotEdgeCertificates(
      GatewayIdentity identity, ModuleCalls calls, IotEdgeCallers callers, InstantSource clock) {
    this.identity = identity;
    this.calls = calls;
    this.callers = callers;
    this.clock = clock;
  }

  void identity(ModuleCall call, IotEdgePath path) throws Failure {
    Optional<Instant> expiration = IotEdgeBody.optional(call.request(), MEMBERS).time(EXPIRATION);
    Verdict.Attested attested = callers.byName(call, path);
    CertificateRequest asked =
        new CertificateRequest(
            Profile.IDENTITY,
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            lifetime(expiration),
            Optional.empty());
    issue(call, attested, asked);
  }

  void server(ModuleCall call, IotEdgePath path) throws Failure {
    IotEdgeBody body = IotEdgeBody.required(call.request(), MEMBERS);
    String commonName = body.text(COMMON_NAME);
    Optional<Instant> expiration = body.time(EXPIRATION);
    Verdict.Attested attested = callers.byGeneration(call, path);
    if (commonName.isEmpty()) {
      throw Failure.of(Problem.REQUEST_INVALID, "invalid parameter: commonName is empty");
    }
    CertificateRequest asked =
        new CertificateRequest(
            Profile.SERVER,
            Optional.empty(),
            Optional.of(commonName),
            ownName(attested.registration()),
            List.of(),
            lifetime(expiration),
            Optional.empty());
    issue(call, attested, asked);
  }

  /**
   * The module's own name, which the reference daemon adds to each server certificate; here only if
   * the registration lists it.
   */
  private static List<String> ownName(Registration registration) {
    String name = registration.name();
    String bare = (name.startsWith("$") ? name.substring(1) : name).toLowerCase(Locale.ROOT);
    return registration.dns().contains(bare) ? List.of(bare) : List.of();
  }

  private Optional<Duration> lifetime(Optional<Instant> expiration) throws Failure {
    if (expiration.isEmpty()) {
      return Optional.empty();
    }
    Duration lifetime = Duration.between(clock.instant(), expiration.get());
    if (!lifetime.isPositive()) {
      throw Failure.of(Problem.REQUEST_INVALID, "invalid parameter: expiration is in the past");
    }
    return Optional.of(lifetime);
  }

  private void issue(ModuleCall call, Verdict.Attested attested, CertificateRequest asked) {
    calls.issue(
        call,
        attested,
        Grants.of(identity, attested.registration()),
        asked,
        IotEdgeCertificates::created,
        Receipt.NONE);
  }

  private static Response created(IssuedCertificate issued) {
    byte[] body =
        Json.object(json -> {
          json.writeObjectFieldStart("privateKey");
          json.writeStringField("type", "key");
          json.writeStringField("bytes", issued.privateKeyPem().orElseThrow());
          json.writeEndObject();
          json.writeStringField("certificate", issued.certificatePem());
          json.writeStringField("expiration", Times.iotEdge(issued.notAfter()));
        });
    return Response.of(Status.CREATED, Response.JSON, body).secret();
  }
}
