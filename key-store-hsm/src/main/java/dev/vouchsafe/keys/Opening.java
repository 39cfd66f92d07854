package dev.vouchsafe.keys;

/** What became of a try to open a token. */
sealed interface Opening {
  /** It is open, and what was known of it is as it was. */
  record Open(TokenConnection connection) implements Opening {}

  /** It is there, and lets nobody in. */
  record Locked(KeyFault why) implements Opening {}

  /** It isn't there, or doesn't answer, or another one is in its place. */
  record Away(KeyFault why) implements Opening {}

  /** The connection. */
  default TokenConnection connectionOrThrow() throws KeyFault {
    return switch (this) {
      case Open(TokenConnection connection) -> connection;
      case Locked(KeyFault why) -> throw why;
      case Away(KeyFault why) -> throw why;
    };
  }
}
