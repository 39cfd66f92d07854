package dev.vouchsafe.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Prints what a shell needs to complete our command lines. */
@Command(
    name = "completion",
    description =
        "Prints the completion of this command line for a shell: commands, options and the words"
            + " that an option takes. In zsh it works by its bashcompinit, which it loads itself.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  source <(vouchsafe completion bash)",
      "  vouchsafe completion bash > /etc/bash_completion.d/vouchsafe",
      "  vouchsafe completion zsh > ~/.vouchsafe.zsh",
      "  echo '. ~/.vouchsafe.zsh' >> ~/.zshrc"
    })
final class CompletionCommand implements Callable<Integer> {
  /** The shells that there is a completion for. */
  enum ShellKind {
    BASH,
    /** It takes bash's. */
    ZSH
  }

  private final Console console;

  @Parameters(paramLabel = "SHELL", description = "bash (the default) or zsh.")
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
              case BASH, ZSH -> AutoComplete.bash("vouchsafe", CommandTree.whole(console));
            });
    return ExitCode.DONE.number();
  }
}
