package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import dev.vouchsafe.ca.ModuleKeys;
import java.io.IOException;

/** The body of {@code POST /modules/NAME/key} on the administrators' socket; may be missing. */
final class KeyBody {
  private ModuleKeys.Which which = ModuleKeys.Which.PRIMARY;

  private KeyBody() {}

  /** Which key is asked for; the primary one unless it is said. */
  static ModuleKeys.Which parse(byte[] body) throws Failure {
    KeyBody fields = new KeyBody();
    if (body.length > 0) {
      StrictBody.read(body, fields::take);
    }
    return fields.which;
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    if (!name.equals("which")) {
      throw StrictBody.unknown(name);
    }
    which =
        switch (StrictBody.text(json, name)) {
          case "primary" -> ModuleKeys.Which.PRIMARY;
          case "secondary" -> ModuleKeys.Which.SECONDARY;
          default -> throw StrictBody.invalid("which: is neither primary nor secondary");
        };
  }
}
