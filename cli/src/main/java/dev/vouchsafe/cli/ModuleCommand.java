package dev.vouchsafe.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The registrations of modules: files, for which the service needn't run, but for its keys. */
@Command(
    name = "module",
    description = {
      "Registers modules: what must hold for a caller, and what it may then be issued.",
      "All but key and explain read and write the files of registrations.d; the service needs no"
          + " restart."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe module add web --selector unix:user:www-data --dns gateway.local",
      "  vouchsafe module list",
      "  vouchsafe module explain --pid 4711 web"
    })
final class ModuleCommand implements Runnable {
  @ParentCommand private @Nullable RootCommand root;
  @Spec private @Nullable CommandSpec spec;

  static RootCommand globals(@Nullable ModuleCommand parent) {
    if (parent == null) {
      throw new IllegalStateException("a command runs under its group only");
    }
    return RootCommand.of(parent.root);
  }

  @Override
  public void run() {
    throw Groups.missing(spec);
  }
}
