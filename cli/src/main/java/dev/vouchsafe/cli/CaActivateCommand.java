package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vouchsafe.ca.AuthorityInfo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Lets the prepared device CA sign. */
@Command(
    name = "activate",
    description = {
      "Lets the prepared device CA sign in place of the active one.",
      "If it is in another key store, that store seals what the modules' keys and the tokens' keys"
          + " are made of from then on: they stay the same, and so does all that was encrypted."
          + " Certificates that the old one signed stay valid until they end.",
      "A published root takes over together with a device CA under it. It waits until every module"
          + " that was heard of within five refresh times has fetched the trust bundle with it."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe ca activate",
      "  vouchsafe ca activate device-2",
      "  vouchsafe ca activate --authority root"
    })
final class CaActivateCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Parameters(
      paramLabel = "ID",
      arity = "0..1",
      description = "Which one, such as device-2. Default: the one that is prepared.")
  private @Nullable String id;

  @Option(
      names = "--certificate",
      paramLabel = "FILE",
      description =
          "Of a home whose device CA is certified elsewhere: the certificate for the request that"
              + " `vouchsafe ca request` prints, with those over it, up to the root; PEM. The running"
              + " service issues by it at once; if none runs, the next start does.")
  private @Nullable Path certificate;

  @Mixin private CaRoleOption whose = new CaRoleOption();

  @Option(
      names = "--now",
      description =
          "Of a root, or of a certificate under another top, do not wait until those who verify have"
              + " fetched it; says who may break. Of a device CA, believe a clock that is in doubt.")
  private boolean now;

  CaActivateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    if (certificate != null) {
      return activate(globals, certificate);
    }
    ServiceClient client = AdminCommands.patient(globals.home());
    String meant = id != null ? id : meant(globals, client).id();
    JsonNode active =
        CaSteps.take(
            console, client, meant, "activate", json -> json.writeBooleanField("now", now));
    String next =
        active.path("role").asText().equals("device")
            ? CaSteps.mendConfiguration(globals, active.path("keyStore").asText())
            : "when nothing under the old root lives any more: vouchsafe "
                + globals.homeArgument()
                + "ca retire --authority root";
    CaSteps.print(
        console.out(),
        globals.json(),
        active,
        "it signs from now on; what was issued before stays valid",
        next);
    return ExitCode.DONE.number();
  }

  private CaSteps.Meant meant(RootCommand globals, ServiceClient client) throws CommandFailure {
    if (whose.role() == CaRole.root) {
      return CaSteps.meant(client, CaRole.root, "published");
    }
    boolean waits =
        CaSteps.isOutside(client.getJson("/authorities")) && OutsideHome.waits(client).isPresent();
    return CaSteps.prepared(
        client,
        waits
            ? OutsideHome.next(globals.homeArgument())
            : "make one with `vouchsafe " + globals.homeArgument() + "ca prepare`");
  }

  private int served(RootCommand globals, byte[] certificates) throws CommandFailure, IOException {
    JsonNode active =
        AdminCommands.patient(globals.home())
            .postJson(
                "/authorities/certificate",
                AdminCommands.body(json -> {
                  json.writeStringField(
                      "certificates", new String(certificates, StandardCharsets.ISO_8859_1));
                  json.writeBooleanField("now", now);
                }));
    CaSteps.print(
        console.out(),
        globals.json(),
        active,
        "it signs from now on; what was issued before stays valid",
        CaSteps.mendConfiguration(globals, active.path("keyStore").asText()));
    return ExitCode.DONE.number();
  }

  private int activate(RootCommand globals, Path file) throws CommandFailure, IOException {
    if (id != null) {
      throw CommandFailure.usage("--certificate tells by its key which one is meant; leave out ID");
    }
    OutsideHome outside = new OutsideHome(globals.home(), console);
    byte[] octets = OutsideHome.read(file);
    if (!outside.isOursToChange() && outside.isServed()) {
      return served(globals, octets);
    }
    AuthorityInfo active = outside.activate(octets);
    ObjectNode told = JsonNodeFactory.instance.objectNode();
    told.put("id", active.id());
    told.put("state", "active");
    told.put("keyStore", active.keyStore());
    told.put("subject", Certificates.subject(active.certificate()));
    told.put("notAfter", Certificates.notAfter(active.certificate()));
    CaSteps.print(
        console.out(),
        globals.json(),
        told,
        "it issues from the next start on",
        "vouchsafe " + globals.homeArgument() + "serve");
    return ExitCode.DONE.number();
  }
}
