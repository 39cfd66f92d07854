package dev.vouchsafe.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Tokens. */
@Command(
    name = "token",
    description =
        "Verifies tokens that this gateway issued, and takes them back. To get one: `vouchsafe fetch"
            + " token`.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe token verify --audience hub.example token.jwt",
      "  vouchsafe token revoke 0192f3c1a2b4c6d8e0f1a2b3001"
    })
final class TokenCommand implements Runnable {
  @ParentCommand private @Nullable RootCommand root;
  @Spec private @Nullable CommandSpec spec;

  static RootCommand globals(@Nullable TokenCommand parent) {
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
