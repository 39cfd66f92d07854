package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Takes tokens back. */
@Command(
    name = "revoke",
    description = {
      "Revokes tokens by their ids, for ever. `token verify` refuses them from then on, and so does"
          + " every verifier that reads /.well-known/revoked-tokens.json.",
      "A verifier that doesn't read it takes them until they end, in minutes."
    },
    footerHeading = "%nExamples:%n",
    footer = "  vouchsafe token revoke 0192f3c1a2b4c6d8e0f1a2b3001")
final class TokenRevokeCommand implements Callable<Integer> {
  private static final String ID = "[0-9a-f]{27}";

  private final Console console;

  @ParentCommand private @Nullable TokenCommand parent;

  @Parameters(
      paramLabel = "ID",
      arity = "1..*",
      description = "The token's id: its claim jti, as `token verify` prints it.")
  private List<String> ids = List.of();

  TokenRevokeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = TokenCommand.globals(parent);
    for (String id : ids) {
      if (!id.matches(ID)) {
        throw CommandFailure.usage(
            "ID is 27 digits of 0-9 a-f, as `vouchsafe token verify` prints it; not '"
                + AuditText.clean(id)
                + "'");
      }
    }
    JsonNode answer =
        AdminCommands.client(globals.home())
            .postJson(
                "/revocations/tokens",
                AdminCommands.body(json -> {
                  json.writeArrayFieldStart("ids");
                  for (String id : ids) {
                    json.writeString(id);
                  }
                  json.writeEndArray();
                }));
    if (globals.json()) {
      Json.print(console.out(), answer);
    } else {
      console.out().println(CertRevokeCommand.count(answer));
    }
    for (JsonNode lacking : answer.path("unpublished")) {
      console.err().println("not published: " + AuditText.clean(lacking.asText()));
    }
    return ExitCode.DONE.number();
  }
}
