package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A SharedAccessSignature as the module SDKs of IoT Edge make one: resource and end, signed by the
 * service with the module's key over the IoT Edge Workload API.
 */
final class SasToken {
  /** What the SDKs ask for. */
  static final Duration LIFETIME = Duration.ofHours(1);

  private static final String VERSION = "?api-version=2022-08-03";

  /**
   * Who the token is for, as far as the surroundings say it.
   *
   * @param hub the hub's name
   * @param deviceId the device id
   */
  record Surroundings(Optional<String> hub, Optional<String> deviceId) {}

  private final ServiceClient service;
  private final Surroundings surroundings;
  private final InstantSource clock;

  SasToken(ServiceClient service, Surroundings surroundings, InstantSource clock) {
    this.service = service;
    this.surroundings = surroundings;
    this.clock = clock;
  }

  /** Gets one, as {@code {token, expiresAt}}. */
  JsonNode fetch(
      @Nullable String module, @Nullable String hub, @Nullable String deviceId, Duration life)
      throws CommandFailure, IOException {
    JsonNode identity = service.getJson("/v1/identity" + Targets.module(module));
    String name = identity.path("module").asText();
    String resource =
        known("--hub", hub, surroundings.hub())
            + "/devices/"
            + known("--device-id", deviceId, surroundings.deviceId())
            + "/modules/"
            + name;
    Instant end = clock.instant().plus(life).truncatedTo(ChronoUnit.SECONDS);
    String signed = encoded(resource) + "\n" + end.getEpochSecond();
    String target =
        "/modules/"
            + Targets.encoded(name)
            + "/genid/"
            + Targets.encoded(identity.path("generation").asText())
            + "/sign"
            + VERSION;
    String digest = service.postJson(target, request(signed)).path("digest").asText();
    String token =
        "SharedAccessSignature sr="
            + encoded(resource)
            + "&sig="
            + encoded(digest)
            + "&se="
            + end.getEpochSecond();
    return new ObjectMapper()
        .createObjectNode()
        .put("token", token)
        .put("expiresAt", end.toString());
  }

  private static byte[] request(String signed) throws IOException {
    byte[] data = signed.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(body)) {
      json.writeStartObject();
      json.writeStringField("keyId", "primary");
      json.writeStringField("algo", "HMACSHA256");
      json.writeStringField("data", Base64.getEncoder().encodeToString(data));
      json.writeEndObject();
    }
    return body.toByteArray();
  }

  private static String known(String option, @Nullable String given, Optional<String> found)
      throws CommandFailure {
    return Optional.ofNullable(given)
        .or(() -> found)
        .orElseThrow(
            () -> CommandFailure.usage("--sas needs " + option + ": nothing here says it"));
  }

  /** As the SDKs do, so that a verifier gets the octets that it is used to. */
  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
