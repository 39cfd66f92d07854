package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationProblem;
import dev.vouchsafe.attestation.RegistrationSet;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Lists the registrations. */
@Command(
    name = "list",
    description =
        "Lists the registered modules, and the gateway itself, which is built in. Files that could not be taken are named on the standard"
            + " error, each with its reason.",
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe module list", "  vouchsafe module list -o json"})
final class ModuleListCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable ModuleCommand parent;

  ModuleListCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = ModuleCommand.globals(parent);
    Logs.quiet(console, globals.verbose());
    RegistrationSet set = ModuleFiles.read(globals.home());
    if (globals.json()) {
      printJson(set);
    } else {
      Table table = new Table("NAME", "GENERATION", "PROFILES", "SELECTORS", "");
      for (Registration module : set.all()) {
        table.row(
            module.name(),
            module.generation(),
            String.join(",", module.profiles().stream().sorted().toList()),
            ModuleFiles.condition(module),
            set.isBuiltIn(module.name()) ? "built in" : "");
      }
      table.print(console.out());
      ModuleFiles.warn(console, set);
    }
    return ExitCode.DONE.number();
  }

  private void printJson(RegistrationSet set) throws IOException {
    List<RegistrationProblem> problems = set.problems();
    Json.print(
        console.out(),
        json -> {
          json.writeStartObject();
          json.writeArrayFieldStart("items");
          for (Registration module : set.all()) {
            ModuleFiles.writeJson(json, module, set);
          }
          json.writeEndArray();
          json.writeArrayFieldStart("problems");
          for (RegistrationProblem problem : problems) {
            json.writeStartObject();
            json.writeStringField("file", problem.file().toString());
            json.writeStringField("code", problem.code());
            json.writeStringField("message", problem.message());
            json.writeEndObject();
          }
          json.writeEndArray();
          json.writeEndObject();
        });
  }
}
