package dev.vouchsafe.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;

/** The program {@code vouchsafe}. */
public final class Main {
  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    PrintStream out = stream(FileDescriptor.out);
    PrintStream err = stream(FileDescriptor.err);
    System.exit(run(args, out, err));
  }

  /**
   * Runs one command in this process.
   *
   * @return the exit code: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 unavailable
   */
  public static int run(String[] args, PrintStream out, PrintStream err) {
    return run(args, new Console(System.in, out, err, System.getenv(), Clock.systemUTC()));
  }

  static int run(String[] args, Console console) {
    int code = CommandTree.forArguments(args, console).execute(args);
    console.err().flush();
    console.out().flush();
    if (code == ExitCode.DONE.number() && console.out().checkError()) {
      console.err().println("vouchsafe: the output could not be written; see where it goes to");
      return ExitCode.FAILED.number();
    }
    return code;
  }

  /** UTF-8 whatever the locale: names and paths come out as they went in. */
  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(
        new BufferedOutputStream(new FileOutputStream(descriptor), 8192),
        false,
        StandardCharsets.UTF_8);
  }
}
