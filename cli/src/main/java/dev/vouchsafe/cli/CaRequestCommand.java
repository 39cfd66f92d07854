package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Prints the request of a device CA that waits for its certificate. */
@Command(
    name = "request",
    description = {
      "Prints the request (PKCS#10, PEM) for the certificate of a device CA that waits for it, of a"
          + " home made with `init --root csr`. It reads, and the service may run or not.",
      "Have it signed with its subject and its extensions as they are, put the certificate and those"
          + " over it, up to the root, into a file, and give that to `vouchsafe ca activate"
          + " --certificate FILE`. See docs/outside-roots.md."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe ca request > device.csr", "  vouchsafe ca request -o json"})
final class CaRequestCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  CaRequestCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    JsonNode request =
        OutsideHome.waits(globals.home())
            .orElseThrow(() ->
                CommandFailure.failed(
                    "no authority of this home waits for a certificate; `vouchsafe ca show` lists"
                        + " them"));
    if (globals.json()) {
      OutsideHome.print(console.out(), true, request, globals.homeArgument());
    } else {
      console.out().print(request.path("request").asText());
    }
    return ExitCode.DONE.number();
  }
}
