package dev.vouchsafe.ca;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Times of the week, in UTC, at which a gateway may be worked on: such as {@code 02:00-04:00},
 * {@code sat,sun 22:00-06:00} or {@code mon-fri 12:00-12:30}.
 *
 * <p>The days are those on which it begins; without any it is every day. It may go past midnight,
 * and is shorter than a day.
 */
public final class MaintenanceWindow {
  private static final List<String> DAYS = List.of("mon", "tue", "wed", "thu", "fri", "sat", "sun");
  private static final Pattern FORM =
      Pattern.compile(
          "(?:([a-z]{3}(?:-[a-z]{3})?(?:,[a-z]{3}(?:-[a-z]{3})?){0,6}) )?"
              + "([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])");
  private static final int DAYS_AHEAD = 8;

  private final String text;
  private final Set<DayOfWeek> days;
  private final LocalTime begin;
  private final Duration length;

  private MaintenanceWindow(String text, Set<DayOfWeek> days, LocalTime begin, Duration length) {
    this.text = text;
    this.days = days;
    this.begin = begin;
    this.length = length;
  }

  /** The window of that text; nothing if it is none. */
  public static Optional<MaintenanceWindow> parse(String text) {
    Matcher matcher = FORM.matcher(text.toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      return Optional.empty();
    }
    LocalTime begin = time(matcher, 2);
    Duration length = Duration.between(begin, time(matcher, 4));
    if (length.isZero()) {
      return Optional.empty();
    }
    String named = matcher.group(1);
    Optional<Set<DayOfWeek>> days =
        named == null ? Optional.of(EnumSet.allOf(DayOfWeek.class)) : days(named);
    return days.map(known ->
        new MaintenanceWindow(
            text, known, begin, length.isNegative() ? length.plusDays(1) : length));
  }

  private static LocalTime time(Matcher matcher, int group) {
    return LocalTime.of(
        Integer.parseInt(matcher.group(group)), Integer.parseInt(matcher.group(group + 1)));
  }

  private static Optional<Set<DayOfWeek>> days(String named) {
    Set<DayOfWeek> days = EnumSet.noneOf(DayOfWeek.class);
    for (String part : named.split(",", -1)) {
      int first = DAYS.indexOf(part.substring(0, 3));
      int last = DAYS.indexOf(part.substring(part.length() - 3));
      if (first < 0 || last < 0) {
        return Optional.empty();
      }
      DayOfWeek day = DayOfWeek.of(first + 1);
      days.add(day);
      while (day.getValue() != last + 1) {
        day = day.plus(1);
        days.add(day);
      }
    }
    return Optional.of(days);
  }

  /** Whether that moment is in it; its end is not. */
  public boolean contains(Instant time) {
    return next(time).equals(time);
  }

  /** That moment if it is in the window, else the next one at which it begins. */
  public Instant next(Instant from) {
    // One that began yesterday may still be open.
    LocalDate day = from.atZone(ZoneOffset.UTC).toLocalDate().minusDays(1);
    for (int ahead = 0; ahead <= DAYS_AHEAD; ahead++) {
      Instant opens = day.plusDays(ahead).atTime(begin).toInstant(ZoneOffset.UTC);
      if (days.contains(day.plusDays(ahead).getDayOfWeek()) && from.isBefore(opens.plus(length))) {
        return from.isAfter(opens) ? from : opens;
      }
    }
    throw new IllegalStateException("a window is open on some day of each week");
  }

  /** As it was given. */
  public String text() {
    return text;
  }

  @Override
  public String toString() {
    return text;
  }
}
