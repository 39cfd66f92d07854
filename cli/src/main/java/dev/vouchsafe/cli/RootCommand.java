package dev.vouchsafe.cli;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The word {@code vouchsafe} itself, with the options that every command has. */
@Command(
    name = "vouchsafe",
    mixinStandardHelpOptions = true,
    versionProvider = BuildInfo.class,
    scope = ScopeType.INHERIT,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "The identity service of an edge gateway: every module gets a short-lived certificate it can"
          + " prove itself with, after it was measured against its registration."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:failed: something must be changed first",
      "2:wrong usage",
      "3:refused: the caller may not have that, or nobody may as things stand",
      "4:unavailable now: trying again may help"
    })
final class RootCommand implements Runnable {
  /** What results are printed as. */
  enum Output {
    TEXT,
    JSON;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Below the help of the root alone: what stands in the annotation is inherited. */
  static final List<String> FIRST_STEPS =
      List.of(
          "  vouchsafe demo                     the whole story, in a throw-away home",
          "  vouchsafe --home DIR init          make a home in DIR",
          "  vouchsafe --home DIR serve         run it",
          "  vouchsafe --home DIR check         see what it stands on",
          "",
          "Environment:",
          "  VOUCHSAFE_HOME                     the home, where --home is not given",
          "  CREDENTIALS_DIRECTORY              systemd credentials, for [keys] seal",
          "  NOTIFY_SOCKET                      where serve tells systemd how it stands",
          "",
          "`vouchsafe COMMAND --help` says more about a command.");

  private final Console console;

  @Option(
      names = "--home",
      paramLabel = "DIR",
      scope = ScopeType.INHERIT,
      description =
          "The folder with everything of one gateway. Default: $VOUCHSAFE_HOME, else the system's"
              + " folders (/etc/vouchsafe, /var/lib/vouchsafe, /run/vouchsafe).")
  private @Nullable String homeFolder;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORM",
      scope = ScopeType.INHERIT,
      description = "What results are printed as: text (the default) or json.")
  private Output output = Output.TEXT;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Log more, and show where an error came from.")
  private boolean verbose;

  RootCommand(Console console) {
    this.console = console;
  }

  /** The root of a command that picocli has filled in. */
  static RootCommand of(@Nullable RootCommand injected) {
    if (injected == null) {
      throw new IllegalStateException("a command runs under its root only");
    }
    return injected;
  }

  /** Without a command: the help, as for a command line that is wrong. */
  @Override
  public void run() {
    throw new CommandLine.ParameterException(new CommandLine(this), "a command is missing");
  }

  Console console() {
    return console;
  }

  Home home() throws CommandFailure {
    return Home.choose(Optional.ofNullable(homeFolder), console.environment());
  }

  /** What a person has to type to mean the same home in the next command: with a space after it. */
  String homeArgument() {
    return homeFolder == null ? "" : "--home " + Shell.quoted(homeFolder) + " ";
  }

  boolean json() {
    return output == Output.JSON;
  }

  boolean verbose() {
    return verbose;
  }
}
