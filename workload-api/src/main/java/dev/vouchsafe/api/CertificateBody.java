package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.Profile;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The body of {@code POST /v1/certificates}. Strict: an unknown or doubled member is an error that
 * names it, since a member that is passed over may be one that the caller relies on.
 */
final class CertificateBody {
  private static final int MOST_NAMES = 128;

  /** More than any cap, and far from where time arithmetic overflows. */
  private static final long LONGEST_TTL_SECONDS = Duration.ofDays(36_500).toSeconds();

  private @Nullable Profile profile;
  private @Nullable String csr;
  private @Nullable String commonName;
  private @Nullable String keyType;
  private @Nullable Duration ttl;
  private List<String> dns = List.of();
  private List<String> ip = List.of();

  private CertificateBody() {}

  /** Reads a body, which must be one JSON object. */
  static CertificateRequest parse(byte[] body) throws Failure {
    CertificateBody fields = new CertificateBody();
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
        fields.take(json, name);
      }
      if (json.nextToken() != null) {
        throw invalid("something follows the JSON object");
      }
    } catch (IOException e) {
      throw invalid("the body is no JSON within the limits");
    }
    return fields.request();
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    switch (name) {
      case "profile" ->
          profile =
              Profile.parse(text(json, name))
                  .orElseThrow(() -> invalid("profile: is neither identity nor server"));
      case "csr" -> csr = text(json, name);
      case "commonName" -> commonName = text(json, name);
      case "keyType" -> keyType = text(json, name);
      case "dns" -> dns = texts(json, name);
      case "ip" -> ip = texts(json, name);
      case "ttlSeconds" -> ttl = seconds(json, name);
      default -> throw invalid(shown(name) + ": there is no such field");
    }
  }

  private CertificateRequest request() throws Failure {
    if (profile == null) {
      throw invalid("profile: is missing");
    }
    return new CertificateRequest(
        profile,
        Optional.ofNullable(csr),
        Optional.ofNullable(commonName),
        dns,
        ip,
        Optional.ofNullable(ttl),
        Optional.ofNullable(keyType));
  }

  private static String text(JsonParser json, String name) throws IOException, Failure {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw invalid(name + ": is no string");
    }
    String text = json.getText();
    if (text.isEmpty()) {
      throw invalid(name + ": is empty");
    }
    return text;
  }

  private static List<String> texts(JsonParser json, String name) throws IOException, Failure {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw invalid(name + ": is no array of strings");
    }
    List<String> texts = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (texts.size() == MOST_NAMES) {
        throw invalid(name + ": has more than " + MOST_NAMES + " entries");
      }
      texts.add(text(json, name));
    }
    return texts;
  }

  private static Duration seconds(JsonParser json, String name) throws IOException, Failure {
    if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      throw invalid(name + ": is no whole number");
    }
    // Any size: over the cap it is shortened, not refused.
    var number = json.getBigIntegerValue();
    if (number.signum() <= 0) {
      throw invalid(name + ": is not positive");
    }
    long seconds = number.bitLength() > 62 ? LONGEST_TTL_SECONDS : number.longValueExact();
    return Duration.ofSeconds(Math.min(seconds, LONGEST_TTL_SECONDS));
  }

  private static String shown(String name) {
    return QuietLog.harmless(name.length() > 64 ? name.substring(0, 64) : name);
  }

  private static Failure invalid(String detail) {
    return Failure.of(Problem.REQUEST_INVALID, detail);
  }
}
