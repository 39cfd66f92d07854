package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationSet;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Shows one registration. */
@Command(
    name = "show",
    description = "Shows what is registered under a name, as the service reads it.",
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe module show web", "  vouchsafe module show web -o json"})
final class ModuleShowCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable ModuleCommand parent;

  @Parameters(paramLabel = "NAME", description = "The module's name.")
  private String name = "";

  ModuleShowCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = ModuleCommand.globals(parent);
    Logs.quiet(console, globals.verbose());
    RegistrationSet set = ModuleFiles.read(globals.home());
    Registration module = ModuleFiles.find(set, name);
    if (globals.json()) {
      Json.print(console.out(), json -> ModuleFiles.writeJson(json, module, set));
    } else {
      for (Map.Entry<String, Object> field : ModuleFiles.fields(module, set).entrySet()) {
        String text =
            field.getValue() instanceof List<?> list
                ? String.join(" ", list.stream().map(Object::toString).toList())
                : field.getValue().toString();
        console.out().println("%-11s %s".formatted(field.getKey(), text).stripTrailing());
      }
    }
    return ExitCode.DONE.number();
  }
}
