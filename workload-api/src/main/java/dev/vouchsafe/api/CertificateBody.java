package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.Profile;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /v1/certificates}. */
final class CertificateBody {
  private static final int MOST_NAMES = 128;

  private final Set<Profile> known;
  private @Nullable Profile profile;
  private @Nullable String csr;
  private @Nullable String commonName;
  private @Nullable String keyType;
  private @Nullable Duration ttl;
  private List<String> dns = List.of();
  private List<String> ip = List.of();

  private CertificateBody(Set<Profile> known) {
    this.known = known;
  }

  /**
   * Reads a body, which must be one JSON object.
   *
   * @param known the profiles that there are
   */
  static CertificateRequest parse(byte[] body, Set<Profile> known) throws Failure {
    CertificateBody fields = new CertificateBody(known);
    StrictBody.read(body, fields::take);
    return fields.request();
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    switch (name) {
      case "profile" ->
          profile =
              Profile.parse(StrictBody.text(json, name))
                  .filter(known::contains)
                  .orElseThrow(() -> StrictBody.invalid("profile: there is none of that name"));
      case "csr" -> csr = StrictBody.text(json, name);
      case "commonName" -> commonName = StrictBody.text(json, name);
      case "keyType" -> keyType = StrictBody.text(json, name);
      case "dns" -> dns = StrictBody.texts(json, name, MOST_NAMES);
      case "ip" -> ip = StrictBody.texts(json, name, MOST_NAMES);
      case "ttlSeconds" -> ttl = StrictBody.seconds(json, name);
      default -> throw StrictBody.unknown(name);
    }
  }

  private CertificateRequest request() throws Failure {
    if (profile == null) {
      throw StrictBody.invalid("profile: is missing");
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
}
