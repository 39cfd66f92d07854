package dev.vouchsafe.ca.clock;

import java.util.Locale;

/** Whether the kernel says that its clock is kept right by a time service. */
public enum Synchronised {
  YES,
  NO,
  /** It can't be asked. */
  UNKNOWN;

  /** As it stands in answers. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
