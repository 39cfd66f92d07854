package dev.vouchsafe.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.time.InstantSource;
import java.util.Map;

/**
 * What a command has of the world outside: its three streams, its environment and the one clock.
 *
 * @param in what it is given
 * @param out for results
 * @param err for messages
 * @param environment the environment variables
 * @param clock the one clock
 */
record Console(
    InputStream in,
    PrintStream out,
    PrintStream err,
    Map<String, String> environment,
    InstantSource clock) {
  Console {
    environment = Map.copyOf(environment);
  }
}
