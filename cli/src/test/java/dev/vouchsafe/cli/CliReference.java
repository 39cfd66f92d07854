package dev.vouchsafe.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Writes the reference of the commands, as Markdown, from the model that picocli works with. */
final class CliReference {
  private final StringBuilder text = new StringBuilder();

  private CliReference() {}

  /** Every command below that one, each with its options, in the order of the help. */
  static String of(CommandLine root) {
    CliReference reference = new CliReference();
    reference.table(root.getCommandSpec(), root.getCommandSpec().options());
    for (CommandLine command : below(root)) {
      reference.command(command.getCommandSpec());
    }
    return reference.text.toString();
  }

  static List<CommandLine> below(CommandLine root) {
    List<CommandLine> all = new ArrayList<>();
    for (CommandLine command : root.getSubcommands().values()) {
      all.add(command);
      all.addAll(below(command));
    }
    return all;
  }

  private void command(CommandSpec command) {
    text.append("\n## ").append(command.qualifiedName()).append("\n\n");
    for (String paragraph : command.usageMessage().description()) {
      text.append(markdown(paragraph)).append("\n\n");
    }
    List<ArgSpec> own = new ArrayList<>(command.positionalParameters());
    for (OptionSpec option : command.options()) {
      if (!option.inherited() && !option.usageHelp() && !option.versionHelp()) {
        own.add(option);
      }
    }
    if (!own.isEmpty()) {
      table(command, own);
    }
    List<String> examples = List.of(command.usageMessage().footer());
    if (!examples.isEmpty()) {
      text.append(own.isEmpty() ? "" : "\n").append("```\n");
      examples.forEach(line -> text.append(line.strip()).append('\n'));
      text.append("```\n");
    }
  }

  private void table(CommandSpec command, List<? extends ArgSpec> arguments) {
    text.append("| ")
        .append(command.parent() == null ? "every command" : "argument")
        .append(" | meaning |\n|---|---|\n");
    for (ArgSpec argument : arguments) {
      text.append("| ")
          .append(name(argument))
          .append(" | ")
          .append(markdown(String.join(" ", argument.description())))
          .append(argument.required() && argument.isOption() ? " Required." : "")
          .append(" |\n");
    }
  }

  private static String name(ArgSpec argument) {
    if (argument instanceof PositionalParamSpec positional) {
      return "`" + positional.paramLabel() + "`";
    }
    OptionSpec option = (OptionSpec) argument;
    String label = option.arity().max() == 0 ? "" : " " + option.paramLabel();
    return String.join(
        ", ", List.of(option.names()).stream().map(one -> "`" + one + label + "`").toList());
  }

  /** Without the escapes of a format text; what a table would take for a column is escaped. */
  private static String markdown(String description) {
    return Help.Ansi.OFF
        .string(description.replace("%%", "%"))
        .replace("|", "\\|")
        .replace("*", "\\*");
  }
}
