package dev.vouchsafe.cli.demo;

import java.io.PrintWriter;
import java.util.Locale;

/** Tells the steps, one line each: its number, what was done, and what that proves. */
final class Story {
  private final PrintWriter out;
  private final int steps;
  private int told;

  Story(PrintWriter out, int steps) {
    this.out = out;
    this.steps = steps;
  }

  /** Called when a step has been done and has shown what it promised, never before. */
  void tell(String done, String proves) {
    told++;
    out.println(String.format(Locale.ROOT, "[%2d/%d] %s: %s", told, steps, done, proves));
    out.flush();
  }

  /** A remark that is no step. */
  void remark(String text) {
    out.println(text);
    out.flush();
  }

  /** Whether every step was told: the number in each line is a promise too. */
  boolean whole() {
    return told == steps;
  }
}
