package dev.vouchsafe.api;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;

/** Answers each request with what was understood of it, at once or when the test says so. */
final class FakeRoutes implements Routes {
  final Queue<Exchange> waiting = new ArrayDeque<>();
  boolean atOnce = true;
  int served;

  @Override
  public void serve(Exchange exchange) {
    served++;
    if (atOnce) {
      exchange.answer(echo(exchange.request()));
    } else {
      waiting.add(exchange);
    }
  }

  static Response echo(Request request) {
    String text =
        request.method()
            + " "
            + request.path()
            + " "
            + request.parameter("a").orElse("-")
            + " "
            + request.body().length
            + " "
            + Arrays.hashCode(request.body());
    text += "x".repeat(Integer.parseInt(request.parameter("more").orElse("0")));
    return Response.of(Status.OK, "text/plain", text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public Response refusal(Failure failure) {
    return ErrorAnswers.either(failure);
  }
}
