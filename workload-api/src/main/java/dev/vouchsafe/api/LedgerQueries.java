package dev.vouchsafe.api;

import dev.vouchsafe.ca.LedgerEntry;
import dev.vouchsafe.ca.LedgerFilter;
import dev.vouchsafe.ca.LedgerQuery;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads what an administrator asks of the ledger. A parameter that isn't known is an error: passed
 * over, it would give everything to who wanted little.
 */
final class LedgerQueries {
  private static final int DEFAULT_PAGE = 100;
  private static final int LARGEST_PAGE = 1000;

  private static final Set<String> KNOWN =
      Set.of(
          "module",
          "serial",
          "since",
          "until",
          "expiringWithin",
          "state",
          "authority",
          "profile",
          "limit",
          "before");

  /** In the place of a state: whatever it came to, it was taken back. */
  private static final String REVOKED = "revoked";

  private LedgerQueries() {}

  static LedgerQuery of(Request request, InstantSource clock) throws Failure {
    for (String name : request.parameterNames()) {
      if (!KNOWN.contains(name)) {
        throw wrong("there is no parameter of that name; there are " + sorted(KNOWN));
      }
    }
    LedgerFilter filter =
        new LedgerFilter(
            text(request, "module"),
            text(request, "serial").map(serial -> serial.toLowerCase(Locale.ROOT)),
            new LedgerFilter.Window(time(request, "since"), time(request, "until")),
            ends(request, clock.instant()),
            state(request),
            text(request, "authority"),
            text(request, "profile"),
            text(request, "state").filter(REVOKED::equals).isPresent());
    return new LedgerQuery(filter, limit(request), text(request, "before"));
  }

  private static int limit(Request request) throws Failure {
    Optional<String> asked = text(request, "limit");
    if (asked.isEmpty()) {
      return DEFAULT_PAGE;
    }
    int limit = asked.get().matches("[0-9]{1,4}") ? Integer.parseInt(asked.get()) : 0;
    if (limit < 1 || limit > LARGEST_PAGE) {
      throw wrong("limit: is not 1 to " + LARGEST_PAGE);
    }
    return limit;
  }

  private static LedgerFilter.Window ends(Request request, Instant now) throws Failure {
    Optional<String> asked = text(request, "expiringWithin");
    if (asked.isEmpty()) {
      return LedgerFilter.Window.ALWAYS;
    }
    if (!asked.get().matches("[0-9]{1,10}")) {
      throw wrong("expiringWithin: is not a number of seconds");
    }
    Duration within = Duration.ofSeconds(Long.parseLong(asked.get()));
    return new LedgerFilter.Window(Optional.of(now), Optional.of(now.plus(within)));
  }

  private static Optional<Instant> time(Request request, String name) throws Failure {
    Optional<String> text = text(request, name);
    try {
      return text.map(Instant::parse);
    } catch (DateTimeParseException e) {
      throw wrong(name + ": is not a time such as 2026-11-01T06:00:00Z");
    }
  }

  private static Optional<LedgerEntry.State> state(Request request) throws Failure {
    Optional<String> text = text(request, "state");
    if (text.isEmpty() || text.get().equals(REVOKED)) {
      return Optional.empty();
    }
    for (LedgerEntry.State state : LedgerEntry.State.values()) {
      if (lower(state).equals(text.get())) {
        return Optional.of(state);
      }
    }
    throw wrong(
        "state: is none of "
            + sorted(
                Stream.concat(
                        Stream.of(REVOKED),
                        Arrays.stream(LedgerEntry.State.values()).map(LedgerQueries::lower))
                    .collect(Collectors.toSet())));
  }

  private static String lower(LedgerEntry.State state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  private static Optional<String> text(Request request, String name) throws Failure {
    Optional<String> raw = request.parameter(name);
    return raw.isPresent() ? Optional.of(Percent.decode(raw.get())) : raw;
  }

  private static String sorted(Set<String> names) {
    return names.stream().sorted().collect(Collectors.joining(", "));
  }

  private static Failure wrong(String detail) {
    return Failure.of(Problem.REQUEST_INVALID, detail);
  }
}
