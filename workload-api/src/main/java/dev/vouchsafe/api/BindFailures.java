package dev.vouchsafe.api;

import io.netty.channel.unix.Errors;
import java.io.IOException;
import java.nio.channels.UnresolvedAddressException;

/** Says in words why a listener can't be where the configuration has it. */
final class BindFailures {
  /** From errno(3), as Linux numbers them. */
  private static final int EACCES = 13;

  private static final int EADDRINUSE = 98;
  private static final int EADDRNOTAVAIL = 99;

  private BindFailures() {}

  /**
   * The failure to start with.
   *
   * @param what the setting and its value
   * @param cause what the network said
   */
  static IOException of(String what, Throwable cause) {
    return new IOException(what + ": " + why(cause), cause);
  }

  private static String why(Throwable cause) {
    if (cause instanceof UnresolvedAddressException) {
      return "this machine doesn't know that host";
    }
    if (!(cause instanceof Errors.NativeIoException failed)) {
      return String.valueOf(cause.getMessage());
    }
    return switch (-failed.expectedErr()) {
      case EADDRINUSE ->
          "another program listens there already (address in use): end it, or change the setting";
      case EADDRNOTAVAIL -> "this machine has no such address: change the setting";
      case EACCES -> "this user may not listen there: a port below 1024 takes CAP_NET_BIND_SERVICE";
      default -> String.valueOf(failed.getMessage());
    };
  }
}
