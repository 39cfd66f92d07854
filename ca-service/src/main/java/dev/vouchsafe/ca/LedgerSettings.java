package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * How much room the ledger may take.
 *
 * @param most octets of its files together, if that is limited; at least {@link #LEAST}
 * @param whole how long after its end a certificate's entry stands whole, before it is packed into
 *     the archive
 */
public record LedgerSettings(OptionalLong most, Duration whole) {
  /** The least limit, in octets: the log alone takes some 17 MiB of it. */
  public static final long LEAST = 64L * 1024 * 1024;

  /** No limit, and a month. */
  public static final LedgerSettings STANDARD =
      new LedgerSettings(OptionalLong.empty(), Duration.ofDays(30));
}
