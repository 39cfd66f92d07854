package dev.vouchsafe.api;

import io.grpc.Status;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * Errors in gRPC's words. Widespread clients stop for ever at PERMISSION_DENIED and
 * INVALID_ARGUMENT, so those are for what asking again does not change; the rest is UNAVAILABLE
 * (SPIFFE Workload Endpoint section 6).
 */
final class RpcError {
  private static final AsciiString TEXT = AsciiString.cached("text/plain");

  private static final Set<dev.vouchsafe.api.Status> PASSING =
      Set.of(
          dev.vouchsafe.api.Status.SERVICE_UNAVAILABLE,
          dev.vouchsafe.api.Status.TOO_MANY_REQUESTS,
          dev.vouchsafe.api.Status.INTERNAL_SERVER_ERROR);

  private RpcError() {}

  /** The answer that {@link #status} is read from. */
  static Response of(Failure failure) {
    String text = failure.code() + ": " + failure.detail();
    return Response.of(failure.status(), TEXT, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Whether it may pass by itself. */
  static boolean isPassing(Response error) {
    return PASSING.contains(error.status());
  }

  static Status status(Response error) {
    Status status =
        switch (error.status()) {
          case BAD_REQUEST -> Status.INVALID_ARGUMENT;
          case FORBIDDEN -> Status.PERMISSION_DENIED;
          case NOT_FOUND -> Status.NOT_FOUND;
          case REQUEST_TIMEOUT -> Status.DEADLINE_EXCEEDED;
          case INTERNAL_SERVER_ERROR -> Status.INTERNAL;
          default -> Status.UNAVAILABLE;
        };
    return status.withDescription(new String(error.body(), StandardCharsets.UTF_8));
  }
}
