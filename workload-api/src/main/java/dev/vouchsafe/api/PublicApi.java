package dev.vouchsafe.api;

import dev.vouchsafe.trust.BundleFormat;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/** What the https listener serves to anyone: the trust bundle, and whether we are well. */
final class PublicApi implements Routes {
  private final BundleApi bundle;
  private final Health health;
  private final Executor workers;

  PublicApi(BundleApi bundle, Health health, Executor workers) {
    this.bundle = bundle;
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
      case "/healthz" -> {
        V1Api.onlyReads(request);
        health(exchange);
      }
      default -> throw Failure.of(Problem.NOT_FOUND, "not found");
    }
  }

  private Response encoded(BundleFormat format, Request request) throws Failure {
    V1Api.onlyReads(request);
    return bundle.in(format, request);
  }

  /** On a worker, since it may look at files and the ledger. */
  private void health(Exchange exchange) {
    try {
      workers.execute(() -> exchange.answer(health.answer()));
    } catch (RejectedExecutionException e) {
      exchange.answer(refusal(Failure.of(Problem.STOPPING, "the service is stopping")));
    }
  }
}
