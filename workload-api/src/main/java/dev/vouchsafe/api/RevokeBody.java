package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import dev.vouchsafe.ca.RevocationOrder.Target;
import dev.vouchsafe.ca.RevocationReason;
import java.io.IOException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /revocations} on the administrators' socket. */
final class RevokeBody {
  private static final int MOST_SERIALS = 1000;

  /** In characters; a module's name is never longer. */
  private static final int LONGEST_NAME = 256;

  private List<String> serials = List.of();
  private @Nullable String module;
  private @Nullable String generation;
  private RevocationReason reason = RevocationReason.UNSPECIFIED;
  private @Nullable Instant invalidSince;

  private RevokeBody() {}

  static RevokeBody parse(byte[] body) throws Failure {
    RevokeBody fields = new RevokeBody();
    StrictBody.read(body, fields::take);
    if (fields.serials.isEmpty() == (fields.module == null)) {
      throw StrictBody.invalid("either serials or module has to be given");
    }
    if (fields.generation != null && fields.module == null) {
      throw StrictBody.invalid("generation: goes with module only");
    }
    return fields;
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    switch (name) {
      case "serials" -> serials = StrictBody.texts(json, name, MOST_SERIALS);
      case "module" -> module = name(json, name);
      case "generation" -> generation = name(json, name);
      case "reason" -> reason = reason(StrictBody.text(json, name));
      case "invalidSince" -> invalidSince = time(StrictBody.text(json, name));
      default -> throw StrictBody.unknown(name);
    }
  }

  static String name(JsonParser json, String name) throws IOException, Failure {
    String text = StrictBody.text(json, name);
    if (text.length() > LONGEST_NAME) {
      throw StrictBody.invalid(name + ": is longer than " + LONGEST_NAME + " characters");
    }
    return text;
  }

  private static RevocationReason reason(String text) throws Failure {
    return RevocationReason.parse(text)
        .orElseThrow(() -> StrictBody.invalid("reason: is none of " + RevocationReason.words()));
  }

  private static Instant time(String text) throws Failure {
    try {
      return Instant.parse(text);
    } catch (DateTimeParseException e) {
      throw StrictBody.invalid("invalidSince: is no RFC 3339 time");
    }
  }

  /**
   * @param registered the generation of a module that is registered now
   */
  Target target(Function<String, Optional<String>> registered) {
    String name = module;
    return name == null
        ? new Target.Serials(serials)
        : new Target.Module(name, Optional.ofNullable(generation), registered.apply(name));
  }

  RevocationReason reason() {
    return reason;
  }

  Optional<Instant> invalidSince() {
    return Optional.ofNullable(invalidSince);
  }

  /** For the log and the audit log: what is to be revoked, in few words. */
  String object() {
    String name = module;
    if (name == null) {
      return serials.size() == 1
          ? serials.getFirst()
          : serials.getFirst() + " and " + (serials.size() - 1) + " more";
    }
    return "module " + name + (generation == null ? "" : " generation " + generation);
  }

  /** The same, one by one. */
  List<String> serials() {
    return serials;
  }
}
