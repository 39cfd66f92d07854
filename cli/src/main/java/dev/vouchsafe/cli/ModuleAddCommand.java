package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationException;
import dev.vouchsafe.attestation.RegistrationFolder;
import dev.vouchsafe.attestation.Selector;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Writes one registration. */
@Command(
    name = "add",
    description = {
      "Registers a module: writes NAME.toml to registrations.d. It is in force at the next request.",
      "All selectors must hold for a caller. At least one must be an owner, which another local user"
          + " can't take on: unix:uid:N, unix:user:NAME, systemd:unit:NAME,"
          + " systemd:invocation-id:HEX, container:id:HEX, container:name:NAME,"
          + " container:image:REFERENCE, container:image-digest:sha256:HEX. The others narrow:"
          + " unix:gid:N, unix:group:NAME, unix:supplementary-group:NAME, unix:path:/FILE,"
          + " unix:sha256:HEX, process:script-sha256:HEX, systemd:slice:NAME,"
          + " container:engine:ENGINE, container:label:KEY=VALUE.",
      "Alternatives (any) are written into the file: see docs/registrations.md."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe module add web --selector unix:user:www-data \\",
      "      --selector unix:path:/usr/sbin/nginx --profile server --dns gateway.local",
      "  vouchsafe module add logger --selector unix:uid:1001 --ttl 10m"
    })
final class ModuleAddCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable ModuleCommand parent;

  @Parameters(
      paramLabel = "NAME",
      description =
          "The module's name: 1 to 128 characters of A-Za-z0-9-:.+%%_#*?!(),=@;$' and space.")
  private String name = "";

  @Option(
      names = "--generation",
      paramLabel = "G",
      description =
          "The generation id; a module made anew under an old name gets another." + " Default: 1.")
  private String generation = "1";

  @Option(
      names = "--selector",
      paramLabel = "S",
      required = true,
      description = "What must hold for the caller; give it several times, all must hold.")
  private List<String> selectors = new ArrayList<>();

  @Option(
      names = "--not",
      paramLabel = "S",
      description = "What may not hold for the caller; give it several times, none may hold.")
  private List<String> exclusions = new ArrayList<>();

  @Option(
      names = "--profile",
      paramLabel = "P",
      description =
          "A certificate profile that it may ask for, such as identity or server; give it several"
              + " times. Default: identity.")
  private List<String> profiles = new ArrayList<>();

  @Option(
      names = "--dns",
      paramLabel = "NAME",
      description = "A DNS name that it may have; *.NAME allows any one label before NAME.")
  private List<String> dns = new ArrayList<>();

  @Option(names = "--ip", paramLabel = "ADDRESS", description = "An IP address that it may have.")
  private List<String> ip = new ArrayList<>();

  @Option(
      names = "--spiffe",
      paramLabel = "PATH",
      description =
          "The path of its SPIFFE ID, without a leading slash. Default: its name, if that"
              + " can be one.")
  private @Nullable String spiffe;

  @Option(
      names = "--ttl",
      paramLabel = "SPAN",
      description =
          "The longest lifetime of its certificates and tokens, and the default of its certificates,"
              + " such as 90s, 15m, 1h or 7d. Default: that of vouchsafe.toml.")
  private @Nullable String ttl;

  @Option(
      names = "--audience",
      paramLabel = "A",
      description = "For whom it may have tokens; give it several times. Default: nobody.")
  private List<String> audiences = new ArrayList<>();

  ModuleAddCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure {
    RootCommand globals = ModuleCommand.globals(parent);
    Logs.quiet(console, globals.verbose());
    Path folder = ModuleFiles.folder(globals.home());
    try {
      Path file = RegistrationFolder.add(folder, ModuleRules.of(globals.home()), registration());
      print(globals, file);
      return ExitCode.DONE.number();
    } catch (RegistrationException e) {
      throw ModuleFiles.failure(e);
    } catch (IOException e) {
      throw CommandFailure.failed("nothing was registered: " + Causes.of(e), e);
    }
  }

  private Registration registration() throws RegistrationException, CommandFailure {
    return new Registration(
        name,
        generation,
        read(selectors),
        List.of(),
        read(exclusions),
        profiles.isEmpty() ? Set.of("identity") : Set.copyOf(profiles),
        dns.stream().map(text -> text.toLowerCase(Locale.ROOT)).toList(),
        ip,
        Optional.ofNullable(spiffe),
        lifetime(),
        audiences,
        Set.of(Registration.Channel.UNIX),
        false);
  }

  private static List<Selector> read(List<String> texts) throws RegistrationException {
    List<Selector> read = new ArrayList<>();
    for (String text : texts) {
      read.add(RegistrationFolder.selector(text));
    }
    return read;
  }

  private Optional<Duration> lifetime() throws CommandFailure {
    return ttl == null ? Optional.empty() : Optional.of(Durations.ofOption("--ttl", ttl));
  }

  private void print(RootCommand globals, Path file) throws IOException {
    if (globals.json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            json.writeStringField("module", name);
            json.writeStringField("file", file.toString());
            json.writeEndObject();
          });
    } else {
      console.out().println("registered " + name + " in " + file);
    }
  }
}
