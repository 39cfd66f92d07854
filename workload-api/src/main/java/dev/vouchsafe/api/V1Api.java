package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.SelectorResult;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.Grant;
import dev.vouchsafe.ca.IssuedCertificate;
import dev.vouchsafe.ca.IssuedToken;
import dev.vouchsafe.ca.TokenRequest;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.TrustBundles;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The paths under {@code /v1} on the modules' socket. */
final class V1Api {
  private final GatewayIdentity identity;
  private final CertificateAuthority authority;
  private final ModuleCalls calls;
  private final Attestation attestation;
  private final RegistrationWaits waits;
  private final AuditTrail trail;
  private final BundleApi bundle;
  private final BundleTexts texts;
  private final TrustBundles bundles;
  private final BundleReaders readers;

  V1Api(
      ApiParts parts,
      ModuleCalls calls,
      Attestation attestation,
      RegistrationWaits waits,
      AuditTrail trail,
      BundleApi bundle,
      BundleTexts texts) {
    this.identity = parts.identity();
    this.authority = parts.authority();
    this.calls = calls;
    this.attestation = attestation;
    this.waits = waits;
    this.trail = trail;
    this.bundle = bundle;
    this.texts = texts;
    this.bundles = parts.bundles();
    this.readers = parts.readers();
  }

  void serve(Exchange exchange) throws Failure {
    Request request = exchange.request();
    switch (request.path()) {
      case "/v1/certificates" -> {
        onlyPosts(request);
        waits.start(
            exchange, () -> calls.startIssuing(exchange, ErrorAnswers::problem, this::certificate));
      }
      case "/v1/tokens" -> {
        onlyPosts(request);
        waits.start(exchange, () -> calls.startToken(exchange, ErrorAnswers::problem, this::token));
      }
      case "/v1/identity" -> {
        onlyReads(request);
        waits.start(exchange, () -> calls.start(exchange, ErrorAnswers::problem, this::identity));
      }
      case "/v1/trust-bundle" -> {
        onlyReads(request);
        bundle.negotiated(exchange);
      }
      default -> throw Failure.of(Problem.NOT_FOUND, "not found");
    }
  }

  static void onlyReads(Request request) throws Failure {
    if (!request.reads()) {
      throw Failure.methodNotAllowed("GET, HEAD");
    }
  }

  static void onlyPosts(Request request) throws Failure {
    if (!request.method().equals("POST")) {
      throw Failure.methodNotAllowed("POST");
    }
  }

  /** The body, which must be JSON or of no stated type. */
  static byte[] json(Request request) throws Failure {
    if (!MediaTypes.isJson(request.header(HttpHeaderNames.CONTENT_TYPE))) {
      throw Failure.of(Problem.UNSUPPORTED_MEDIA_TYPE, "the body is not application/json");
    }
    return request.body();
  }

  /** The body says nothing, so that a later member is never passed over. */
  static void onlyEmpty(Request request) throws Failure {
    byte[] body = json(request);
    if (body.length > 0) {
      StrictBody.read(
          body,
          (json, name) -> {
            throw StrictBody.unknown(name);
          });
    }
  }

  private void certificate(ModuleCall call) throws Failure {
    CertificateRequest asked = CertificateBody.parse(json(call.request()), authority.profiles());
    Verdict.Attested attested = attest(call);
    calls.issue(
        call,
        attested,
        Grants.of(identity, attested.registration()),
        asked,
        this::created,
        withBundle(attested.registration().name()));
  }

  /** The bundle goes with the certificate. */
  private Receipt withBundle(String name) {
    long sequence = bundles.current().sequence();
    return new Receipt() {
      @Override
      public void arrived() {
        readers.fetched(name, sequence);
      }

      @Override
      public void lost() {
        readers.lost(name);
      }
    };
  }

  private Verdict.Attested attest(ModuleCall call) throws Failure {
    Optional<String> module = call.request().parameter("module");
    return module.isPresent() ? attestation.byName(call, module.get()) : attestation.byCaller(call);
  }

  private Response created(IssuedCertificate issued) {
    byte[] body =
        Json.object(json -> {
          json.writeStringField("certificate", issued.certificatePem());
          if (issued.privateKeyPem().isPresent()) {
            json.writeStringField("privateKey", issued.privateKeyPem().get());
          }
          json.writeFieldName("trustBundle");
          json.writeString(texts.pem());
          json.writeStringField("serial", issued.serial());
          json.writeStringField("notBefore", Times.text(issued.notBefore()));
          json.writeStringField("notAfter", Times.text(issued.notAfter()));
          json.writeStringField("renewAfter", Times.text(issued.renewAfter()));
        });
    return Response.of(Status.CREATED, Response.JSON, body).secret();
  }

  private void token(ModuleCall call) throws Failure {
    TokenRequest asked = TokenBody.parse(json(call.request()));
    Verdict.Attested attested = attest(call);
    Grant grant = Grants.of(identity, attested.registration());
    calls.finish(
        call,
        attested,
        authority.tokens().issue(grant, asked),
        new ModuleCalls.Handling<>(
            made -> List.of(new Parcel.Portion(attested, AuditTrail.Made.of(made))),
            unheld -> {},
            V1Api::created,
            Receipt.NONE));
  }

  private static Response created(IssuedToken issued) {
    byte[] body =
        Json.object(json -> {
          json.writeStringField("token", issued.token());
          json.writeStringField("expiresAt", Times.text(issued.expiresAt()));
          json.writeStringField("renewAfter", Times.text(issued.renewAfter()));
        });
    return Response.of(Status.CREATED, Response.JSON, body).secret();
  }

  private void identity(ModuleCall call) throws Failure {
    Verdict.Attested attested = attest(call);
    attestation.confirm(call, attested);
    trail.count(call, attested.registration());
    byte[] body = Json.object(json -> identity(json, attested));
    call.exchange().answer(Response.of(Status.OK, Response.JSON, body).secret());
  }

  private void identity(JsonGenerator json, Verdict.Attested attested) throws IOException {
    Registration registration = attested.registration();
    json.writeStringField("module", registration.name());
    json.writeStringField("generation", registration.generation());
    Optional<String> spiffeId = Grants.spiffeId(identity, registration);
    if (spiffeId.isPresent()) {
      json.writeStringField("spiffeId", spiffeId.get());
    }
    json.writeArrayFieldStart("attestedBy");
    for (SelectorResult result : attested.results()) {
      if (result.outcome() == SelectorResult.Outcome.HOLDS) {
        json.writeString(result.wanted());
      }
    }
    json.writeEndArray();
  }
}
