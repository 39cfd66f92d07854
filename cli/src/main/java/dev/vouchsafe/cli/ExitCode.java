package dev.vouchsafe.cli;

/** How a command ended, as the shell sees it. The numbers are a published contract. */
enum ExitCode {
  /** What was asked for was done. */
  DONE(0, "done"),
  /** It failed, and will again until something is changed. */
  FAILED(1, "failed: something must be changed first"),
  /** The command line is wrong. */
  USAGE(2, "wrong usage"),
  /** The service refused: the caller may not have that, or nobody may as things stand. */
  REFUSED(3, "refused: the caller may not have that, or nobody may as things stand"),
  /** Not now: the service or what it stands on is away; the same command may succeed later. */
  UNAVAILABLE(4, "unavailable now: trying again may help");

  private final int number;
  private final String meaning;

  ExitCode(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  int number() {
    return number;
  }

  String meaning() {
    return meaning;
  }
}
