package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.RegistrationException;
import dev.vouchsafe.attestation.RegistrationFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Removes one registration. */
@Command(
    name = "remove",
    description = {
      "Removes a registration: its file is deleted, and the next request of that module is refused.",
      "Certificates that it has stay valid until they end. A file that holds other modules too is"
          + " not touched: edit it."
    },
    footerHeading = "%nExamples:%n",
    footer = "  vouchsafe module remove web")
final class ModuleRemoveCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable ModuleCommand parent;

  @Parameters(paramLabel = "NAME", description = "The module's name.")
  private String name = "";

  ModuleRemoveCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = ModuleCommand.globals(parent);
    Logs.quiet(console, globals.verbose());
    Path file = remove(globals.home());
    if (globals.json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            json.writeStringField("module", name);
            json.writeStringField("removed", file.toString());
            json.writeEndObject();
          });
    } else {
      console.out().println("removed " + name + ": deleted " + file);
    }
    return ExitCode.DONE.number();
  }

  private Path remove(Home home) throws CommandFailure {
    try {
      return RegistrationFolder.remove(ModuleFiles.folder(home), ModuleRules.of(home), name);
    } catch (RegistrationException e) {
      throw ModuleFiles.failure(e);
    } catch (IOException e) {
      throw CommandFailure.failed("nothing was removed: " + Causes.of(e), e);
    }
  }
}
