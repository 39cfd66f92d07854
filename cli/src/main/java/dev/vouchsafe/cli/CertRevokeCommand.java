package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Takes certificates back. */
@Command(
    name = "revoke",
    description = {
      "Revokes certificates, for ever, and puts them on the revocation list of their authority.",
      "With --module: all of a module that have not ended. The module gets no certificate and no"
          + " token any more, until its registration has another generation or --allow says so."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe cert revoke 0192f3c1a2b4c6d8e0f1a2b3c4d5e6f7 --reason keyCompromise",
      "  vouchsafe cert revoke --module web",
      "  vouchsafe cert revoke --module web --allow",
      "  vouchsafe cert revoke --authority device-1"
    })
final class CertRevokeCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CertCommand parent;

  @Parameters(
      paramLabel = "SERIAL",
      arity = "0..*",
      description = "Serial numbers: hex, two digits an octet, as `cert list` prints them.")
  private @Nullable List<String> serials;

  @Option(names = "--module", paramLabel = "NAME", description = "All certificates of that module.")
  private @Nullable String module;

  @Option(
      names = "--generation",
      paramLabel = "G",
      description = "Of that module, only that generation.")
  private @Nullable String generation;

  @Option(
      names = "--authority",
      paramLabel = "ID",
      description =
          "The authority of that id as a whole, such as device-1: it is on its root's list, signs no"
              + " more, and all that it signed counts as revoked.")
  private @Nullable String authority;

  @Option(
      names = "--now",
      description =
          "Also if that authority is the one that issues: then no module gets a certificate until"
              + " another one is active.")
  private boolean now;

  @Option(
      names = "--reason",
      paramLabel = "WORD",
      description =
          "Why, in a word of RFC 5280: unspecified, keyCompromise, cACompromise,"
              + " affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn."
              + " Default: unspecified, of an authority"
              + " cACompromise.")
  private @Nullable String reason;

  @Option(
      names = "--invalid-since",
      paramLabel = "TIME",
      description = "When the key was lost, as far as is known, such as 2026-11-05T10:00:00Z.")
  private @Nullable String invalidSince;

  @Option(
      names = "--allow",
      description =
          "Revokes nothing, but lets the module have certificates and tokens again. What was"
              + " revoked stays revoked.")
  private boolean allow;

  CertRevokeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CertCommand.globals(parent);
    boolean hasSerials = serials != null && !serials.isEmpty();
    long targets =
        Stream.of(hasSerials, module != null, authority != null).filter(given -> given).count();
    if (targets != 1) {
      throw CommandFailure.usage("give one of SERIAL, --module NAME and --authority ID");
    }
    if (now && authority == null) {
      throw CommandFailure.usage("--now goes with --authority ID");
    }
    if (module == null && (generation != null || allow)) {
      throw CommandFailure.usage("--generation and --allow go with --module NAME");
    }
    ServiceClient client = AdminCommands.client(globals.home());
    if (allow) {
      return allowed(globals, client);
    }
    JsonNode answer = client.postJson("/revocations", body());
    if (globals.json()) {
      Json.print(console.out(), answer);
    } else {
      told(console.out(), answer);
    }
    for (JsonNode lacking : answer.path("unpublished")) {
      console.err().println("not on a list: " + AuditText.clean(lacking.asText()));
    }
    return ExitCode.DONE.number();
  }

  /** How many were taken back. */
  static String count(JsonNode answer) {
    int already = answer.path("already").asInt();
    return answer.path("revoked").asInt()
        + " revoked"
        + (already == 0 ? "" : ", " + already + (already == 1 ? " was" : " were") + " already");
  }

  private void told(PrintStream out, JsonNode answer) {
    out.println(count(answer));
    for (JsonNode item : answer.path("items")) {
      out.println("  " + AuditText.clean(item.path("serial").asText(item.asText())));
    }
    if (module != null) {
      out.println(
          "module "
              + AuditText.clean(module)
              + " is given nothing any more"
              + (answer.path("deniedGenerations").isEmpty()
                  ? ""
                  : " (generation "
                      + AuditText.clean(Json.words(answer.path("deniedGenerations")))
                      + ")")
              + ", until `vouchsafe cert revoke --module "
              + (module.matches("[A-Za-z0-9._-]+") ? module : "NAME")
              + " --allow` or another generation");
    }
  }

  private Integer allowed(RootCommand globals, ServiceClient client)
      throws CommandFailure, IOException {
    if (reason != null || invalidSince != null) {
      throw CommandFailure.usage("--allow takes no reason and no time");
    }
    JsonNode answer =
        client.postJson(
            "/revocations/allow",
            AdminCommands.body(json -> {
              json.writeStringField("module", module);
              if (generation != null) {
                json.writeStringField("generation", generation);
              }
            }));
    if (globals.json() || !answer.path("allowed").isEmpty()) {
      Json.print(console.out(), globals.json(), answer);
    } else {
      console.out().println("nothing was denied to " + module);
    }
    return ExitCode.DONE.number();
  }

  private byte[] body() throws CommandFailure, IOException {
    List<String> wanted = new ArrayList<>();
    for (String serial : serials == null ? List.<String>of() : serials) {
      wanted.add(CertShowCommand.normal(serial));
    }
    return AdminCommands.body(json -> {
      if (authority != null) {
        json.writeStringField("authority", authority);
        json.writeBooleanField("now", now);
      } else if (module == null) {
        json.writeArrayFieldStart("serials");
        for (String serial : wanted) {
          json.writeString(serial);
        }
        json.writeEndArray();
      } else {
        json.writeStringField("module", module);
      }
      if (generation != null) {
        json.writeStringField("generation", generation);
      }
      if (reason != null) {
        json.writeStringField("reason", reason);
      }
      if (invalidSince != null) {
        json.writeStringField("invalidSince", invalidSince);
      }
    });
  }
}
