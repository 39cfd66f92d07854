package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Shows one entry of the ledger. */
@Command(
    name = "show",
    description = "Shows what the ledger knows of one certificate.",
    footerHeading = "%nExamples:%n",
    footer = "  vouchsafe cert show 0192f3c1a2b4c6d8e0f1a2b3c4d5e6f7")
final class CertShowCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CertCommand parent;

  @Parameters(
      paramLabel = "SERIAL",
      description = "The serial number: hex, two digits an octet, as `cert list` prints it.")
  private String serial = "";

  CertShowCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CertCommand.globals(parent);
    String wanted = normal(serial);
    JsonNode item =
        AdminCommands.client(globals.home()).getJson("/certificates/" + Targets.encoded(wanted));
    Json.print(console.out(), globals.json(), item);
    return ExitCode.DONE.number();
  }

  /** A serial number as the service knows it: lower case, without the colons of others. */
  static String normal(String serial) throws CommandFailure {
    String wanted = serial.replace(":", "").toLowerCase(Locale.ROOT);
    if (!wanted.matches("(?:[0-9a-f]{2})+")) {
      throw CommandFailure.usage(
          "SERIAL is hex, two digits an octet, as `vouchsafe cert list` prints it; not '"
              + AuditText.clean(serial)
              + "'");
    }
    return wanted;
  }
}
