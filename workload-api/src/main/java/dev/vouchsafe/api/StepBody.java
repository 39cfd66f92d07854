package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.vouchsafe.ca.AuthorityInfo;
import java.io.IOException;
import java.util.Optional;

/** The body of a step in the life of authorities; may be missing. */
final class StepBody {
  private AuthorityInfo.Role role = AuthorityInfo.Role.DEVICE;
  private Optional<AuthorityInfo.State> from = Optional.empty();
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

  /** Of giving up the authority that the path names: the state in which it is meant. */
  static Optional<AuthorityInfo.State> from(byte[] body) throws Failure {
    StepBody fields = new StepBody();
    if (body.length > 0) {
      StrictBody.read(
          body,
          (json, name) -> {
            if (!name.equals("from")) {
              throw StrictBody.unknown(name);
            }
            fields.from = Optional.of(state(StrictBody.text(json, name)));
          });
    }
    return fields.from;
  }

  private static AuthorityInfo.State state(String text) throws Failure {
    return switch (text) {
      case "prepared" -> AuthorityInfo.State.PREPARED;
      case "published" -> AuthorityInfo.State.PUBLISHED;
      case "active" -> AuthorityInfo.State.ACTIVE;
      default -> throw StrictBody.invalid("from: is neither prepared, published nor active");
    };
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

  static boolean truth(JsonParser json, String name) throws IOException, Failure {
    if (json.currentToken() != JsonToken.VALUE_TRUE
        && json.currentToken() != JsonToken.VALUE_FALSE) {
      throw StrictBody.invalid(name + ": is neither true nor false");
    }
    return json.getBooleanValue();
  }
}
