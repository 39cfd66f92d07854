package dev.vouchsafe.cli;

import dev.vouchsafe.ca.RootSource;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
      "    'pkcs11:token=gw?module-path=/usr/lib/hsm.so&pin-source=file:/etc/pin'",
      "  vouchsafe init --key-store tpm --tpm-pcrs sha256:0,7",
      "  vouchsafe init --key-store tpm,software",
      "  vouchsafe init --root csr",
      "  vouchsafe init --root import --root-file ca.p12 --root-passphrase-file phrase",
      "  vouchsafe init --config prepared.toml"
    })
final class InitCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable RootCommand root;

  @Mixin private InitKeyStores keyStores = new InitKeyStores();

  @Mixin private InitRoot rootSource = new InitRoot();

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
      names = "--config",
      paramLabel = "FILE",
      description =
          "A prepared vouchsafe.toml, taken whole; for what has no option here, such as key types"
              + " and lifetimes. Not together with the other options, but those of the root.")
  private @Nullable Path prepared;

  InitCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure {
    RootCommand globals = RootCommand.of(root);
    Logs.quiet(console, globals.verbose());
    Home home = globals.home();
    requirePossibleTime();
    RootSource source = rootSource.source(console);
    try {
      List<HomeBuilder.Candidate> candidates = new ArrayList<>();
      for (String text : prepared == null ? texts() : List.of(prepared(prepared))) {
        candidates.add(
            new HomeBuilder.Candidate(
                text, ConfigurationFile.parse(text, home.configuration(), home)));
      }
      HomeBuilder.Made made = new HomeBuilder(home, console, source).build(candidates);
      warn(made);
      new InitReport(globals, home, made).print(console.out());
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

  /** A root that is valid from 1970 on, or not yet, can't be mended later. */
  private void requirePossibleTime() throws CommandFailure {
    Instant now = console.clock().instant().truncatedTo(ChronoUnit.SECONDS);
    Instant built = new BuildInfo().madeAt();
    if (now.isBefore(built)) {
      throw CommandFailure.failed(
          "no home was made: the clock shows "
              + now
              + ", and this program was built at "
              + built
              + "; set the clock first");
    }
  }

  /** The operator named software last, and gets it; that it is not what was hoped for is said. */
  private void warn(HomeBuilder.Made made) {
    if (!made.notTaken().isEmpty() && made.taken().store() == KeyStoreName.SOFTWARE) {
      console
          .err()
          .println(
              "vouchsafe: the private keys are in files now, in no hardware, and stay there; mend"
                  + " what is named above, put it into "
                  + "vouchsafe.toml, then move with `vouchsafe ca prepare --key-store "
                  + made.notTaken().getFirst().name().text()
                  + "`");
    }
  }

  private String prepared(Path file) throws IOException, CommandFailure, ConfigurationException {
    if (deviceId != null || trustDomain != null || keyStores.any()) {
      throw CommandFailure.usage(
          "--config stands alone: put device-id, trust-domain and the key store into the file");
    }
    return ConfigurationFile.text(file);
  }

  private List<String> texts() throws CommandFailure {
    String id = deviceId == null ? Names.defaultDeviceId() : deviceId;
    String domain = trustDomain == null ? id + ".internal" : trustDomain;
    List<String> texts = new ArrayList<>();
    for (String keys : keyStores.sections()) {
      texts.add(
          """
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
              .formatted(InitKeyStores.quoted(id), InitKeyStores.quoted(domain), keys));
    }
    return texts;
  }
}
