package dev.vouchsafe.ca;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.ca.RevocationLedger.RevokedToken;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The file {@code revoked-tokens.json} beside {@code jwks.json}, for who verifies by himself. */
final class RevokedTokensFile {
  static final String NAME = "revoked-tokens.json";

  private static final System.Logger LOG = System.getLogger(RevokedTokensFile.class.getName());

  /** In octets: some hundred thousand tokens. Who verifies reads no more either. */
  private static final int LARGEST = 16 * 1024 * 1024;

  /** Those of {@link TokenIds}. */
  private static final Pattern ID = Pattern.compile("[0-9a-f]{27}");

  private final Path folder;

  RevokedTokensFile(Path folder) {
    this.folder = folder;
  }

  static boolean isId(String text) {
    return ID.matcher(text).matches();
  }

  /** Makes the file have just that content. */
  void hold(String content) throws IOException {
    new JwksFile(folder, NAME).hold(content);
  }

  /**
   * What it names; nothing if there is no such file.
   *
   * @throws IOException also if it is no such list: then nobody knows what it named
   */
  List<RevokedToken> read() throws IOException {
    try (InputStream in = Files.newInputStream(folder.resolve(NAME))) {
      byte[] octets = in.readNBytes(LARGEST + 1);
      if (octets.length > LARGEST) {
        throw new IOException(NAME + " is larger than " + LARGEST + " octets");
      }
      JsonNode items =
          new StrictJson()
              .object(new String(octets, StandardCharsets.UTF_8))
              .map(object -> object.path("items"))
              .filter(JsonNode::isArray)
              .orElseThrow(() -> new IOException("it is damaged"));
      List<RevokedToken> tokens = new ArrayList<>();
      for (JsonNode item : items) {
        Optional<RevokedToken> token = token(item);
        if (token.isEmpty()) {
          LOG.log(System.Logger.Level.WARNING, "an entry of {0} is damaged: {1}", NAME, item);
        }
        token.ifPresent(tokens::add);
      }
      return tokens;
    } catch (NoSuchFileException e) {
      return List.of();
    }
  }

  private static Optional<RevokedToken> token(JsonNode item) {
    String id = item.path("id").asText();
    try {
      return isId(id)
          ? Optional.of(new RevokedToken(id, Instant.parse(item.path("endsBefore").asText())))
          : Optional.empty();
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }

  static String json(List<RevokedToken> tokens) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.writeStartObject();
      json.writeArrayFieldStart("items");
      for (RevokedToken token : tokens) {
        json.writeStartObject();
        json.writeStringField("id", token.id());
        json.writeStringField("endsBefore", token.latestExpiry().toString());
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("nothing is written but memory", e);
    }
    return text.toString();
  }
}
