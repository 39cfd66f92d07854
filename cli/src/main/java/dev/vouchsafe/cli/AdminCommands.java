package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;

/** What the commands that ask the administrators' socket have in common. */
final class AdminCommands {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  /** For several steps, each of which may take a key store's time. */
  static final Duration LONGEST = Duration.ofMinutes(8);

  private static final int MOST_OCTETS = 16 * 1024 * 1024;

  private AdminCommands() {}

  /** A client of the administrators' socket of that home. */
  static ServiceClient client(Home home) {
    return client(home, LIMIT);
  }

  /** The same for what a key store may take its time over, such as making an RSA key. */
  static ServiceClient patient(Home home) {
    return client(home, PATIENCE);
  }

  static ServiceClient client(Home home, Duration limit) {
    return new ServiceClient(
        new UnixHttpClient(
            ServiceClient.configured(home, Configuration.Listen::admin, home.adminSocket()),
            limit,
            MOST_OCTETS));
  }

  /** One object as a body. */
  static byte[] body(Json.Writer members) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(body)) {
      json.writeStartObject();
      members.write(json);
      json.writeEndObject();
    }
    return body.toByteArray();
  }
}
