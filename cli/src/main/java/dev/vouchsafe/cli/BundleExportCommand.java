package dev.vouchsafe.cli;

import dev.vouchsafe.trust.BundleFormat;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Writes the bundle out, without the service. */
@Command(
    name = "export",
    description = "Writes the trust bundle to a file or to the standard output. Needs no service.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe bundle export --out /usr/local/share/ca-certificates/gateway.crt",
      "  vouchsafe bundle export --format p7b --out bundle.p7b"
    })
final class BundleExportCommand implements Callable<Integer> {
  /** The encodings, named as their files are. */
  enum Format {
    PEM(BundleFormat.PEM),
    P7B(BundleFormat.PKCS7),
    JSON(BundleFormat.JWKS);

    private final BundleFormat format;

    Format(BundleFormat format) {
      this.format = format;
    }
  }

  private final Console console;

  @ParentCommand private @Nullable BundleCommand parent;

  @Option(
      names = "--format",
      paramLabel = "F",
      description =
          "pem (the default), p7b (PKCS#7) or json (SPIFFE bundle, JWK Set; the default with -o"
              + " json and without --out).")
  private @Nullable Format format;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "The file to write, whole. Default: the standard output.")
  private @Nullable Path out;

  BundleExportCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = BundleCommand.globals(parent);
    Logs.quiet(console, globals.verbose());
    byte[] encoded = encoded(globals.home(), chosen(globals.json()));
    if (out == null) {
      console.out().write(encoded);
      return ExitCode.DONE.number();
    }
    Path file = out;
    try {
      DurableFiles.write(file, encoded, "rw-r--r--");
    } catch (IOException e) {
      throw CommandFailure.failed("--out: " + Causes.of(e), e);
    }
    if (globals.json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            json.writeStringField("file", file.toString());
            json.writeEndObject();
          });
    } else {
      console.out().println(file);
    }
    return ExitCode.DONE.number();
  }

  /** The standard output has one form: what -o json promises, --format can't take back. */
  private Format chosen(boolean json) throws CommandFailure {
    if (format == null) {
      return json && out == null ? Format.JSON : Format.PEM;
    }
    if (json && out == null && format != Format.JSON) {
      throw CommandFailure.usage(
          "-o json and --format exclude each other here: leave one out, or write to a file with"
              + " --out");
    }
    return format;
  }

  private byte[] encoded(Home home, Format chosen) throws CommandFailure {
    try {
      HomeFormat.require(home);
      Configuration configuration = ConfigurationFile.read(home);
      return TrustBundleStore.open(home.bundle(), configuration.bundle().refresh())
          .encoded(chosen.format);
    } catch (ConfigurationException e) {
      throw CommandFailure.failed(Causes.text(e), e);
    } catch (IOException e) {
      throw CommandFailure.failed("the trust bundle can't be read: " + Causes.of(e), e);
    }
  }
}
