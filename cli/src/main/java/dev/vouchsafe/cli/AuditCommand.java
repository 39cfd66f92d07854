package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The audit log. */
@Command(
    name = "audit",
    description =
        "Shows the audit log, and finds out whether it was changed. Both read its files: the"
            + " service needn't run, but only root and the service's own user may read them.",
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe audit show --since 1h --verdict refused", "  vouchsafe audit verify"})
final class AuditCommand implements Runnable {
  @ParentCommand private @Nullable RootCommand root;
  @Spec private @Nullable CommandSpec spec;

  static RootCommand globals(@Nullable AuditCommand parent) {
    if (parent == null) {
      throw new IllegalStateException("a command runs under its group only");
    }
    return RootCommand.of(parent.root);
  }

  /** The folder that was given, else that of the home. */
  static Path folder(RootCommand globals, @Nullable String given) throws CommandFailure {
    if (given == null) {
      return globals.home().audit();
    }
    try {
      if (!given.isEmpty()) {
        return Path.of(given);
      }
    } catch (InvalidPathException e) {
      throw CommandFailure.usage("--log is not a path: " + e.getReason());
    }
    throw CommandFailure.usage("--log is empty; give the folder of an audit log");
  }

  /**
   * A file of the log that can't be read: refused, if it is others' by its mode; else it may be
   * there later.
   *
   * @param what what can't be done
   * @param why in words
   */
  static CommandFailure unreadable(String what, String why, IOException e) {
    return e instanceof AccessDeniedException
        ? CommandFailure.refused(
            what
                + ": "
                + why
                + "; it takes the right to read it, which only root and the service's own user"
                + " have")
        : CommandFailure.unavailable(what + ": " + why, e);
  }

  @Override
  public void run() {
    throw Groups.missing(spec);
  }
}
