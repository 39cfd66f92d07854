package dev.vouchsafe.ca.clock;

import java.util.Locale;

/** What is made of the machine's clock. */
public enum ClockVerdict {
  /** It may be right. */
  TRUSTED,
  /** It is behind the build of this program: it is wrong for certain. */
  BEHIND_BUILD,
  /** It is behind the floor: behind what it has shown before. */
  BEHIND_FLOOR,
  /** It is further ahead of the floor than an interruption explains, and nobody vouches for it. */
  FAR_AHEAD;

  /** Whether it is believed. */
  public boolean isTrusted() {
    return this == TRUSTED;
  }

  /** As it stands in answers: lower case, with hyphens. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
