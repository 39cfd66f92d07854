package dev.vouchsafe.attestation;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What an engine says of a container (Docker Engine API, {@code GET /containers/ID/json}; Podman's
 * compatible API gives the same).
 *
 * @param pid of its first process, in the engine's pid namespace; 0 if it doesn't run
 * @param name without the leading slash
 * @param image as it was named when the container was made
 * @param imageDigest {@code sha256:} and 64 hex digits
 */
record ContainerFacts(
    String id, int pid, String name, String image, String imageDigest, Map<String, String> labels) {
  private static final Pattern DIGEST = Pattern.compile("(?:sha256:)?([0-9a-f]{64})");

  /** Two keys of one name have no meaning, and other readers might take the other one. */
  private static final ObjectMapper JSON =
      new ObjectMapper(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(64)
                          .maxNumberLength(32)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  ContainerFacts {
    labels = Map.copyOf(labels);
  }

  /**
   * Reads an engine's answer.
   *
   * @throws IOException if it isn't one; nothing is made up for what is missing
   */
  static ContainerFacts parse(byte[] json) throws IOException {
    JsonNode root;
    try (JsonParser parser = JSON.createParser(json)) {
      root = JSON.readTree(parser);
    } catch (JsonProcessingException e) {
      // Its message may quote what was sent.
      throw nonsense("no JSON");
    }
    if (root == null || !root.isObject()) {
      throw nonsense("no JSON object");
    }
    JsonNode state = root.path("State");
    JsonNode running = state.path("Running");
    JsonNode pid = state.path("Pid");
    if (!running.isBoolean() || !pid.canConvertToInt() || !pid.isIntegralNumber()) {
      throw nonsense("State");
    }
    var digest = DIGEST.matcher(text(root, "Image"));
    if (!digest.matches()) {
      throw nonsense("Image");
    }
    String name = text(root, "Name");
    JsonNode config = root.path("Config");
    return new ContainerFacts(
        text(root, "Id"),
        running.booleanValue() ? Math.max(pid.intValue(), 0) : 0,
        name.startsWith("/") ? name.substring(1) : name,
        text(config, "Image"),
        "sha256:" + digest.group(1),
        labels(config.path("Labels")));
  }

  private static String text(JsonNode object, String key) throws IOException {
    JsonNode node = object.path(key);
    if (!node.isTextual()) {
      throw nonsense(key);
    }
    return node.textValue();
  }

  private static Map<String, String> labels(JsonNode node) throws IOException {
    Map<String, String> labels = new HashMap<>();
    if (node.isNull() || node.isMissingNode()) {
      return labels;
    }
    if (!node.isObject()) {
      throw nonsense("Labels");
    }
    for (Map.Entry<String, JsonNode> label : node.properties()) {
      if (!label.getValue().isTextual()) {
        throw nonsense("Labels");
      }
      labels.put(label.getKey(), label.getValue().textValue());
    }
    return labels;
  }

  private static IOException nonsense(String where) {
    return new IOException("the engine's answer can't be understood: " + where);
  }
}
