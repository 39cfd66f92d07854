package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Asks for a token. */
@Command(
    name = "token",
    description = {
      "Gets a signed token for the calling process: a JWT (ES256) for the audiences that are"
          + " registered for it, or with --sas a SharedAccessSignature, which a hub verifies with"
          + " the module's symmetric key.",
      "The token goes to the standard output: it is a secret until it ends."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe fetch token --audience hub.example",
      "  vouchsafe fetch token --audience hub.example --ttl 1h -o json",
      "  vouchsafe fetch token --sas --module web --hub hub.example --out ."
    })
final class FetchTokenCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable FetchCommand parent;

  @Option(
      names = "--module",
      paramLabel = "NAME",
      description =
          "Which registration is meant, where several hold for this process. For --sas, default:"
              + " the one that holds.")
  private @Nullable String module;

  @Option(
      names = "--audience",
      paramLabel = "A",
      description = "For whom the token is to be; give it several times. Not for --sas.")
  private List<String> audience = new ArrayList<>();

  @Option(
      names = "--ttl",
      paramLabel = "SPAN",
      description =
          "The lifetime, such as 90s, 15m or 1h. Default: 5m of a JWT (one over the cap is"
              + " shortened), 1h of a SAS token.")
  private @Nullable String ttl;

  @Option(names = "--sas", description = "A SharedAccessSignature in place of a JWT.")
  private boolean sas;

  @Option(
      names = "--hub",
      paramLabel = "HOST",
      description =
          "For --sas: the hub's name in the resource. Default: IOTEDGE_IOTHUBHOSTNAME, else the"
              + " trust domain of vouchsafe.toml.")
  private @Nullable String hub;

  @Option(
      names = "--device-id",
      paramLabel = "ID",
      description =
          "For --sas: the device id in the resource. Default: IOTEDGE_DEVICEID, else that of"
              + " vouchsafe.toml.")
  private @Nullable String deviceId;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "The folder that gets the file token (mode 0600), in place of the output.")
  private @Nullable Path out;

  FetchTokenCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    FetchCommand fetch = FetchCommand.of(parent);
    JsonNode answer = sas ? sharedAccessSignature(fetch) : jwt(fetch);
    if (out != null) {
      write(fetch, out, answer);
    } else if (fetch.globals().json()) {
      Json.print(console.out(), answer);
    } else {
      console.out().println(answer.path("token").asText());
    }
    return ExitCode.DONE.number();
  }

  private void write(FetchCommand fetch, Path folder, JsonNode answer)
      throws CommandFailure, IOException {
    Path file = folder.resolve("token");
    String expiresAt = answer.path("expiresAt").asText();
    try {
      DurableFiles.folder(folder.toAbsolutePath().normalize(), "rwxr-xr-x");
      DurableFiles.write(
          file, answer.path("token").asText().getBytes(StandardCharsets.US_ASCII), "rw-------");
    } catch (IOException e) {
      throw CommandFailure.failed("--out: the token was not written: " + Causes.of(e), e);
    }
    if (fetch.globals().json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            json.writeStringField("expiresAt", expiresAt);
            json.writeStringField("file", file.toString());
            json.writeEndObject();
          });
    } else {
      console.out().println("valid until " + expiresAt);
      console.out().println(file);
    }
  }

  private JsonNode jwt(FetchCommand fetch) throws CommandFailure, IOException {
    if (hub != null || deviceId != null) {
      throw CommandFailure.usage("--hub and --device-id go with --sas");
    }
    if (audience.isEmpty()) {
      throw CommandFailure.usage(
          "for whom is the token to be? Give --audience, one that is registered for the module; or"
              + " --sas");
    }
    return fetch.client().postJson("/v1/tokens" + Targets.module(module), request());
  }

  private byte[] request() throws CommandFailure, IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(body)) {
      json.writeStartObject();
      json.writeArrayFieldStart("audience");
      for (String one : audience) {
        json.writeString(one);
      }
      json.writeEndArray();
      if (ttl != null) {
        json.writeNumberField("ttlSeconds", Durations.ofOption("--ttl", ttl).toSeconds());
      }
      json.writeEndObject();
    }
    return body.toByteArray();
  }

  private JsonNode sharedAccessSignature(FetchCommand fetch) throws CommandFailure, IOException {
    if (!audience.isEmpty()) {
      throw CommandFailure.usage("--audience is for a JWT: a SAS token names --hub and device");
    }
    Duration life = ttl == null ? SasToken.LIFETIME : Durations.ofOption("--ttl", ttl);
    return new SasToken(fetch.client(), fetch.settings(console), console.clock())
        .fetch(module, hub, deviceId, life);
  }
}
