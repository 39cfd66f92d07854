package dev.vouchsafe.cli;

import picocli.CommandLine.Option;

/** The option by which a command is told whose rotation is meant. */
final class CaRoleOption {
  @Option(
      names = "--authority",
      paramLabel = "ROLE",
      defaultValue = "device",
      description =
          "Whose, where no ID is given: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private CaRole role = CaRole.device;

  CaRole role() {
    return role;
  }
}
