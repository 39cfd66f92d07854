package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The body of an IoT Edge request: a JSON object, of which the members that the route knows are
 * kept. Lenient where the reference daemon is: unknown members are passed over, and a missing one
 * is an error only where it must be there. A known one that stands there twice is an error, since
 * which of them is meant can't be told.
 */
final class IotEdgeBody {
  private final List<String> names;
  private final @Nullable String[] texts;
  private final boolean[] seen;

  /** Which of them are neither a string nor null. */
  private final boolean[] strange;

  private IotEdgeBody(List<String> names) {
    this.names = names;
    this.texts = new String[names.size()];
    this.seen = new boolean[names.size()];
    this.strange = new boolean[names.size()];
  }

  /** Reads a body that may be missing. */
  static IotEdgeBody optional(Request request, List<String> names) throws Failure {
    IotEdgeBody body = new IotEdgeBody(names);
    if (present(request)) {
      body.read(request.body());
    }
    return body;
  }

  /** Reads a body that must be there. */
  static IotEdgeBody required(Request request, List<String> names) throws Failure {
    if (!present(request)) {
      throw Failure.of(Problem.REQUEST_INVALID, "missing body");
    }
    return optional(request, names);
  }

  /** Whether there is a body that may be read as JSON; one of another type is as none. */
  private static boolean present(Request request) {
    return request.body().length > 0 && MediaTypes.isJson(request.header("content-type"));
  }

  /** The text of a member, which must be there. */
  String text(String name) throws Failure {
    int at = strict(name);
    String text = texts[at];
    if (text == null) {
      throw unprocessable(name + ": is missing");
    }
    return text;
  }

  /** The text of a member of which nothing else is read, whatever it is. */
  Optional<String> anyText(String name) {
    return Optional.ofNullable(texts[at(name)]);
  }

  /** The time in a member; empty if it is missing, null or blank. */
  Optional<Instant> time(String name) throws Failure {
    int at = strict(name);
    String text = texts[at];
    if (text == null || text.isBlank()) {
      return Optional.empty();
    }
    try {
      return Optional.of(Times.parse(text.strip()));
    } catch (DateTimeException e) {
      throw unprocessable(name + ": is no time as 2030-01-31T12:00:00Z");
    }
  }

  private int strict(String name) throws Failure {
    int at = at(name);
    if (strange[at]) {
      throw unprocessable(name + ": is no string");
    }
    return at;
  }

  private int at(String name) {
    int at = names.indexOf(name);
    if (at < 0) {
      throw new IllegalArgumentException("not a member of this body: " + name);
    }
    return at;
  }

  private void read(byte[] body) throws Failure {
    try (JsonParser json = Json.parser(body)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw unprocessable("the body is no JSON object");
      }
      while (json.nextToken() != JsonToken.END_OBJECT) {
        int at = names.indexOf(json.currentName());
        json.nextToken();
        if (at >= 0) {
          take(json, at);
        }
        json.skipChildren();
      }
      if (json.nextToken() != null) {
        throw unprocessable("something follows the JSON object");
      }
    } catch (IOException e) {
      throw unprocessable("the body is no JSON within the limits");
    }
  }

  private void take(JsonParser json, int at) throws IOException, Failure {
    if (seen[at]) {
      throw unprocessable(names.get(at) + ": given twice");
    }
    seen[at] = true;
    JsonToken token = json.currentToken();
    if (token == JsonToken.VALUE_STRING) {
      texts[at] = json.getText();
    } else {
      strange[at] = token != JsonToken.VALUE_NULL;
    }
  }

  private static Failure unprocessable(String detail) {
    return Failure.of(Problem.BODY_UNPROCESSABLE, detail);
  }
}
