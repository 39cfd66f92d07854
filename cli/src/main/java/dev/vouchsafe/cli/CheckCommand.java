package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.AttestationSettings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Says what this home stands on, and what to change. */
@Command(
    name = "check",
    description = {
      "Looks at everything that the service stands on, with the service running or not: Java,"
          + " cryptography, configuration, files and their rights, key store, authorities,"
          + " registrations, sockets, disk, clock, and what can't be measured here.",
      "Of each key store that is in use or configured: its files and their rights, library, token,"
          + " PIN (tried once), mechanisms, TPM, auth values, PCRs and keys; then each authority's"
          + " key signs something that is thrown away.",
      "Each line is OK, WARN or FAIL, with what to change. It changes nothing. It ends with 0 if"
          + " nothing is FAIL."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe check", "  vouchsafe check -o json"})
final class CheckCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable RootCommand root;

  CheckCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = RootCommand.of(root);
    Logs.quiet(console, globals.verbose());
    List<Finding> findings = look(globals.home());
    if (globals.json()) {
      printJson(findings);
    } else {
      print(findings);
    }
    boolean failed = findings.stream().anyMatch(finding -> finding.status() == Finding.Status.FAIL);
    return (failed ? ExitCode.FAILED : ExitCode.DONE).number();
  }

  private List<Finding> look(Home home) {
    List<Finding> findings = new ArrayList<>();
    MachineChecks machine = new MachineChecks();
    findings.add(machine.java());
    findings.add(machine.cryptography());
    HomeChecks files = new HomeChecks(home);
    findings.add(files.format());
    files.owner().ifPresent(findings::add);
    Optional<Configuration> configuration = files.configuration(findings::add);
    findings.addAll(files.rights());
    findings.add(machine.disk(home));
    ServiceChecks service = new ServiceChecks(home, console);
    findings.add(new ClockChecks(home, console).clock(service.clock()));
    findings.add(service.running());
    service.audit().ifPresent(findings::add);
    service.ledger().ifPresent(findings::add);
    service.gap().ifPresent(findings::add);
    configuration.ifPresent(read -> findings.addAll(keyStores(home, read, service)));
    RegistrationChecks modules = new RegistrationChecks(home, LocalAccounts.ofSystem());
    findings.addAll(modules.registrations());
    configuration.ifPresent(read -> findings.addAll(service.sockets(read)));
    findings.addAll(service.authorities());
    new RevocationChecks(home).look(service.isRunning()).ifPresent(findings::add);
    AttestationSettings settings =
        configuration.map(Configuration::attestation).orElseGet(AttestationSettings::defaults);
    findings.addAll(service.attestation(settings));
    findings.addAll(modules.witnesses(settings));
    return findings;
  }

  private List<Finding> keyStores(Home home, Configuration configuration, ServiceChecks service) {
    KeyStoreChecks stores =
        new KeyStoreChecks(home, console, configuration, service.standings(configuration));
    List<Finding> findings = new ArrayList<>(stores.examined());
    IssuingChecks.of(home, configuration, stores).ifPresent(findings::add);
    if (service.isRunning()) {
      findings.addAll(service.proofs(stores));
    } else if (service.holdsHome()) {
      findings.add(
          Finding.fail(
              "authorities",
              "not tried: a service has this home, and does not answer",
              "see its log, or start it anew"));
    } else {
      findings.addAll(stores.proofs());
    }
    return findings;
  }

  private void print(List<Finding> findings) {
    int width = findings.stream().mapToInt(finding -> finding.subject().length()).max().orElse(0);
    for (Finding finding : findings) {
      String line =
          "%-4s  %s%s  %s"
              .formatted(
                  finding.status(),
                  finding.subject(),
                  " ".repeat(width - finding.subject().length()),
                  finding.detail() + finding.advice().map(advice -> "; " + advice).orElse(""));
      console.out().println(line.replaceAll("\\p{Cntrl}", "?"));
    }
  }

  private void printJson(List<Finding> findings) throws IOException {
    Json.print(
        console.out(),
        json -> {
          json.writeStartObject();
          json.writeArrayFieldStart("items");
          for (Finding finding : findings) {
            json.writeStartObject();
            json.writeStringField("status", finding.status().name());
            json.writeStringField("subject", finding.subject());
            json.writeStringField("detail", finding.detail());
            if (finding.advice().isPresent()) {
              json.writeStringField("advice", finding.advice().get());
            }
            json.writeEndObject();
          }
          json.writeEndArray();
          json.writeEndObject();
        });
  }
}
