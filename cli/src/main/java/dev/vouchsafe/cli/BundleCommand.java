package dev.vouchsafe.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The trust bundle. */
@Command(
    name = "bundle",
    description = "The trust bundle: whom those who deal with this gateway are to trust.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe bundle show",
      "  vouchsafe bundle export --out gateway.pem",
      "  vouchsafe bundle add plant-ca.pem"
    })
final class BundleCommand implements Runnable {
  @ParentCommand private @Nullable RootCommand root;
  @Spec private @Nullable CommandSpec spec;

  static RootCommand globals(@Nullable BundleCommand parent) {
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
