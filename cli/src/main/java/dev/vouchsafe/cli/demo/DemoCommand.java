package dev.vouchsafe.cli.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code vouchsafe demo}: tells the whole story on this machine, and fails if one step of it isn't
 * true.
 */
@Command(
    name = "demo",
    description = {
      "Tells the whole story in a throw-away home: makes a root and a device CA, starts the service,"
          + " registers a module, issues a certificate to it, serves TLS with that, verifies it as a"
          + " device that knows only the trust bundle, and shows a stranger being refused.",
      "Needs no root, no network and no free port of yours. Needs openssl and perl. Each line is"
          + " printed after its step has shown what the line says."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe demo", "  vouchsafe demo --keep"})
public final class DemoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--keep",
      description = "Leave the home and its logs where they are, to be looked at.")
  private boolean keep;

  /** Made by the command line. */
  @SuppressWarnings("NullAway.Init") // picocli sets what is annotated
  public DemoCommand() {}

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    Story story = new Story(out, DemoPlay.STEPS);
    DemoHome home = DemoHome.make(keep);
    Thread cleaner = new Thread(() -> closeQuietly(home), "demo-cleaner");
    Runtime.getRuntime().addShutdownHook(cleaner);
    try {
      new DemoPlay(story, home).play();
      home.close();
      story.tell(
          keep
              ? "serve stopped in order; the home stays in " + home.scratch()
              : "serve stopped in order and the home is gone",
          keep ? "you asked for that" : "nothing is left on this machine");
      if (!story.whole()) {
        throw new DemoException("a step was left out");
      }
      story.remark("All of it is true on this machine.");
      return 0;
    } catch (DemoException e) {
      spec.commandLine().getErr().println("vouchsafe: the demonstration failed: " + e.getMessage());
      serviceLog(home).ifPresent(spec.commandLine().getErr()::println);
      return 1;
    } finally {
      closeQuietly(home);
      Runtime.getRuntime().removeShutdownHook(cleaner);
    }
  }

  private static Optional<String> serviceLog(DemoHome home) {
    Path log = home.scratch().resolve("serve.log");
    try {
      return Files.exists(log)
          ? Optional.of("What serve said:\n" + Program.read(log).strip())
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private void closeQuietly(DemoHome home) {
    try {
      home.close();
    } catch (IOException e) {
      spec.commandLine().getErr().println("vouchsafe: could not clean up: " + e.getMessage());
    }
  }
}
