package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Asks for the trust bundle. */
@Command(
    name = "bundle",
    description =
        "Gets the trust bundle: the CA certificates by which everything of this gateway is verified."
            + " With -o json, as a SPIFFE bundle (JWK Set).",
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe fetch bundle", "  vouchsafe fetch bundle --out /run/web"})
final class FetchBundleCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable FetchCommand parent;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "The folder that gets bundle.pem; it is made if it is not there.")
  private @Nullable Path out;

  FetchBundleCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    FetchCommand fetch = FetchCommand.of(parent);
    if (out == null && fetch.globals().json()) {
      Json.print(console.out(), fetch.client().getJson("/v1/trust-bundle"));
      return ExitCode.DONE.number();
    }
    String pem = fetch.client().getText("/v1/trust-bundle", "application/x-pem-file");
    if (out == null) {
      console.out().print(pem);
      return ExitCode.DONE.number();
    }
    Path file = out.resolve("bundle.pem");
    DurableFiles.folder(out.toAbsolutePath().normalize(), "rwxr-xr-x");
    DurableFiles.write(file, pem.getBytes(StandardCharsets.US_ASCII), "rw-r--r--");
    if (fetch.globals().json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            json.writeObjectFieldStart("files");
            json.writeStringField("trustBundle", file.toString());
            json.writeEndObject();
            json.writeEndObject();
          });
    } else {
      console.out().println(file);
    }
    return ExitCode.DONE.number();
  }
}
