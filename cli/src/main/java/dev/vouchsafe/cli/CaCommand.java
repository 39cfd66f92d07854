package dev.vouchsafe.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The gateway's authorities. */
@Command(
    name = "ca",
    description =
        "Looks at the authorities of the running service, and replaces the device CA, which is also"
            + " how it moves to another key store, and the root.",
    footerHeading = "%nMoving to another key store, while the service runs:%n",
    footer = {
      "  (put its settings into [keys] of vouchsafe.toml)",
      "  vouchsafe ca prepare --key-store pkcs11    makes the next device CA there",
      "  vouchsafe ca activate                      lets it sign",
      "  vouchsafe ca status                        says what the next step is",
      "",
      "Another root, which those who verify get to know before it issues:",
      "  vouchsafe ca rotate --authority root       prepares and publishes it",
      "  vouchsafe ca plan --authority root         says what the rest waits for",
      "  vouchsafe ca rotate --authority root       lets it sign, later; and again"
    })
final class CaCommand implements Runnable {
  @ParentCommand private @Nullable RootCommand root;
  @Spec private @Nullable CommandSpec spec;

  static RootCommand globals(@Nullable CaCommand parent) {
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
