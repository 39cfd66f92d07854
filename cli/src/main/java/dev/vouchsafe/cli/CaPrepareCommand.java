package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.ca.AuthorityRequest;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Makes the next device CA, in the same key store or in another. */
@Command(
    name = "prepare",
    description = {
      "Makes the next device CA, with a new key, certified by the root. It signs nothing until"
          + " `vouchsafe ca activate`; until then `vouchsafe ca abort` gives it up.",
      "With --authority root: the next root, the certificates by which it and the present one vouch"
          + " for each other, and a device CA under it. All three wait for `vouchsafe ca publish`.",
      "Where others certify the device CA (`init --root csr`), it makes its key and a request for"
          + " its certificate: `vouchsafe ca request` prints that. The service need not run for it,"
          + " but it must if another key store is meant.",
      "This is how a gateway moves to another key store: a key never leaves the store that it was"
          + " made in. Put the store's settings ([keys] pkcs11-uri, for example) into"
          + " vouchsafe.toml first; the running service reads them for this. But settings of a store"
          + " that it has open already are taken up by a restart only, and this says so. The root"
          + " stays where it is, so those who verify need no new trust bundle."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe ca prepare --key-store pkcs11",
      "  vouchsafe ca prepare --key-store tpm -o json",
      "  vouchsafe ca prepare --authority root"
    })
final class CaPrepareCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Option(
      names = "--authority",
      paramLabel = "ROLE",
      defaultValue = "device",
      description = "Which authority: device or root. Default: ${DEFAULT-VALUE}.")
  private String authority = "device";

  @Option(
      names = "--key-store",
      paramLabel = "KIND",
      description =
          "Where its key is to be: software, pkcs11 or tpm. Default: what [keys] store says.")
  private @Nullable String keyStore;

  @Option(
      names = "--now",
      description =
          "Of a root: make it also where the old one can't vouch for it, since it has ended or its"
              + " key is lost. Says who can't follow.")
  private boolean now;

  CaPrepareCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    if (!authority.equals("device") && !authority.equals("root")) {
      throw CommandFailure.usage("--authority is device or root");
    }
    if (keyStore != null
        && KeyStoreName.parse(keyStore).filter(KeyStoreName.forAll()::contains).isEmpty()) {
      throw CommandFailure.usage(
          "--key-store is one of " + KeyStoreName.texts(KeyStoreName.forAll()));
    }
    if (now && !authority.equals("root")) {
      throw CommandFailure.usage("--now is of a root only: --authority root");
    }
    RootCommand globals = CaCommand.globals(parent);
    OutsideHome outside = new OutsideHome(globals.home(), console);
    if (outside.isOursToChange()) {
      if (authority.equals("root")) {
        throw CommandFailure.refused(
            "the root of this home is with others: only they make another; have the next device CA"
                + " certified under it (docs/outside-roots.md)");
      }
      AuthorityRequest request = outside.prepare(Optional.ofNullable(keyStore));
      requested(globals, OutsideHome.told(request, "prepared"));
      return ExitCode.DONE.number();
    }
    JsonNode prepared =
        AdminCommands.patient(globals.home()).postJson("/authorities/prepare", body());
    if (prepared.has("request")) {
      requested(globals, prepared);
      return ExitCode.DONE.number();
    }
    CaSteps.print(
        console.out(),
        globals.json(),
        prepared,
        "it signs nothing yet; give it up with: vouchsafe "
            + globals.homeArgument()
            + "ca abort"
            + (authority.equals("root") ? " --authority root" : ""),
        authority.equals("root")
            ? "publish with: vouchsafe " + globals.homeArgument() + "ca publish"
            : CaSteps.activate(globals));
    return ExitCode.DONE.number();
  }

  private void requested(RootCommand globals, JsonNode request) throws IOException {
    OutsideHome.print(console.out(), globals.json(), request, globals.homeArgument());
  }

  private byte[] body() throws IOException {
    return AdminCommands.body(json -> {
      json.writeStringField("authority", authority);
      if (keyStore != null) {
        json.writeStringField("keyStore", keyStore);
      }
      if (now) {
        json.writeBooleanField("now", true);
      }
    });
  }
}
