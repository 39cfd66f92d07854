package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.IOException;

/** A failure in the format that its caller reads. */
final class ErrorAnswers {
  private ErrorAnswers() {}

  /** Problem details (RFC 9457), with our stable code as an extension member. */
  static Response problem(Failure failure) {
    byte[] body = Json.object(json -> members(json, failure));
    return finish(failure, Response.of(failure.status(), Response.PROBLEM_JSON, body));
  }

  /** What the module SDKs read. A wrong method is a 400 to them, as with the reference daemon. */
  static Response iotEdge(Failure failure) {
    Status status =
        failure.status() == Status.METHOD_NOT_ALLOWED ? Status.BAD_REQUEST : failure.status();
    byte[] body = Json.object(json -> json.writeStringField("message", failure.detail()));
    return finish(failure, Response.of(status, Response.JSON, body));
  }

  /** Both, for an answer that is given before the path is known. */
  static Response either(Failure failure) {
    byte[] body =
        Json.object(json -> {
          json.writeStringField("message", failure.detail());
          members(json, failure);
        });
    return finish(failure, Response.of(failure.status(), Response.JSON, body));
  }

  private static void members(JsonGenerator json, Failure failure) throws IOException {
    json.writeStringField("type", "about:blank");
    json.writeStringField("title", failure.status().reason());
    json.writeNumberField("status", failure.status().code());
    json.writeStringField("detail", failure.detail());
    json.writeStringField("code", failure.code());
    if (!failure.modules().isEmpty()) {
      Json.texts(json, "modules", failure.modules());
    }
  }

  private static Response finish(Failure failure, Response response) {
    Response answer = response;
    if (failure.retryAfter() > 0) {
      answer = answer.with(HttpHeaderNames.RETRY_AFTER, Integer.toString(failure.retryAfter()));
    }
    if (failure.allow() != null && answer.status() == Status.METHOD_NOT_ALLOWED) {
      answer = answer.with(HttpHeaderNames.ALLOW, failure.allow());
    }
    return answer;
  }
}
