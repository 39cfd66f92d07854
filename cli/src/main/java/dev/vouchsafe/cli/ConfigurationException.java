package dev.vouchsafe.cli;

/** The configuration can't be taken; the message names the file, the key, and what to change. */
final class ConfigurationException extends Exception {
  private static final long serialVersionUID = 1L;

  ConfigurationException(String message) {
    super(message);
  }
}
