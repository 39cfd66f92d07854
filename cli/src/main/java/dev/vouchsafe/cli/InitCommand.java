package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.keys.Pkcs11Uri;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Makes a home with its root and its device CA. */
@Command(
    name = "init",
    description = {
      "Makes a home: configuration, keys, root and device CA, ledger and trust bundle.",
      "It refuses if a home is there already. A crash half-way leaves nothing that looks like a"
          + " home; the same command then starts afresh."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe --home /srv/gw init",
      "  vouchsafe init --device-id gw-7 --trust-domain gw-7.plant.example",
      "  vouchsafe init --seal credential:vouchsafe-seal",
      "  vouchsafe init --key-store pkcs11 --pkcs11-uri \\",
      "    'pkcs11:token=gw?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/pin'",
      "  vouchsafe init --config prepared.toml"
    })
final class InitCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable RootCommand root;

  @Option(
      names = "--key-store",
      paramLabel = "KIND",
      defaultValue = "software",
      description =
          "Where private keys live: software (encrypted files, the default) or pkcs11 (a security"
              + " token: HSM, smart card).")
  private String keyStore = "software";

  @Option(
      names = "--pkcs11-uri",
      paramLabel = "URI",
      description =
          "The token, as a PKCS#11 URI (RFC 7512) with token, module-path and pin-source. The token"
              + " must be initialized; the keys are made in it.")
  private @Nullable String pkcs11Uri;

  @Option(
      names = "--root",
      paramLabel = "KIND",
      defaultValue = "self",
      description = "Where the root comes from: self (made here, the default).")
  private String rootKind = "self";

  @Option(
      names = "--device-id",
      paramLabel = "ID",
      description =
          "The gateway's name, one lower-case DNS label. Default: made of this machine's host"
              + " name.")
  private @Nullable String deviceId;

  @Option(
      names = "--trust-domain",
      paramLabel = "TD",
      description = "The SPIFFE trust domain, lower-case DNS labels. Default: ID.internal.")
  private @Nullable String trustDomain;

  @Option(
      names = "--seal",
      paramLabel = "SEAL",
      description =
          "Where the key store's sealing secret comes from: generated (a file seal.key; it protects"
              + " a copy of the data only; the default), file:/PATH (a passphrase) or"
              + " credential:NAME (systemd).")
  private @Nullable String seal;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "A prepared vouchsafe.toml, taken whole; for what has no option here, such as key types"
              + " and lifetimes. Not together with the other options.")
  private @Nullable Path prepared;

  InitCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure {
    RootCommand globals = RootCommand.of(root);
    Logs.quiet(console, globals.verbose());
    requireKnownKinds();
    Home home = globals.home();
    try {
      String text = prepared == null ? text() : prepared(prepared);
      Configuration configuration = ConfigurationFile.parse(text, home.configuration(), home);
      List<AuthorityInfo> authorities = new HomeBuilder(home, console).build(text, configuration);
      print(globals, home, configuration, authorities);
      return ExitCode.DONE.number();
    } catch (ConfigurationException e) {
      throw CommandFailure.usage(e.getMessage() + "; nothing was made");
    } catch (IOException e) {
      throw CommandFailure.failed(
          "no home was made: "
              + Causes.of(e)
              + "; run it as a user that may write there, or choose another folder with --home",
          e);
    }
  }

  private void requireKnownKinds() throws CommandFailure {
    if (keyStore.equals("tpm") || keyStore.contains(",")) {
      throw CommandFailure.usage(
          "--key-store " + keyStore + " is not in this version; use software or pkcs11");
    }
    if (!List.of("software", "pkcs11").contains(keyStore)) {
      throw CommandFailure.usage("--key-store is software or pkcs11");
    }
    if (keyStore.equals("pkcs11") && pkcs11Uri == null) {
      throw CommandFailure.usage(
          "--key-store pkcs11 needs --pkcs11-uri"
              + " 'pkcs11:token=NAME?module-path=/LIBRARY.so&pin-source=file:/PIN-FILE'");
    }
    if (!keyStore.equals("pkcs11") && pkcs11Uri != null) {
      throw CommandFailure.usage("--pkcs11-uri goes with --key-store pkcs11");
    }
    if (keyStore.equals("pkcs11") && seal != null) {
      throw CommandFailure.usage("--seal is for --key-store software: a token seals by itself");
    }
    if (!rootKind.equals("self")) {
      throw CommandFailure.usage("--root " + rootKind + " is not in this version; use --root self");
    }
  }

  private String prepared(Path file) throws IOException, CommandFailure, ConfigurationException {
    if (deviceId != null || trustDomain != null || seal != null || pkcs11Uri != null) {
      throw CommandFailure.usage(
          "--config stands alone: put device-id, trust-domain and the key store into the file");
    }
    return ConfigurationFile.text(file);
  }

  private String text() {
    String id = deviceId == null ? Names.defaultDeviceId() : deviceId;
    return """
    # The configuration of this gateway. Every key: docs/configuration.md.
    # An unknown key stops the start. Changes take effect at the next start.

    [gateway]
    # Both are in the certificates of root and device CA: they can't be changed any more.
    device-id = "%s"
    trust-domain = "%s"

    [listen]
    # https = ":8443"            # "off" switches it off

    [keys]
    %s

    [lifetimes]
    # leaf = "1h"                # when a module asks for none
    # leaf-cap = "30d"           # the longest a module can get
    """
        .formatted(
            quoted(id), quoted(trustDomain == null ? id + ".internal" : trustDomain), keys());
  }

  private String keys() {
    return pkcs11Uri == null
        ? "store = \"software\"\nseal = \"" + quoted(seal == null ? "generated" : seal) + '"'
        : "store = \"pkcs11\"\npkcs11-uri = \"" + quoted(pkcs11Uri) + '"';
  }

  /** Every escape of JSON means the same in a basic string of TOML. */
  private static String quoted(String text) {
    return new String(JsonStringEncoder.getInstance().quoteAsString(text));
  }

  private void print(
      RootCommand globals, Home home, Configuration configuration, List<AuthorityInfo> authorities)
      throws IOException {
    String next = "vouchsafe " + globals.homeArgument() + "serve";
    if (globals.json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            json.writeStringField("deviceId", configuration.gateway().deviceId());
            json.writeStringField("trustDomain", configuration.gateway().trustDomain());
            json.writeStringField("configuration", home.configuration().toString());
            json.writeStringField("data", home.data().toString());
            json.writeStringField("registrations", home.registrations().toString());
            json.writeArrayFieldStart("authorities");
            for (AuthorityInfo authority : authorities) {
              json.writeStartObject();
              json.writeStringField("id", authority.id());
              json.writeStringField("subject", Certificates.subject(authority.certificate()));
              json.writeStringField("notAfter", Certificates.notAfter(authority.certificate()));
              json.writeStringField("sha256", Certificates.sha256(authority.certificate()));
              json.writeEndObject();
            }
            json.writeEndArray();
            json.writeStringField("next", next);
            json.writeEndObject();
          });
      return;
    }
    console.out().println("device id      " + configuration.gateway().deviceId());
    console.out().println("trust domain   " + configuration.gateway().trustDomain());
    console.out().println("configuration  " + home.configuration());
    console.out().println("registrations  " + home.registrations());
    console.out().println("data           " + home.data());
    switch (configuration.keys().store()) {
      case Configuration.Store.Software(Configuration.Seal.Generated _) ->
          console
              .out()
              .println("seal           " + home.sealKey() + "  (back it up apart from data)");
      case Configuration.Store.Software _ -> console.out().println("key store      software");
      case Configuration.Store.Pkcs11(Pkcs11Uri uri) ->
          console.out().println("key store      pkcs11: " + KeyStores.named(uri));
    }
    for (AuthorityInfo authority : authorities) {
      console
          .out()
          .println(
              "%-14s %s, until %s"
                  .formatted(
                      authority.id(),
                      Certificates.subject(authority.certificate()),
                      Certificates.notAfter(authority.certificate())));
      console.out().println("  sha256       " + Certificates.sha256(authority.certificate()));
    }
    console.out().println("next           " + next);
  }
}
