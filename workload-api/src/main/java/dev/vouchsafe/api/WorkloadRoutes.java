package dev.vouchsafe.api;

import java.util.function.Function;

/** What the modules' socket serves: {@code /v1}, and the IoT Edge paths beside it. */
final class WorkloadRoutes implements Routes {
  /**
   * The longest body here: data at its limit has a third more in base64, and an SDK may escape a
   * part of that.
   */
  static final int LONGEST_BODY = 128 * 1024;

  private final V1Api v1;
  private final IotEdgeApi iotEdge;
  private final Metrics metrics;

  WorkloadRoutes(V1Api v1, IotEdgeApi iotEdge, Metrics metrics) {
    this.metrics = metrics;
    this.v1 = v1;
    this.iotEdge = iotEdge;
  }

  @Override
  public void serve(Exchange exchange) {
    String path = exchange.request().path();
    boolean ours = path.equals("/v1") || path.startsWith("/v1/");
    Function<Failure, Response> errors = ours ? ErrorAnswers::problem : ErrorAnswers::iotEdge;
    try {
      if (ours) {
        v1.serve(exchange);
      } else {
        iotEdge.serve(exchange);
      }
    } catch (Failure failure) {
      exchange.answer(errors.apply(failure));
    }
  }

  @Override
  public void answered(Request request, Response response) {
    metrics.answered(request.path(), response.status());
  }

  @Override
  public int longestBody() {
    return LONGEST_BODY;
  }

  @Override
  public Response refusal(Failure failure) {
    return ErrorAnswers.either(failure);
  }
}
