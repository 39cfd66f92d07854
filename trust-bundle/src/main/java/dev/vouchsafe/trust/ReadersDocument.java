package dev.vouchsafe.trust;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The text of the readers' file: a JSON object with {@code version} (1), {@code readers} (objects
 * with {@code name}, {@code sequence}, {@code fetched} if it was, {@code heard}) and {@code
 * sha256}, a check on the text of {@code readers} that notices damage.
 */
final class ReadersDocument {
  /** What is read at most, in octets: as many readers as there may be, with the longest names. */
  static final int LARGEST = 4 << 20;

  private static final int VERSION = 1;
  private static final int LONGEST_NAME = 1024;

  private ReadersDocument() {}

  static byte[] encoded(List<BundleReaders.Reader> readers) throws IOException {
    JsonMapper mapper = mapper();
    ObjectNode document = mapper.createObjectNode();
    document.put("version", VERSION);
    ArrayNode array = document.putArray("readers");
    for (BundleReaders.Reader reader : readers) {
      ObjectNode object =
          array.addObject().put("name", reader.name()).put("sequence", reader.sequence());
      reader.fetched().ifPresent(time -> object.put("fetched", time.toString()));
      object.put("heard", reader.heard().toString());
    }
    document.put("sha256", check(mapper.writeValueAsBytes(array)));
    return mapper.writeValueAsBytes(document);
  }

  /**
   * @throws IOException if it is not what {@link #encoded} makes of some readers
   */
  static List<BundleReaders.Reader> parse(byte[] text) throws IOException {
    try {
      JsonMapper mapper = mapper();
      JsonNode document = mapper.readTree(text);
      JsonNode array = document.path("readers");
      if (document.path("version").asInt() != VERSION
          || document.size() != 3
          || !array.isArray()
          || array.size() > BundleReaders.MOST
          || !document.path("sha256").asText().equals(check(mapper.writeValueAsBytes(array)))) {
        throw new IOException("the file of the bundle's readers is damaged or of another version");
      }
      List<BundleReaders.Reader> readers = new ArrayList<>();
      Set<String> names = new HashSet<>();
      for (JsonNode each : array) {
        BundleReaders.Reader reader = reader(each);
        if (!names.add(reader.name())) {
          throw new IOException("the file of the bundle's readers has one twice");
        }
        readers.add(reader);
      }
      return readers;
    } catch (JsonProcessingException | DateTimeParseException e) {
      throw new IOException("the file of the bundle's readers can't be understood", e);
    }
  }

  private static BundleReaders.Reader reader(JsonNode object) throws IOException {
    String name = object.path("name").asText();
    JsonNode sequence = object.path("sequence");
    if (name.isEmpty()
        || name.length() > LONGEST_NAME
        || !sequence.canConvertToLong()
        || sequence.asLong() < 0) {
      throw new IOException("the file of the bundle's readers has one that is none");
    }
    return new BundleReaders.Reader(
        name,
        sequence.asLong(),
        object.has("fetched")
            ? Optional.of(Instant.parse(object.path("fetched").asText()))
            : Optional.empty(),
        Instant.parse(object.path("heard").asText()));
  }

  private static String check(byte[] text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(text));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }

  private static JsonMapper mapper() {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(3)
                    .maxDocumentLength(LARGEST)
                    .maxStringLength(LONGEST_NAME)
                    .maxNumberLength(20)
                    .build())
            .build();
    return JsonMapper.builder(factory)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
        .build();
  }
}
