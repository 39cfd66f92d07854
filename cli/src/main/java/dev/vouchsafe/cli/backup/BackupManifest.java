package dev.vouchsafe.cli.backup;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.vouchsafe.ca.BackupSealer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a backup says of itself.
 *
 * @param id random, 32 digits of 0-9 a-f
 * @param known all that was delivered before this moment is in it
 * @param deviceId the gateway's
 * @param trustDomain the gateway's
 * @param program version of the program that made it
 * @param checkpoint the audit log's last checkpoint then; empty if there was none
 * @param sealer what proves it
 * @param files every file, but the manifest and its signature
 */
public record BackupManifest(
    String id,
    Instant known,
    String deviceId,
    String trustDomain,
    String program,
    String checkpoint,
    BackupSealer sealer,
    List<Entry> files) {
  /** The version of the format. Another one is not read. */
  static final int FORMAT = 1;

  static final int MOST_FILES = 50_000;
  static final int LARGEST = 16 * 1024 * 1024;
  private static final int LONGEST_TEXT = 64 * 1024;

  private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  private static final ObjectMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /**
   * A file.
   *
   * @param name as {@link BackupNames} allows it
   * @param octets how many
   * @param sha256 of them, in hex
   */
  public record Entry(String name, long octets, String sha256) {}

  public BackupManifest {
    files = List.copyOf(files);
  }

  byte[] encoded() throws IOException {
    ByteArrayOutputStream octets = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(octets)) {
      json.writeStartObject();
      json.writeNumberField("format", FORMAT);
      json.writeStringField("id", id);
      json.writeStringField("known", known.toString());
      json.writeStringField("deviceId", deviceId);
      json.writeStringField("trustDomain", trustDomain);
      json.writeStringField("program", program);
      json.writeStringField("checkpoint", checkpoint);
      json.writeStringField("keyStore", sealer.keyStore());
      json.writeStringField("publicKey", sealer.publicKey());
      json.writeStringField("sealed", sealer.sealed());
      json.writeArrayFieldStart("files");
      for (Entry file : files) {
        json.writeStartObject();
        json.writeStringField("name", file.name());
        json.writeNumberField("octets", file.octets());
        json.writeStringField("sha256", file.sha256());
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    return octets.toByteArray();
  }

  /**
   * Reads one, whoever wrote it.
   *
   * @throws BackupException if it is none, or of another format
   */
  static BackupManifest parse(byte[] octets) throws BackupException {
    JsonNode json;
    try {
      json = JSON.readTree(octets);
    } catch (IOException e) {
      throw new BackupException("the backup's manifest is no JSON", e);
    }
    if (json == null || !json.isObject()) {
      throw new BackupException("the backup's manifest is no object");
    }
    JsonNode format = json.path("format");
    if (!format.isInt() || format.intValue() != FORMAT) {
      throw new BackupException(
          "the backup is of another format than " + FORMAT + ": use the release that made it");
    }
    return new BackupManifest(
        matching(json, "id", ID),
        time(json),
        text(json, "deviceId"),
        text(json, "trustDomain"),
        text(json, "program"),
        text(json, "checkpoint"),
        new BackupSealer(text(json, "keyStore"), text(json, "publicKey"), text(json, "sealed")),
        files(json.path("files")));
  }

  private static Instant time(JsonNode json) throws BackupException {
    try {
      return Instant.parse(text(json, "known"));
    } catch (DateTimeException e) {
      throw new BackupException("the backup's manifest has no time", e);
    }
  }

  private static List<Entry> files(JsonNode array) throws BackupException {
    if (!array.isArray() || array.isEmpty() || array.size() > MOST_FILES) {
      throw new BackupException("the backup's manifest has no files, or too many");
    }
    List<Entry> files = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (JsonNode file : array) {
      String name = text(file, "name");
      JsonNode octets = file.path("octets");
      if (!BackupNames.isAllowed(name) || !names.add(name)) {
        throw new BackupException("the backup's manifest names a file that can't be in one");
      }
      if (!octets.isIntegralNumber() || !octets.canConvertToLong() || octets.longValue() < 0) {
        throw new BackupException("the backup's manifest has a file without a size");
      }
      files.add(new Entry(name, octets.longValue(), matching(file, "sha256", SHA256)));
    }
    if (!names.contains(BackupNames.LEDGER)) {
      throw new BackupException("the backup has no ledger");
    }
    return files;
  }

  private static String matching(JsonNode json, String field, Pattern form) throws BackupException {
    String text = text(json, field);
    if (!form.matcher(text).matches()) {
      throw new BackupException("the backup's manifest has a bad " + field);
    }
    return text;
  }

  private static String text(JsonNode json, String field) throws BackupException {
    JsonNode value = json.path(field);
    if (!value.isTextual() || value.textValue().length() > LONGEST_TEXT) {
      throw new BackupException("the backup's manifest has no " + field);
    }
    return value.textValue();
  }
}
