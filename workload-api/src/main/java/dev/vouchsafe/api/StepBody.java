package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.vouchsafe.ca.AuthorityInfo;
import java.io.IOException;

/** The body of a step in the life of authorities; may be missing. */
final class StepBody {
  private AuthorityInfo.Role role = AuthorityInfo.Role.DEVICE;
  private boolean now;

  private StepBody() {}

  /** Of a step of the authority that the path names: {@code now} only. */
  static boolean now(byte[] body) throws Failure {
    StepBody fields = new StepBody();
    if (body.length > 0) {
      StrictBody.read(
          body,
          (json, name) -> {
            if (!name.equals("now")) {
              throw StrictBody.unknown(name);
            }
            fields.now = truth(json, name);
          });
    }
    return fields.now;
  }

  /** Of the steps of a role. */
  static AuthorityInfo.Role role(byte[] body) throws Failure {
    StepBody fields = new StepBody();
    if (body.length > 0) {
      StrictBody.read(
          body,
          (json, name) -> {
            if (!name.equals("authority")) {
              throw StrictBody.unknown(name);
            }
            fields.role = PrepareBody.role(StrictBody.text(json, name));
          });
    }
    return fields.role;
  }

  private static boolean truth(JsonParser json, String name) throws IOException, Failure {
    if (json.currentToken() != JsonToken.VALUE_TRUE
        && json.currentToken() != JsonToken.VALUE_FALSE) {
      throw StrictBody.invalid(name + ": is neither true nor false");
    }
    return json.getBooleanValue();
  }
}
