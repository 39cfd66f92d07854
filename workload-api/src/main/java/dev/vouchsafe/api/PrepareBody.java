package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import dev.vouchsafe.ca.AuthorityInfo;
import java.io.IOException;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /authorities/prepare} on the administrators' socket; may be missing. */
final class PrepareBody {
  /**
   * What is to be prepared.
   *
   * @param keyStore where; empty for the one that the configuration says
   * @param now whether to do without the active root's word where it can't be had
   */
  record Wanted(AuthorityInfo.Role role, Optional<String> keyStore, boolean now) {}

  private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,32}");

  private AuthorityInfo.Role role = AuthorityInfo.Role.DEVICE;
  private @Nullable String keyStore;
  private boolean now;

  private PrepareBody() {}

  static Wanted parse(byte[] body) throws Failure {
    PrepareBody fields = new PrepareBody();
    if (body.length > 0) {
      StrictBody.read(body, fields::take);
    }
    if (fields.now && fields.role != AuthorityInfo.Role.ROOT) {
      throw StrictBody.invalid("now: is of a root only");
    }
    return new Wanted(fields.role, Optional.ofNullable(fields.keyStore), fields.now);
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    switch (name) {
      case "authority" -> role = role(StrictBody.text(json, name));
      case "keyStore" -> {
        keyStore = StrictBody.text(json, name);
        if (!NAME.matcher(keyStore).matches()) {
          throw StrictBody.invalid("keyStore: is not the name of a key store");
        }
      }
      case "now" -> now = StepBody.truth(json, name);
      default -> throw StrictBody.unknown(name);
    }
  }

  static AuthorityInfo.Role role(String text) throws Failure {
    return switch (text) {
      case "device" -> AuthorityInfo.Role.DEVICE;
      case "root" -> AuthorityInfo.Role.ROOT;
      default -> throw StrictBody.invalid("authority: is neither device nor root");
    };
  }
}
