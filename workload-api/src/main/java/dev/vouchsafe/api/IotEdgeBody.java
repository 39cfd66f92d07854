package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The body of an IoT Edge certificate request. Lenient where the reference daemon is: unknown
 * members are passed over, and a missing one is an error only where it must be there.
 *
 * @param commonName the name for the certificate, if one was given
 * @param expiration when it is to end, if that was given
 */
record IotEdgeBody(Optional<String> commonName, Optional<Instant> expiration) {

  /** Reads a body that may be missing. */
  static IotEdgeBody parse(Request request) throws Failure {
    byte[] body = request.body();
    if (body.length == 0 || !MediaTypes.isJson(request.header("content-type"))) {
      return new IotEdgeBody(Optional.empty(), Optional.empty());
    }
    return read(body);
  }

  /** Whether there is a body that may be read as JSON. */
  static boolean present(Request request) {
    return request.body().length > 0 && MediaTypes.isJson(request.header("content-type"));
  }

  private static IotEdgeBody read(byte[] body) throws Failure {
    @Nullable String commonName = null;
    @Nullable String expiration = null;
    try (JsonParser json = Json.parser(body)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw unprocessable("the body is no JSON object");
      }
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String name = json.currentName();
        json.nextToken();
        switch (name) {
          case "commonName" -> commonName = text(json, name);
          case "expiration" -> expiration = text(json, name);
          default -> json.skipChildren();
        }
      }
      if (json.nextToken() != null) {
        throw unprocessable("something follows the JSON object");
      }
    } catch (IOException e) {
      throw unprocessable("the body is no JSON within the limits");
    }
    return new IotEdgeBody(Optional.ofNullable(commonName), time(expiration));
  }

  private static @Nullable String text(JsonParser json, String name) throws IOException, Failure {
    return switch (json.currentToken()) {
      case VALUE_STRING -> json.getText();
      case VALUE_NULL -> null;
      default -> throw unprocessable(name + ": is no string");
    };
  }

  private static Optional<Instant> time(@Nullable String text) throws Failure {
    if (text == null || text.isBlank()) {
      return Optional.empty();
    }
    try {
      return Optional.of(Times.parse(text.strip()));
    } catch (DateTimeException e) {
      throw unprocessable("expiration: is no time as 2030-01-31T12:00:00Z");
    }
  }

  private static Failure unprocessable(String detail) {
    return Failure.of(Problem.BODY_UNPROCESSABLE, detail);
  }
}
