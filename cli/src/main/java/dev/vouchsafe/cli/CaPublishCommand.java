package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Has the trust bundle hold a prepared root. */
@Command(
    name = "publish",
    description = {
      "Has the trust bundle hold a prepared root, so that those who verify fetch it before it issues:"
          + " five refresh times later at the earliest. A device CA is not published, it travels in"
          + " the chains."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe ca publish", "  vouchsafe ca publish root-2"})
final class CaPublishCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Parameters(
      paramLabel = "ID",
      arity = "0..1",
      description = "Which one, such as root-2. Default: the one that is prepared.")
  private @Nullable String id;

  CaPublishCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    ServiceClient client = AdminCommands.patient(globals.home());
    String meant = id != null ? id : CaSteps.meant(client, CaRole.root, "prepared").id();
    JsonNode published = CaSteps.take(console, client, meant, "publish", json -> {});
    CaSteps.print(
        console.out(),
        globals.json(),
        published,
        "it is in the trust bundle, and signs nothing",
        "");
    if (!globals.json()) {
      RotationText.next(console.out(), client.getJson("/rotation").path("root"));
    }
    return ExitCode.DONE.number();
  }
}
