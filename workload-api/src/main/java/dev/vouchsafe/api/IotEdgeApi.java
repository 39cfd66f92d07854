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
import java.util.Set;

/**
 * The paths of the IoT Edge Workload API. Checks come in the reference daemon's order: api-version,
 * route, body, caller, parameters.
 */
final class IotEdgeApi {
  private static final Set<String> VERSIONS =
      Set.of(
          "2018-06-28",
          "2019-01-30",
          "2019-10-22",
          "2019-11-05",
          "2020-07-07",
          "2021-12-07",
          "2022-08-03");

  private final GatewayIdentity identity;
  private final ModuleCalls calls;
  private final Attestation attestation;
  private final BundleTexts texts;
  private final InstantSource clock;

  IotEdgeApi(
      GatewayIdentity identity,
      ModuleCalls calls,
      Attestation attestation,
      BundleTexts texts,
      InstantSource clock) {
    this.identity = identity;
    this.calls = calls;
    this.attestation = attestation;
    this.texts = texts;
    this.clock = clock;
  }

  void serve(Exchange exchange) throws Failure {
    Request request = exchange.request();
    checkVersion(request);
    String[] path = request.path().split("/", -1);
    if (path.length == 2 && path[1].equals("trust-bundle")) {
      only("GET", request);
      byte[] body =
          Json.object(json -> {
            json.writeFieldName("certificate");
            json.writeString(texts.pem());
          });
      exchange.answer(Response.of(Status.OK, Response.JSON, body));
    } else if (isIdentity(path)) {
      only("POST", request);
      calls.start(exchange, ErrorAnswers::iotEdge, call -> identity(call, path[2]));
    } else if (isServer(path)) {
      only("POST", request);
      calls.start(exchange, ErrorAnswers::iotEdge, call -> server(call, path[2], path[4]));
    } else {
      throw Failure.of(Problem.NOT_FOUND, "not found");
    }
  }

  /** {@code /modules/NAME/certificate/identity}. */
  private static boolean isIdentity(String[] path) {
    return path.length == 5
        && path[1].equals("modules")
        && !path[2].isEmpty()
        && path[3].equals("certificate")
        && path[4].equals("identity");
  }

  /** {@code /modules/NAME/genid/GENERATION/certificate/server}. */
  private static boolean isServer(String[] path) {
    return path.length == 7
        && path[1].equals("modules")
        && !path[2].isEmpty()
        && path[3].equals("genid")
        && !path[4].isEmpty()
        && path[5].equals("certificate")
        && path[6].equals("server");
  }

  private static void checkVersion(Request request) throws Failure {
    Optional<String> asked = request.parameter("api-version");
    if (asked.isEmpty()) {
      throw Failure.of(Problem.API_VERSION, "api-version not specified");
    }
    String version = Percent.decode(asked.get());
    if (!VERSIONS.contains(version)) {
      throw Failure.of(Problem.API_VERSION, "invalid api-version \"" + version + "\"");
    }
  }

  private static void only(String method, Request request) throws Failure {
    if (!request.method().equals(method)) {
      throw Failure.methodNotAllowed(method);
    }
  }

  private void identity(ModuleCall call, String rawName) throws Failure {
    IotEdgeBody body = IotEdgeBody.parse(call.request());
    Verdict.Attested attested = attestation.byName(call.caller(), rawName);
    CertificateRequest asked =
        new CertificateRequest(
            Profile.IDENTITY,
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            lifetime(body.expiration()),
            Optional.empty());
    issue(call, attested, asked);
  }

  private void server(ModuleCall call, String rawName, String rawGeneration) throws Failure {
    if (!IotEdgeBody.present(call.request())) {
      throw Failure.of(Problem.REQUEST_INVALID, "missing body");
    }
    IotEdgeBody body = IotEdgeBody.parse(call.request());
    String commonName =
        body.commonName()
            .orElseThrow(() -> Failure.of(Problem.BODY_UNPROCESSABLE, "commonName: is missing"));
    Verdict.Attested attested = attestation.byName(call.caller(), rawName);
    Registration registration = attested.registration();
    if (!generationMatches(registration, rawGeneration)) {
      throw Failure.of(
          Problem.GENERATION_MISMATCH, "generation-mismatch: the module has another generation id");
    }
    if (commonName.isEmpty()) {
      throw Failure.of(Problem.REQUEST_INVALID, "invalid parameter: commonName is empty");
    }
    CertificateRequest asked =
        new CertificateRequest(
            Profile.SERVER,
            Optional.empty(),
            Optional.of(commonName),
            ownName(registration),
            List.of(),
            lifetime(body.expiration()),
            Optional.empty());
    issue(call, attested, asked);
  }

  private static boolean generationMatches(Registration registration, String raw) throws Failure {
    String wanted = registration.generation();
    return Percent.decode(raw).equals(wanted)
        || Percent.decode(raw.replace('+', ' ')).equals(wanted);
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
        call, attested, Grants.of(identity, attested.registration()), asked, IotEdgeApi::created);
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
    return Response.of(Status.CREATED, Response.JSON, body);
  }
}
