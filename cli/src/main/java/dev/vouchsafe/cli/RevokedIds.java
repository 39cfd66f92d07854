package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/** The ids of revoked tokens, as the service publishes them. */
final class RevokedIds {
  /** Some hundred thousand tokens. */
  private static final int LARGEST = 16 * 1024 * 1024;

  private RevokedIds() {}

  /** The ids in that file; none if there is no such file, since the first revocation makes it. */
  static Set<String> read(Path file) throws CommandFailure {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] octets = in.readNBytes(LARGEST + 1);
      if (octets.length > LARGEST) {
        throw CommandFailure.failed(file + ": over " + LARGEST + " octets");
      }
      JsonNode items = Json.read(new String(octets, StandardCharsets.UTF_8)).path("items");
      if (!items.isArray()) {
        throw CommandFailure.failed(file + " is no list of revoked tokens");
      }
      Set<String> ids = new HashSet<>();
      items.forEach(item -> ids.add(item.path("id").asText()));
      return ids;
    } catch (NoSuchFileException e) {
      return Set.of();
    } catch (IOException e) {
      // What can't be read may have the very token.
      throw CommandFailure.failed("the revoked tokens can't be read: " + Causes.of(e), e);
    }
  }
}
