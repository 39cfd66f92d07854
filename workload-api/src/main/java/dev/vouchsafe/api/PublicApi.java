package dev.vouchsafe.api;

import dev.vouchsafe.ca.Revocations;
import dev.vouchsafe.trust.BundleFormat;

/**
 * What the https listener serves to anyone: the trust bundle, the keys that verify tokens, what is
 * revoked, and whether we are well.
 */
final class PublicApi implements Routes {
  private final BundleApi bundle;
  private final TokenKeysApi tokenKeys;
  private final OpenIdApi openId;
  private final RevocationApi revocation;
  private final Health health;
  private final Workers workers;

  PublicApi(
      BundleApi bundle,
      TokenKeysApi tokenKeys,
      OpenIdApi openId,
      RevocationApi revocation,
      Health health,
      Workers workers) {
    this.bundle = bundle;
    this.tokenKeys = tokenKeys;
    this.openId = openId;
    this.revocation = revocation;
    this.health = health;
    this.workers = workers;
  }

  @Override
  public void serve(Exchange exchange) {
    try {
      route(exchange);
    } catch (Failure failure) {
      exchange.answer(refusal(failure));
    }
  }

  @Override
  public Response refusal(Failure failure) {
    return ErrorAnswers.problem(failure);
  }

  private void route(Exchange exchange) throws Failure {
    Request request = exchange.request();
    switch (request.path()) {
      case "/v1/trust-bundle" -> {
        V1Api.onlyReads(request);
        bundle.negotiated(exchange);
      }
      case "/trust-bundle.pem" -> exchange.answer(encoded(BundleFormat.PEM, request));
      case "/trust-bundle.p7b" -> exchange.answer(encoded(BundleFormat.PKCS7, request));
      case "/trust-bundle.json" -> exchange.answer(encoded(BundleFormat.JWKS, request));
      // On workers, since these may look at files and the ledger.
      case "/.well-known/jwks.json" -> {
        V1Api.onlyReads(request);
        workers.answer(exchange, this::refusal, () -> tokenKeys.answer(request));
      }
      case "/.well-known/openid-configuration" -> {
        V1Api.onlyReads(request);
        exchange.answer(openId.answer(request));
      }
      case "/healthz" -> {
        V1Api.onlyReads(request);
        workers.answer(exchange, this::refusal, health::answer);
      }
      default -> revocation(exchange);
    }
  }

  private void revocation(Exchange exchange) throws Failure {
    Request request = exchange.request();
    if (!RevocationApi.serves(request.path())) {
      throw Failure.of(Problem.NOT_FOUND, "not found");
    }
    workers.answer(
        exchange,
        this::refusal,
        () -> {
          try {
            return revocation.answer(request, exchange.peer().owner());
          } catch (Failure failure) {
            return refusal(failure);
          }
        });
  }

  /** Only OCSP requests have one. */
  @Override
  public int longestBody() {
    return Revocations.LONGEST_OCSP_REQUEST;
  }

  private Response encoded(BundleFormat format, Request request) throws Failure {
    V1Api.onlyReads(request);
    return bundle.in(format, request);
  }
}
