package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads a body under {@code /v1}, which is one JSON object. Strict: an unknown or doubled member is
 * an error that names it, since a member that is passed over may be one that the caller relies on.
 */
final class StrictBody {
  /** More than any cap, and far from where time arithmetic overflows. */
  private static final long LONGEST_TTL_SECONDS = Duration.ofDays(36_500).toSeconds();

  private StrictBody() {}

  /** Takes one member, whose value the parser stands at. */
  interface Members {
    void take(JsonParser json, String name) throws IOException, Failure;
  }

  /** Reads the whole body. */
  static void read(byte[] body, Members members) throws Failure {
    try (JsonParser json = Json.parser(body)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw invalid("the body is no JSON object");
      }
      Set<String> seen = new HashSet<>();
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String name = json.currentName();
        if (!seen.add(name)) {
          throw invalid(shown(name) + ": given twice");
        }
        json.nextToken();
        members.take(json, name);
      }
      if (json.nextToken() != null) {
        throw invalid("something follows the JSON object");
      }
    } catch (IOException e) {
      throw invalid("the body is no JSON within the limits");
    }
  }

  /** A member that must be a string with something in it. */
  static String text(JsonParser json, String name) throws IOException, Failure {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw invalid(name + ": is no string");
    }
    String text = json.getText();
    if (text.isEmpty()) {
      throw invalid(name + ": is empty");
    }
    return text;
  }

  /** A member that must be an array of such strings. */
  static List<String> texts(JsonParser json, String name, int most) throws IOException, Failure {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw invalid(name + ": is no array of strings");
    }
    List<String> texts = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (texts.size() == most) {
        throw invalid(name + ": has more than " + most + " entries");
      }
      texts.add(text(json, name));
    }
    return texts;
  }

  /** A lifetime in seconds. Any size: over the cap it is shortened, not refused. */
  static Duration seconds(JsonParser json, String name) throws IOException, Failure {
    if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      throw invalid(name + ": is no whole number");
    }
    var number = json.getBigIntegerValue();
    if (number.signum() <= 0) {
      throw invalid(name + ": is not positive");
    }
    long seconds = number.bitLength() > 62 ? LONGEST_TTL_SECONDS : number.longValueExact();
    return Duration.ofSeconds(Math.min(seconds, LONGEST_TTL_SECONDS));
  }

  /** What to say of a member that there is not. */
  static Failure unknown(String name) {
    return invalid(shown(name) + ": there is no such field");
  }

  static Failure invalid(String detail) {
    return Failure.of(Problem.REQUEST_INVALID, detail);
  }

  private static String shown(String name) {
    return QuietLog.harmless(name.length() > 64 ? name.substring(0, 64) : name);
  }
}
