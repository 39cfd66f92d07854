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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /revocations} on the administrators' socket. */
final class RevokeBody {
  private static final int MOST_SERIALS = 1000;

  private static final int LONGEST_ID = 64;

  /** In characters; a module's name is never longer. */
  private static final int LONGEST_NAME = 256;

  private List<String> serials = List.of();
  private @Nullable String module;
  private @Nullable String generation;
  private @Nullable String authority;
  private boolean now;
  private @Nullable RevocationReason reason;
  private @Nullable Instant invalidSince;

  private RevokeBody() {}

  static RevokeBody parse(byte[] body) throws Failure {
    RevokeBody fields = new RevokeBody();
    StrictBody.read(body, fields::take);
    long targets =
        Stream.of(!fields.serials.isEmpty(), fields.module != null, fields.authority != null)
            .filter(given -> given)
            .count();
    if (targets != 1) {
      throw StrictBody.invalid("one of serials, module and authority has to be given");
    }
    if (fields.now && fields.authority == null) {
      throw StrictBody.invalid("now: goes with authority only");
    }
    if (fields.generation != null && fields.module == null) {
      throw StrictBody.invalid("generation: goes with module only");
    }
    return fields;
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    switch (name) {
      case "serials" -> serials = ids(StrictBody.texts(json, name, MOST_SERIALS), name);
      case "module" -> module = name(json, name);
      case "authority" -> authority = name(json, name);
      case "now" -> now = json.getBooleanValue();
      case "generation" -> generation = name(json, name);
      case "reason" -> reason = reason(StrictBody.text(json, name));
      case "invalidSince" -> invalidSince = time(StrictBody.text(json, name));
      default -> throw StrictBody.unknown(name);
    }
  }

  /** Those texts, of which none is longer than a serial number or a token's id may be. */
  static List<String> ids(List<String> texts, String name) throws Failure {
    if (texts.stream().anyMatch(text -> text.length() > LONGEST_ID)) {
      throw StrictBody.invalid(name + ": one is longer than " + LONGEST_ID + " characters");
    }
    return texts;
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
    if (authority != null) {
      return new Target.Authority(authority, now);
    }
    return name == null
        ? new Target.Serials(serials)
        : new Target.Module(name, Optional.ofNullable(generation), registered.apply(name));
  }

  RevocationReason reason() {
    if (reason != null) {
      return reason;
    }
    return authority == null ? RevocationReason.UNSPECIFIED : RevocationReason.CA_COMPROMISE;
  }

  Optional<Instant> invalidSince() {
    return Optional.ofNullable(invalidSince);
  }

  /** For the log and the audit log: what is to be revoked, in few words. */
  String object() {
    String name = module;
    if (authority != null) {
      return "authority " + authority + (now ? " now" : "");
    }
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
