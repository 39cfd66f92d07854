package dev.vouchsafe.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Prints what a shell needs to complete our command lines. */
@Command(
    name = "completion",
    description =
        "Prints the completion of this command line for a shell (bash, or zsh with"
            + " bashcompinit).",
    footerHeading = "%nExamples:%n",
    footer = {
      "  source <(vouchsafe completion bash)",
      "  vouchsafe completion bash > /etc/bash_completion.d/vouchsafe"
    })
final class CompletionCommand implements Callable<Integer> {
  /** The shells that there is a completion for. */
  enum ShellKind {
    BASH
  }

  private final Console console;

  @Parameters(paramLabel = "SHELL", description = "bash")
  private ShellKind shell = ShellKind.BASH;

  CompletionCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    console
        .out()
        .print(
            switch (shell) {
              case BASH -> AutoComplete.bash("vouchsafe", CommandTree.whole(console));
            });
    return ExitCode.DONE.number();
  }
}
