package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vouchsafe.audit.AuditEntry;
import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.audit.AuditReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Lists what was decided, and what else the audit log has. */
@Command(
    name = "show",
    description = {
      "Lists the entries of the audit log, oldest first: each decision on a line, with who asked"
          + " and what was made or why not. With --verbose each selector as well, wanted, measured,"
          + " match. With -o json the entries as they stand in the log.",
      "It shows what the files say; `vouchsafe audit verify` finds out whether that was changed."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe audit show --since 1h --verdict refused --verbose",
      "  vouchsafe audit show --serial 019a63b1f2c4d5e6f708192a3b4c5d6e -o json",
      "  vouchsafe audit show --module web --limit 20 --follow"
    })
final class AuditShowCommand implements Callable<Integer> {
  /** The outcomes of the log, in the very words that it has for them. */
  static final class Verdicts
      implements CommandLine.ITypeConverter<AuditEvent.Outcome>, Iterable<String> {
    @Override
    public AuditEvent.Outcome convert(String text) {
      for (AuditEvent.Outcome outcome : AuditEvent.Outcome.values()) {
        if (outcome.text().equals(text)) {
          return outcome;
        }
      }
      throw new CommandLine.TypeConversionException(
          "'" + text + "' is no verdict; there are " + String.join(", ", this));
    }

    @Override
    public Iterator<String> iterator() {
      return Arrays.stream(AuditEvent.Outcome.values()).map(AuditEvent.Outcome::text).iterator();
    }
  }

  private static final Duration LOOK_AGAIN = Duration.ofMillis(300);

  private final Console console;
  private final ObjectMapper mapper = new ObjectMapper();

  @ParentCommand private @Nullable AuditCommand parent;

  @Option(
      names = "--since",
      paramLabel = "T",
      description = "Not before then: RFC 3339, or how long ago, such as 90m or 7d.")
  private @Nullable String since;

  @Option(names = "--until", paramLabel = "T", description = "Before then.")
  private @Nullable String until;

  @Option(
      names = "--module",
      paramLabel = "NAME",
      description = "Only decisions and counts about that module.")
  private @Nullable String module;

  @Option(
      names = "--verdict",
      paramLabel = "VERDICT",
      converter = Verdicts.class,
      completionCandidates = Verdicts.class,
      description = "Only decisions that ended so, one of ${COMPLETION-CANDIDATES}.")
  private AuditEvent.@Nullable Outcome verdict;

  @Option(
      names = "--pid",
      paramLabel = "N",
      description = "Only decisions about that process id. Ids are used again.")
  private @Nullable Integer pid;

  @Option(
      names = "--serial",
      paramLabel = "HEX",
      description = "Only decisions that made that certificate, or the token with that id.")
  private @Nullable String serial;

  @Option(names = "--limit", paramLabel = "N", description = "The newest N only. Default: all.")
  private @Nullable Integer limit;

  @Option(
      names = {"-f", "--follow"},
      description =
          "Goes on with what is written from then on, until it is ended. With -o json each entry is"
              + " a line.")
  private boolean follow;

  @Option(
      names = "--log",
      paramLabel = "DIR",
      description = "The folder of an audit log, such as a copy. Default: that of the home.")
  private @Nullable String log;

  AuditShowCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = AuditCommand.globals(parent);
    AuditFilter filter = filter();
    if (limit != null && limit < 1) {
      throw CommandFailure.usage("--limit is at least 1");
    }
    Path folder = AuditCommand.folder(globals, log);
    AuditReader reader = new AuditReader(folder);
    try {
      if (follow) {
        follow(reader, filter, globals);
      } else if (globals.json()) {
        try (Json.Items items = Json.items(console.out())) {
          read(reader, filter, entry -> add(items, entry));
        }
      } else {
        read(reader, filter, entry -> print(entry, globals));
      }
    } catch (UncheckedIOException e) {
      throw e.getCause() == null ? new IOException(e) : e.getCause();
    }
    if (reader.strange() > 0) {
      console
          .err()
          .println(
              "vouchsafe: lines that are no entries: "
                  + reader.strange()
                  + "; see `vouchsafe "
                  + globals.homeArgument()
                  + "audit verify`");
    }
    return ExitCode.DONE.number();
  }

  private AuditFilter filter() throws CommandFailure {
    return new AuditFilter(
        time("--since", since),
        time("--until", until),
        Optional.ofNullable(module),
        Optional.ofNullable(verdict),
        pid == null ? OptionalInt.empty() : OptionalInt.of(pid),
        Optional.ofNullable(serial).map(AuditShowCommand::id));
  }

  /** A serial in the log's own form; token ids are taken as they are. */
  private static String id(String text) {
    String octets = text.replace(":", "");
    return octets.matches("[0-9A-Fa-f]+") ? octets.toLowerCase(Locale.ROOT) : text;
  }

  private Optional<Instant> time(String option, @Nullable String text) throws CommandFailure {
    return text == null
        ? Optional.empty()
        : Optional.of(Durations.ofTimeOption(option, text, console.clock()));
  }

  private void read(AuditReader reader, AuditFilter filter, Consumer<AuditEntry> taker)
      throws CommandFailure {
    Integer most = limit;
    Deque<AuditEntry> newest = new ArrayDeque<>();
    try {
      reader.read(entry -> {
        if (!filter.takes(entry) || isLeftOut(entry)) {
          return;
        }
        if (most == null) {
          taker.accept(entry);
        } else {
          newest.add(entry);
          if (newest.size() > most) {
            newest.remove();
          }
        }
      });
    } catch (IOException e) {
      throw AuditCommand.unreadable("the audit log can't be read", Causes.of(e), e);
    }
    newest.forEach(taker);
  }

  private void follow(AuditReader reader, AuditFilter filter, RootCommand globals)
      throws CommandFailure, IOException {
    Consumer<AuditEntry> taker =
        globals.json()
            ? entry -> console.out().println(entry.json())
            : entry -> print(entry, globals);
    read(reader, filter, taker);
    limit = null;
    // Ends with the process, or with whoever reads what it prints.
    while (!console.out().checkError()) {
      try {
        Thread.sleep(LOOK_AGAIN);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
      read(reader, filter, taker);
    }
  }

  private void add(Json.Items items, AuditEntry entry) {
    try {
      items.add(mapper.readTree(entry.json()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** There is one every minute, and only a verifier can do something with it. */
  private boolean isLeftOut(AuditEntry entry) {
    RootCommand globals = AuditCommand.globals(parent);
    return entry.event() instanceof AuditEvent.Checkpoint && !globals.json() && !globals.verbose();
  }

  private void print(AuditEntry entry, RootCommand globals) {
    console.out().println(AuditText.line(entry));
    if (globals.verbose()) {
      AuditText.details(entry).forEach(console.out()::println);
    }
  }
}
