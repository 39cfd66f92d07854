package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What lives under some authorities: certificates that they or their issuing CAs signed, and those
 * issuing CAs.
 *
 * @param rows the authorities' numbers in the ledger
 * @param count how many leaves and child CAs
 * @param lastEnd when the last of all that ends, if anything lives
 */
record LivingUnder(Set<Long> rows, long count, Optional<Instant> lastEnd) {
  private static final int MOST_TOLD = 10;

  /**
   * @param living what lives, by authority
   */
  static LivingUnder of(
      AuthorityChain chain,
      List<StoredAuthority> devices,
      RotationLedger.AllLiving living,
      Instant now) {
    Map<Long, StoredAuthority> byRow = new HashMap<>();
    for (StoredAuthority device : devices) {
      // Those of the chain are as old as the last step, or the start.
      Stream.concat(
              chain.delegatesOf(device).stream(),
              living.issuing().stream().filter(it -> AuthorityChain.isUnder(it, device)))
          .forEach(it -> byRow.put(it.row().row(), it));
    }
    Collection<StoredAuthority> delegates = byRow.values();
    Set<Long> rows = new HashSet<>();
    Stream.concat(devices.stream(), delegates.stream()).forEach(it -> rows.add(it.row().row()));
    List<RotationLedger.Living> ours =
        living.counts().stream().filter(each -> rows.contains(each.authority())).toList();
    Optional<Instant> lastEnd =
        Stream.concat(
                ours.stream().map(RotationLedger.Living::lastEnd),
                delegates.stream().map(it -> it.certificate().getNotAfter().toInstant()))
            .filter(end -> end.isAfter(now))
            .max(Instant::compareTo);
    return new LivingUnder(
        Set.copyOf(rows), ours.stream().mapToLong(RotationLedger.Living::count).sum(), lastEnd);
  }

  boolean isEmpty() {
    return lastEnd.isEmpty();
  }

  /** It in a few words. */
  String text() {
    return lastEnd
        .map(end ->
            (count == 0 ? "an issuing CA" : count + " living certificate" + (count == 1 ? "" : "s"))
                + ", the last ends at "
                + time(end))
        .orElse("nothing");
  }

  /** A line for each module with living certificates, those with the most first. */
  List<String> modules(RotationLedger ledger, Instant now) throws IssuanceException {
    List<String> lines = new ArrayList<>();
    List<RotationLedger.LivingModule> modules =
        rows.isEmpty() ? List.of() : ledger.modules(rows, now, MOST_TOLD + 1);
    for (RotationLedger.LivingModule module : modules) {
      lines.add(
          lines.size() == MOST_TOLD
              ? "and others"
              : module.module()
                  + ": "
                  + module.count()
                  + " living, the last until "
                  + time(module.lastEnd()));
    }
    return lines;
  }

  static String time(Instant time) {
    return DateTimeFormatter.ISO_INSTANT.format(
        time.truncatedTo(ChronoUnit.SECONDS).atOffset(ZoneOffset.UTC));
  }
}
