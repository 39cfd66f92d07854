package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * JSON as it goes in and out: compact, all ASCII, no line feed, since an SDK decodes its answer as
 * US-ASCII and joins its lines; coming in, within limits.
 */
final class Json {
  private static final int DEEPEST = 8;
  private static final int LONGEST_NAME = 256;
  private static final int LONGEST_NUMBER = 32;

  /** Octets; most answers are shorter, and what is longer costs one copy. */
  private static final int FIRST_SIZE = 256;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(DEEPEST)
                  .maxNameLength(LONGEST_NAME)
                  .maxNumberLength(LONGEST_NUMBER)
                  .maxStringLength(WorkloadRoutes.LONGEST_BODY)
                  .maxDocumentLength(WorkloadRoutes.LONGEST_BODY)
                  .build())
          // Names come from callers: interning them would keep each for ever.
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
          .build();

  private Json() {}

  /** Writes the members of one object. */
  interface Members {
    void write(JsonGenerator json) throws IOException;
  }

  /** One object as octets. */
  static byte[] object(Members members) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(FIRST_SIZE);
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      json.writeStartObject();
      members.write(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("memory can't be written", e);
    }
    return out.toByteArray();
  }

  /** A member that is an array of texts. */
  static void texts(JsonGenerator json, String name, Iterable<String> texts) throws IOException {
    json.writeArrayFieldStart(name);
    for (String text : texts) {
      json.writeString(text);
    }
    json.writeEndArray();
  }

  static JsonParser parser(byte[] body) throws IOException {
    return FACTORY.createParser(body);
  }
}
