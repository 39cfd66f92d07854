package dev.vouchsafe.api;

import java.util.function.Function;

/** What the modules' socket serves: {@code /v1}, and the IoT Edge paths beside it. */
final class WorkloadRoutes implements Routes {
  private final V1Api v1;
  private final IotEdgeApi iotEdge;

  WorkloadRoutes(V1Api v1, IotEdgeApi iotEdge) {
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
  public Response refusal(Failure failure) {
    return ErrorAnswers.either(failure);
  }
}
