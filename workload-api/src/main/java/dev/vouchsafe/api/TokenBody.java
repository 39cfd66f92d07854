package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import dev.vouchsafe.ca.TokenRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /v1/tokens}. */
final class TokenBody {
  private static final int MOST_AUDIENCES = 16;

  private @Nullable List<String> audience;
  private @Nullable Duration ttl;

  private TokenBody() {}

  /** Reads a body, which must be one JSON object. */
  static TokenRequest parse(byte[] body) throws Failure {
    TokenBody fields = new TokenBody();
    StrictBody.read(body, fields::take);
    return fields.request();
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    switch (name) {
      case "audience" -> audience = StrictBody.texts(json, name, MOST_AUDIENCES);
      case "ttlSeconds" -> ttl = StrictBody.seconds(json, name);
      default -> throw StrictBody.unknown(name);
    }
  }

  private TokenRequest request() throws Failure {
    if (audience == null) {
      throw StrictBody.invalid("audience: is missing");
    }
    if (audience.isEmpty()) {
      throw StrictBody.invalid("audience: names nobody");
    }
    return new TokenRequest(audience, Optional.ofNullable(ttl));
  }
}
