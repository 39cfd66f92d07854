package dev.vouchsafe.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The time that the service goes by. */
@Command(
    name = "clock",
    description =
        "Says whether the running service trusts the machine's clock, and tells it that the clock"
            + " is right.",
    footerHeading = "%nAfter a start with a wrong clock:%n",
    footer = {
      "  vouchsafe clock status    says what is wrong, and which time is counted",
      "  (set the machine's clock, or have the time service do it)",
      "  vouchsafe clock accept    only if the clock is right and still not trusted"
    })
final class ClockCommand implements Runnable {
  @ParentCommand private @Nullable RootCommand root;
  @Spec private @Nullable CommandSpec spec;

  static RootCommand globals(@Nullable ClockCommand parent) {
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
