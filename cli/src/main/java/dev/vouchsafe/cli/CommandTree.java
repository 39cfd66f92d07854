package dev.vouchsafe.cli;

import dev.vouchsafe.cli.demo.DemoCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Puts the commands together. Only those that the arguments can mean are built: reading the
 * annotations of all of them would take a good part of a short command's time.
 */
final class CommandTree {
  private final Console console;
  private final RootCommand root;

  private CommandTree(Console console) {
    this.console = console;
    root = new RootCommand(console);
  }

  /** The whole tree, for help, completion and the tests of the documentation. */
  static CommandLine whole(Console console) {
    CommandTree tree = new CommandTree(console);
    return tree.build(tree.commands());
  }

  /** As much of the tree as these arguments need. */
  static CommandLine forArguments(String[] args, Console console) {
    CommandTree tree = new CommandTree(console);
    Map<String, Supplier<CommandLine>> commands = tree.commands();
    List<String> words = Arrays.asList(args);
    boolean all = words.contains("-h") || words.contains("--help") || words.contains("completion");
    Map<String, Supplier<CommandLine>> named = new LinkedHashMap<>(commands);
    named.keySet().retainAll(words);
    return tree.build(all || named.isEmpty() ? commands : named);
  }

  /** Every command, in the order of the help. */
  private Map<String, Supplier<CommandLine>> commands() {
    Map<String, Supplier<CommandLine>> commands = new LinkedHashMap<>();
    commands.put("demo", () -> new CommandLine(new DemoCommand()));
    commands.put("init", () -> new CommandLine(new InitCommand(console)));
    commands.put("serve", () -> new CommandLine(new ServeCommand(console)));
    commands.put("check", () -> new CommandLine(new CheckCommand(console)));
    commands.put("module", this::module);
    commands.put("fetch", this::fetch);
    commands.put("token", this::token);
    commands.put("cert", this::cert);
    commands.put("bundle", this::bundle);
    commands.put("ca", this::ca);
    commands.put("clock", this::clock);
    commands.put("audit", this::audit);
    commands.put("backup", () -> new CommandLine(new BackupCommand(console)));
    commands.put("restore", () -> new CommandLine(new RestoreCommand(console)));
    commands.put("completion", () -> new CommandLine(new CompletionCommand(console)));
    return commands;
  }

  private CommandLine module() {
    return new CommandLine(new ModuleCommand())
        .addSubcommand(new ModuleAddCommand(console))
        .addSubcommand(new ModuleListCommand(console))
        .addSubcommand(new ModuleShowCommand(console))
        .addSubcommand(new ModuleRemoveCommand(console))
        .addSubcommand(new ModuleEnvCommand(console))
        .addSubcommand(new ModuleKeyCommand(console))
        .addSubcommand(new ModuleExplainCommand(console));
  }

  private CommandLine fetch() {
    return new CommandLine(new FetchCommand())
        .addSubcommand(new FetchCertificateCommand(console))
        .addSubcommand(new FetchTokenCommand(console))
        .addSubcommand(new FetchBundleCommand(console))
        .addSubcommand(new FetchIdentityCommand(console));
  }

  private CommandLine token() {
    return new CommandLine(new TokenCommand())
        .addSubcommand(new TokenVerifyCommand(console))
        .addSubcommand(new TokenRevokeCommand(console));
  }

  private CommandLine cert() {
    return new CommandLine(new CertCommand())
        .addSubcommand(new CertListCommand(console))
        .addSubcommand(new CertShowCommand(console))
        .addSubcommand(new CertRevokeCommand(console));
  }

  private CommandLine bundle() {
    return new CommandLine(new BundleCommand())
        .addSubcommand(new BundleShowCommand(console))
        .addSubcommand(new BundleExportCommand(console))
        .addSubcommand(new BundleAddCommand(console))
        .addSubcommand(new BundleRemoveCommand(console));
  }

  private CommandLine ca() {
    return new CommandLine(new CaCommand())
        .addSubcommand(new CaShowCommand(console))
        .addSubcommand(new CaStatusCommand(console))
        .addSubcommand(new CaPlanCommand(console))
        .addSubcommand(new CaPrepareCommand(console))
        .addSubcommand(new CaRequestCommand(console))
        .addSubcommand(new CaPublishCommand(console))
        .addSubcommand(new CaActivateCommand(console))
        .addSubcommand(new CaRetireCommand(console))
        .addSubcommand(new CaAbortCommand(console))
        .addSubcommand(new CaRotateCommand(console));
  }

  private CommandLine clock() {
    return new CommandLine(new ClockCommand())
        .addSubcommand(new ClockStatusCommand(console))
        .addSubcommand(new ClockAcceptCommand(console));
  }

  private CommandLine audit() {
    return new CommandLine(new AuditCommand())
        .addSubcommand(new AuditShowCommand(console))
        .addSubcommand(new AuditVerifyCommand(console));
  }

  private CommandLine build(Map<String, Supplier<CommandLine>> commands) {
    CommandLine line = new CommandLine(root);
    commands.forEach((name, command) -> line.addSubcommand(name, command.get()));
    line.getCommandSpec()
        .usageMessage()
        .footerHeading("%nFirst steps:%n")
        .footer(RootCommand.FIRST_STEPS.toArray(String[]::new));
    line.setOut(new PrintWriter(console.out(), true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(console.err(), true, StandardCharsets.UTF_8));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setAllowSubcommandsAsOptionParameters(true);
    line.setAllowOptionsAsOptionParameters(false);
    line.setParameterExceptionHandler((e, args) -> usage(e));
    line.setExecutionExceptionHandler((e, failed, result) -> failure(e));
    return line;
  }

  private int usage(ParameterException e) {
    String path = e.getCommandLine().getCommandSpec().qualifiedName();
    String hint = "";
    if (e instanceof UnmatchedArgumentException unmatched
        && !unmatched.getSuggestions().isEmpty()) {
      hint = "; did you mean " + String.join(" or ", unmatched.getSuggestions()) + "?";
    }
    say(e.getMessage() + hint + (hint.isEmpty() ? "; see `" + path + " --help`" : ""));
    return ExitCode.USAGE.number();
  }

  /** The one place where whatever a command threw becomes a line and an exit code. */
  private int failure(Exception e) {
    if (root.verbose()) {
      e.printStackTrace(console.err());
    }
    return switch (e) {
      case CommandFailure known -> {
        say(Causes.text(known));
        yield known.code().number();
      }
      case IOException io -> {
        say(Causes.of(io));
        yield ExitCode.FAILED.number();
      }
      default -> {
        say(
            "internal error: "
                + e
                + "; run it again with --verbose and report the lines that it prints");
        yield ExitCode.FAILED.number();
      }
    };
  }

  private void say(String message) {
    console.err().println("vouchsafe: " + message.replaceAll("\\s*\\R\\s*", " "));
  }
}
