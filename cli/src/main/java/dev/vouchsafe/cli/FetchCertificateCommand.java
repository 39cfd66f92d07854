package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Asks for a certificate. */
@Command(
    name = "certificate",
    description = {
      "Gets a certificate for the calling process, with a new private key unless a CSR is given.",
      "With --out, DIR gets certificate.pem (leaf first, root left out), key.pem (mode 0600) and"
          + " bundle.pem, each written whole; without it, certificate and key go to the standard"
          + " output."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe fetch certificate --profile server --dns gw.local --out /run/web",
      "  vouchsafe fetch certificate --csr request.pem --out .",
      "  vouchsafe fetch certificate --module web -o json"
    })
final class FetchCertificateCommand implements Callable<Integer> {
  private static final int LONGEST_CSR = 64 * 1024;

  private final Console console;

  @ParentCommand private @Nullable FetchCommand parent;

  @Option(
      names = "--module",
      paramLabel = "NAME",
      description = "Which registration is meant, where several hold for this process.")
  private @Nullable String module;

  @Option(
      names = "--profile",
      paramLabel = "P",
      description =
          "The certificate profile: identity (the default), server, or another that the registration"
              + " lists.")
  private String profile = "identity";

  @Option(names = "--cn", paramLabel = "NAME", description = "The common name of the subject.")
  private @Nullable String commonName;

  @Option(
      names = "--dns",
      paramLabel = "NAME",
      description = "A DNS name to have; give it several times. Default: all that are granted.")
  private List<String> dns = new ArrayList<>();

  @Option(
      names = "--ip",
      paramLabel = "ADDRESS",
      description = "An IP address to have; give it several times. Default: all that are granted.")
  private List<String> ip = new ArrayList<>();

  @Option(
      names = "--ttl",
      paramLabel = "SPAN",
      description = "The lifetime, such as 90s, 15m, 1h or 7d. One over the cap is shortened.")
  private @Nullable String ttl;

  @Option(
      names = "--csr",
      paramLabel = "FILE",
      description = "A certificate request (PKCS#10, PEM); its key is certified, none is made.")
  private @Nullable Path csr;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "The folder that gets the files; it is made if it is not there.")
  private @Nullable Path out;

  FetchCertificateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    FetchCommand fetch = FetchCommand.of(parent);
    JsonNode answer =
        fetch.client().postJson("/v1/certificates" + Targets.module(module), request());
    if (out != null) {
      FetchedFiles files = FetchedFiles.write(out, answer);
      files.print(console, fetch.globals().json(), answer);
    } else if (fetch.globals().json()) {
      Json.print(console.out(), answer);
    } else {
      console.out().print(answer.path("certificate").asText());
      console.out().print(answer.path("privateKey").asText());
    }
    return ExitCode.DONE.number();
  }

  private byte[] request() throws CommandFailure, IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(body)) {
      json.writeStartObject();
      json.writeStringField("profile", profile);
      if (csr != null) {
        json.writeStringField("csr", request(csr));
      }
      if (commonName != null) {
        json.writeStringField("commonName", commonName);
      }
      names(json, "dns", dns);
      names(json, "ip", ip);
      if (ttl != null) {
        json.writeNumberField("ttlSeconds", Durations.ofOption("--ttl", ttl).toSeconds());
      }
      json.writeEndObject();
    }
    return body.toByteArray();
  }

  private static void names(JsonGenerator json, String field, List<String> names)
      throws IOException {
    if (!names.isEmpty()) {
      json.writeArrayFieldStart(field);
      for (String name : names) {
        json.writeString(name);
      }
      json.writeEndArray();
    }
  }

  private static String request(Path file) throws CommandFailure {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] octets = in.readNBytes(LONGEST_CSR + 1);
      if (octets.length > LONGEST_CSR) {
        throw CommandFailure.failed("--csr: " + file + " is over " + LONGEST_CSR + " octets");
      }
      return new String(octets, StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw CommandFailure.failed("--csr: " + Causes.of(e), e);
    }
  }
}
