package dev.vouchsafe.cli;

import dev.vouchsafe.audit.AuditKeys;
import dev.vouchsafe.audit.AuditReport;
import dev.vouchsafe.audit.AuditReport.Compared;
import dev.vouchsafe.audit.AuditVerifier;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.interfaces.ECPublicKey;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Finds out whether the audit log was changed. */
@Command(
    name = "verify",
    description = {
      "Reads the whole audit log and tells what was edited, moved, inserted or removed, and which"
          + " checkpoint the audit key did not sign. The service needn't run.",
      "Whether the end was cut off shows only against a checkpoint that left the machine before:"
          + " --since-checkpoint. And whoever can read the audit key, such as root, can sign"
          + " another log: a checkpoint or a key that is kept elsewhere shows that as well.",
      "Exit status: 0 it is sound (last lines that a crash tore, or that nobody signed yet, are told"
          + " and are no change), 1 it was changed, 3 this user may not read it, 4 it, or the key, can't be read."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe audit verify",
      "  vouchsafe audit verify --print-checkpoint | \\",
      "      ssh backup 'cat >> gateway-7.checkpoints'",
      "  vouchsafe audit verify --log copy/audit --key audit-key.pem \\",
      "      --since-checkpoint gateway-7.checkpoints"
    })
final class AuditVerifyCommand implements Callable<Integer> {
  /** Of a file with checkpoints, one a line. */
  private static final int LARGEST_FILE = 16 * 1024 * 1024;

  private final Console console;

  @ParentCommand private @Nullable AuditCommand parent;

  @Option(
      names = "--log",
      paramLabel = "DIR",
      description = "The folder of the log, such as a copy. Default: that of the home.")
  private @Nullable String log;

  @Option(
      names = "--key",
      paramLabel = "FILE",
      description =
          "The audit key's public half in PEM. Default: audit-key.pem in the log's folder, which"
              + " says no more than the folder does.")
  private @Nullable Path key;

  @Option(
      names = "--since-checkpoint",
      paramLabel = "FILE|TEXT",
      description =
          "A checkpoint that left the machine before: its text, or a file whose last line it is, -"
              + " for the standard input.")
  private @Nullable String checkpoint;

  @Option(
      names = "--print-checkpoint",
      description =
          "Prints the newest checkpoint and nothing else if the log is sound, to be kept where"
              + " nobody of this machine can change it.")
  private boolean printCheckpoint;

  AuditVerifyCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = AuditCommand.globals(parent);
    if (printCheckpoint && globals.json()) {
      throw CommandFailure.usage("-o json has the checkpoint in it: leave --print-checkpoint out");
    }
    Path folder = AuditCommand.folder(globals, log);
    Optional<String> before = checkpoint();
    Path keyFile = key == null ? folder.resolve(AuditKeys.FILE) : key;
    AuditReport report;
    ECPublicKey known;
    try {
      requireFolder(folder);
      known = AuditKeys.read(keyFile);
      report = AuditVerifier.verify(folder, known, before, octets -> {});
    } catch (IOException e) {
      throw AuditCommand.unreadable("the audit log can't be verified", why(e, keyFile), e);
    }
    AuditVerdict verdict = new AuditVerdict(folder, keyFile, AuditKeys.fingerprint(known), report);
    if (globals.json()) {
      Json.print(console.out(), verdict::write);
    } else if (printCheckpoint) {
      printCheckpoint(verdict, report);
    } else {
      verdict.print(console.out());
    }
    return (report.sound() ? ExitCode.DONE : ExitCode.FAILED).number();
  }

  /** One that isn't there can't be told from one whose key isn't. */
  private static void requireFolder(Path folder) throws IOException {
    try (var _ = Files.newDirectoryStream(folder)) {
      // It can be read.
    }
  }

  private static String why(IOException e, Path keyFile) {
    return e instanceof NoSuchFileException missing && keyFile.toString().equals(missing.getFile())
        ? keyFile
            + ": no such file; the service writes it with its first checkpoint, or name a copy with"
            + " --key"
        : Causes.of(e);
  }

  private void printCheckpoint(AuditVerdict verdict, AuditReport report) throws CommandFailure {
    if (!report.sound()) {
      verdict.print(console.err());
    } else if (report.checkpoint().isEmpty()) {
      throw CommandFailure.unavailable(
          "there is no checkpoint yet; the service makes one a minute");
    } else {
      if (report.compared() == Compared.TRIMMED) {
        verdict.print(console.err());
      }
      console.out().println(report.checkpoint().get());
    }
  }

  private Optional<String> checkpoint() throws CommandFailure {
    String given = checkpoint;
    if (given == null) {
      return Optional.empty();
    }
    if (given.matches("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+")
        && given.startsWith("ey")) {
      return Optional.of(given);
    }
    try (InputStream in = given.equals("-") ? console.in() : Files.newInputStream(Path.of(given))) {
      byte[] octets = in.readNBytes(LARGEST_FILE + 1);
      if (octets.length > LARGEST_FILE) {
        throw CommandFailure.unavailable("--since-checkpoint: over " + LARGEST_FILE + " octets");
      }
      String[] lines = new String(octets, StandardCharsets.US_ASCII).strip().split("\\R", -1);
      return Optional.of(lines[lines.length - 1]);
    } catch (IOException e) {
      throw CommandFailure.unavailable("the checkpoint can't be read: " + Causes.of(e), e);
    }
  }
}
