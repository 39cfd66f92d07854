package dev.vouchsafe.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Runs the service until it is told to stop. */
@Command(
    name = "serve",
    description = {
      "Runs the service of this home until SIGTERM or SIGINT, in the foreground.",
      "When it serves, it prints one line to the standard output: ready, and its endpoints. Logs"
          + " go to the standard error. Under systemd (Type=notify) it says READY=1 and"
          + " STOPPING=1."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe serve", "  vouchsafe --home /srv/gw serve --verbose"})
final class ServeCommand implements Callable<Integer> {
  private static final System.Logger LOG = System.getLogger(ServeCommand.class.getName());
  private static final int STOP_SECONDS = 5;

  /** Longer than most of what a thread does in one go, and a small part of the usual turn. */
  private static final Duration TURN = Duration.ofNanos(100_000);

  private final Console console;

  @ParentCommand private @Nullable RootCommand root;

  ServeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, InterruptedException {
    RootCommand globals = RootCommand.of(root);
    Logs.service(console, globals.verbose());
    Home home = globals.home();
    SystemCalls system = new SystemCalls();
    SystemdNotifier notifier = new SystemdNotifier(console, system);
    Daemon daemon = start(home, system);
    Thread hook = new Thread(() -> stopProcess(daemon, notifier), "stop");
    Runtime.getRuntime().addShutdownHook(hook);
    console.out().println("ready " + String.join(" ", daemon.endpoints()));
    console.out().flush();
    notifier.ready();
    // The hook ends the process; only an interrupt, which tests use, comes out of this wait.
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Runtime.getRuntime().removeShutdownHook(hook);
      daemon.close();
    }
    return ExitCode.DONE.number();
  }

  private Daemon start(Home home, SystemCalls system) throws CommandFailure {
    try {
      system.forbidDumps();
      shortenTurns(system);
      Configuration configuration = ConfigurationFile.read(home);
      return Daemon.start(home, configuration, console);
    } catch (ConfigurationException e) {
      throw CommandFailure.failed(e.getMessage() + "; the service was not started", e);
    } catch (IOException e) {
      throw CommandFailure.failed("the service was not started: " + Causes.of(e), e);
    }
  }

  /** So that a module's request doesn't wait behind the work for one that floods. */
  private static void shortenTurns(SystemCalls system) {
    try {
      system.shortenTurns(TURN);
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.DEBUG, "threads run in turns as long as ever: {0}", e.getMessage());
    }
  }

  /**
   * Runs in the shutdown hook: a JVM that ends on a signal would say 128 and its number, although
   * it stopped as it was asked to. Halting from here says what really happened.
   */
  private static void stopProcess(Daemon daemon, SystemdNotifier notifier) {
    notifier.stopping();
    Thread closing = new Thread(daemon::close, "close");
    closing.setDaemon(true);
    closing.start();
    boolean closed = false;
    try {
      closed = closing.join(Duration.ofSeconds(STOP_SECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!closed) {
      LOG.log(System.Logger.Level.WARNING, "not closed within {0} s", STOP_SECONDS);
    }
    Runtime.getRuntime().halt((closed ? ExitCode.DONE : ExitCode.FAILED).number());
  }
}
