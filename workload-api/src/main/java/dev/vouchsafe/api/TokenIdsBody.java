package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.util.List;

/** The body of {@code POST /revocations/tokens} on the administrators' socket. */
final class TokenIdsBody {
  private static final int MOST = 1000;

  private List<String> ids = List.of();

  private TokenIdsBody() {}

  static List<String> parse(byte[] body) throws Failure {
    TokenIdsBody fields = new TokenIdsBody();
    StrictBody.read(body, fields::take);
    if (fields.ids.isEmpty()) {
      throw StrictBody.invalid("ids: is missing");
    }
    return fields.ids;
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    if (!name.equals("ids")) {
      throw StrictBody.unknown(name);
    }
    ids = RevokeBody.ids(StrictBody.texts(json, name, MOST), name);
  }
}
