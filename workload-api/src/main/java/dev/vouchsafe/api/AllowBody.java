package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /revocations/allow} on the administrators' socket. */
final class AllowBody {
  /**
   * Who may have certificates again.
   *
   * @param generation only that one
   */
  record Wanted(String module, Optional<String> generation) {}

  private @Nullable String module;
  private @Nullable String generation;

  private AllowBody() {}

  static Wanted parse(byte[] body) throws Failure {
    AllowBody fields = new AllowBody();
    StrictBody.read(body, fields::take);
    String module = fields.module;
    if (module == null) {
      throw StrictBody.invalid("module: is missing");
    }
    return new Wanted(module, Optional.ofNullable(fields.generation));
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    switch (name) {
      case "module" -> module = RevokeBody.name(json, name);
      case "generation" -> generation = RevokeBody.name(json, name);
      default -> throw StrictBody.unknown(name);
    }
  }
}
