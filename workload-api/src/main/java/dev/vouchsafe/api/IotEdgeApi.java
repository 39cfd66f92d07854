package dev.vouchsafe.api;

import dev.vouchsafe.trust.TrustBundles;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

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

  private final ModuleCalls calls;
  private final IotEdgeCertificates certificates;
  private final IotEdgeKeys keys;
  private final IotEdgeModules modules;
  private final BundleTexts texts;
  private final BundleFetches fetches;
  private final TrustBundles bundles;
  private final Supplier<String> manifest;

  IotEdgeApi(
      ApiParts parts,
      ModuleCalls calls,
      Attestation attestation,
      AuditTrail trail,
      BundleTexts texts,
      BundleFetches fetches) {
    IotEdgeCallers callers = new IotEdgeCallers(attestation, calls, trail);
    this.calls = calls;
    this.certificates = new IotEdgeCertificates(parts.identity(), calls, callers, parts.clock());
    this.keys = new IotEdgeKeys(parts.authority(), calls, callers);
    this.modules = new IotEdgeModules(parts.registrations(), callers);
    this.texts = texts;
    this.fetches = fetches;
    this.bundles = parts.bundles();
    this.manifest = parts.manifest();
  }

  void serve(Exchange exchange) throws Failure {
    Request request = exchange.request();
    checkVersion(request);
    IotEdgePath path = IotEdgePath.of(request.path());
    if (!request.method().equals(path.route().method())) {
      throw Failure.methodNotAllowed(path.route().method());
    }
    switch (path.route()) {
      case TRUST_BUNDLE -> bundle(exchange);
      // Read at each call, from a file perhaps: not on the event loop.
      case MANIFEST_TRUST_BUNDLE ->
          calls.forAnyone(
              exchange,
              ErrorAnswers::iotEdge,
              () -> certificate(json -> json.writeString(manifest.get())));
      case MODULES -> start(exchange, modules::list);
      case IDENTITY_CERTIFICATE -> issue(exchange, call -> certificates.identity(call, path));
      case SERVER_CERTIFICATE -> issue(exchange, call -> certificates.server(call, path));
      case SIGN -> keys.sign(exchange, path);
      case ENCRYPT -> keys.encrypt(exchange, path);
      case DECRYPT -> start(exchange, call -> keys.decrypt(call, path));
    }
  }

  private void start(Exchange exchange, ModuleCalls.Work work) {
    calls.start(exchange, ErrorAnswers::iotEdge, work);
  }

  private void issue(Exchange exchange, ModuleCalls.Work work) {
    calls.startIssuing(exchange, ErrorAnswers::iotEdge, work);
  }

  private void bundle(Exchange exchange) {
    long sequence = bundles.current().sequence();
    fetches.answer(exchange, certificate(json -> json.writeString(texts.pem())), sequence);
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

  /** Certificates as PEM, and not as base64 of it. */
  private static Response certificate(Json.Members pem) {
    byte[] body =
        Json.object(json -> {
          json.writeFieldName("certificate");
          pem.write(json);
        });
    return Response.of(Status.OK, Response.JSON, body);
  }
}
