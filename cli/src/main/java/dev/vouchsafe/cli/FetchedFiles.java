package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The files that a fetched certificate becomes.
 *
 * @param files each with what it is
 */
record FetchedFiles(Map<String, Path> files) {
  /** Writes them; the certificate last, since servers that watch files wait for that one. */
  static FetchedFiles write(Path folder, JsonNode answer) throws CommandFailure {
    Map<String, Path> files = new LinkedHashMap<>();
    try {
      DurableFiles.folder(folder.toAbsolutePath().normalize(), "rwxr-xr-x");
      put(files, folder, "trustBundle", "bundle.pem", "rw-r--r--", answer);
      put(files, folder, "privateKey", "key.pem", "rw-------", answer);
      put(files, folder, "certificate", "certificate.pem", "rw-r--r--", answer);
    } catch (IOException e) {
      throw CommandFailure.failed("--out: not all was written: " + Causes.of(e), e);
    }
    if (!files.containsKey("certificate")) {
      throw CommandFailure.failed("the service's answer has no certificate");
    }
    return new FetchedFiles(Map.copyOf(files));
  }

  private static void put(
      Map<String, Path> files, Path folder, String field, String name, String mode, JsonNode answer)
      throws IOException {
    String text = answer.path(field).asText("");
    if (!text.isEmpty()) {
      Path file = folder.resolve(name);
      DurableFiles.write(file, text.getBytes(StandardCharsets.US_ASCII), mode);
      files.put(field, file);
    }
  }

  void print(Console console, boolean asJson, JsonNode answer) throws IOException {
    if (!asJson) {
      console
          .out()
          .println(
              "serial %s, valid until %s, renew after %s"
                  .formatted(
                      answer.path("serial").asText(),
                      answer.path("notAfter").asText(),
                      answer.path("renewAfter").asText()));
      files.values().stream().sorted().forEach(console.out()::println);
      return;
    }
    Json.print(
        console.out(),
        json -> {
          json.writeStartObject();
          for (String field : new String[] {"serial", "notBefore", "notAfter", "renewAfter"}) {
            json.writeStringField(field, answer.path(field).asText());
          }
          json.writeObjectFieldStart("files");
          for (String field : new String[] {"certificate", "privateKey", "trustBundle"}) {
            Path file = files.get(field);
            if (file != null) {
              json.writeStringField(field, file.toString());
            }
          }
          json.writeEndObject();
          json.writeEndObject();
        });
  }
}
