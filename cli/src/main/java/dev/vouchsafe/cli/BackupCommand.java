package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Fetches a backup of the running service's home. */
@Command(
    name = "backup",
    description = {
      "Has the running service make a backup of its home, beside all other work, and copies it to a"
          + " new file that only its owner can read. All that was delivered before is in it.",
      "It holds the ledger, the files of key stores (sealed, as they are), trust bundle,"
          + " registrations and configuration, signed by the audit key. It does not hold seal.key,"
          + " PINs, what is in a token or TPM, or the audit log: see docs/backup.md. Run it as root"
          + " or as the service's user."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe backup --out /mnt/backup/gw-monday.zip"})
final class BackupCommand implements Callable<Integer> {
  private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");

  private final Console console;

  @ParentCommand private @Nullable RootCommand root;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      required = true,
      description = "The file to make. One that is there is left as it is.")
  private @Nullable Path out;

  BackupCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = RootCommand.of(root);
    Path target = Objects.requireNonNull(out, "picocli requires it").toAbsolutePath();
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      throw CommandFailure.failed("--out: " + target + " is there, and is left as it is");
    }
    JsonNode made =
        AdminCommands.patient(globals.home()).postJson("/backup", AdminCommands.body(json -> {}));
    String id = made.path("id").asText();
    if (!ID.matcher(id).matches()) {
      throw CommandFailure.failed("the service's answer has no id; is it of this version?");
    }
    // By its id and not by what the answer says: we may be root, and the service is not.
    Path source = globals.home().backups().resolve(HomeBackups.file(id));
    try {
      copy(source, target);
    } catch (IOException e) {
      throw CommandFailure.failed("the backup was not copied: " + Causes.of(e), e);
    }
    remove(source);
    print(globals, made, target);
    return ExitCode.DONE.number();
  }

  private static void copy(Path source, Path target) throws IOException {
    Path folder = Home.parent(target);
    Path temporary = folder.resolve("." + target.getFileName() + "." + UUID.randomUUID());
    try {
      try (InputStream in = Files.newInputStream(source, LinkOption.NOFOLLOW_LINKS);
          FileChannel channel =
              FileChannel.open(
                  temporary,
                  Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                  PosixFilePermissions.asFileAttribute(
                      PosixFilePermissions.fromString("rw-------")))) {
        long _ = in.transferTo(Channels.newOutputStream(channel));
        channel.force(true);
      }
      // A link, unlike a rename, never takes the place of another file.
      Files.createLink(target, temporary);
    } catch (FileAlreadyExistsException e) {
      throw new IOException(target + " is there, and is left as it is", e);
    } finally {
      Files.deleteIfExists(temporary);
    }
    DurableFiles.sync(folder);
  }

  /** It takes room; if it stays, the service removes it before the next. */
  private void remove(Path source) {
    try {
      Files.deleteIfExists(source);
    } catch (IOException e) {
      console.err().println("vouchsafe: " + source + " stays until the next: " + Causes.of(e));
    }
  }

  private void print(RootCommand globals, JsonNode made, Path target) throws IOException {
    if (globals.json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            json.writeStringField("id", made.path("id").asText());
            json.writeStringField("file", target.toString());
            json.writeNumberField("octets", made.path("octets").asLong());
            json.writeStringField("known", made.path("known").asText());
            json.writeArrayFieldStart("lacks");
            for (JsonNode line : made.path("lacks")) {
              json.writeString(line.asText());
            }
            json.writeEndArray();
            json.writeEndObject();
          });
      return;
    }
    console
        .out()
        .println(
            ("backup " + made.path("id").asText() + " of " + made.path("known").asText())
                .replaceAll("\\p{Cntrl}", "?"));
    console.out().println(target);
    for (JsonNode line : made.path("lacks")) {
      console.out().println(("not in it: keep " + line.asText()).replaceAll("\\p{Cntrl}", "?"));
    }
  }
}
