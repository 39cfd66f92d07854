package dev.vouchsafe.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The ledger of certificates. */
@Command(
    name = "cert",
    description =
        "Looks into the ledger of the running service: every certificate that was ever issued, or"
            + " may have been. Takes back what should not be believed any more.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe cert list --module web",
      "  vouchsafe cert show 0192f3c1a2b4c6d8e0f1a2b3c4d5e6f7",
      "  vouchsafe cert revoke --module web --reason keyCompromise"
    })
final class CertCommand implements Runnable {
  @ParentCommand private @Nullable RootCommand root;
  @Spec private @Nullable CommandSpec spec;

  static RootCommand globals(@Nullable CertCommand parent) {
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
