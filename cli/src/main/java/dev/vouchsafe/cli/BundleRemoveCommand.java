package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Takes one of the added CAs out of the trust bundle again. */
@Command(
    name = "remove",
    description = {
      "Takes a CA that was added with `vouchsafe bundle add` out of the bundle that the running"
          + " service publishes. Readers that wait for a change are woken. It is in the audit log"
          + " before it is done.",
      "A root of this gateway is not removed; nor is a CA that stands in a file of [bundle] extra:"
          + " take it out there and start the service again."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe bundle show", "  vouchsafe bundle remove 3f9a1c20"})
final class BundleRemoveCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable BundleCommand parent;

  @Parameters(
      paramLabel = "ID",
      description =
          "SHA-256 fingerprint of the certificate in hex, as `vouchsafe bundle show` shows it; its"
              + " first 8 digits or more will do where no other begins like that.")
  private String id = "";

  BundleRemoveCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = BundleCommand.globals(parent);
    // As other programs print fingerprints: AA:BB:CC.
    String plain = id.replace(":", "").toLowerCase(Locale.ROOT);
    if (!plain.matches("[0-9a-f]{8,64}")) {
      throw CommandFailure.usage("ID is 8 to 64 hex digits; see `vouchsafe bundle show`");
    }
    JsonNode bundle =
        AdminCommands.client(globals.home())
            .postJson(
                "/bundle/remove", AdminCommands.body(json -> json.writeStringField("id", plain)));
    BundleShowCommand.print(console.out(), globals.json(), bundle);
    return ExitCode.DONE.number();
  }
}
