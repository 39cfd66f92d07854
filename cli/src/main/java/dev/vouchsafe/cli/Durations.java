package dev.vouchsafe.cli;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Spans of time as a person writes them: a whole number and one of {@code s m h d}, such as {@code
 * 90s} or {@code 30d}. A day is 24 hours.
 */
final class Durations {
  private static final Pattern FORM = Pattern.compile("([0-9]{1,9})([smhd])");

  private Durations() {}

  static Optional<Duration> parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    long count = Long.parseLong(matcher.group(1));
    return Optional.of(
        switch (matcher.group(2)) {
          case "s" -> Duration.ofSeconds(count);
          case "m" -> Duration.ofMinutes(count);
          case "h" -> Duration.ofHours(count);
          default -> Duration.ofDays(count);
        });
  }

  /** The value of an option, which is over 0. */
  static Duration ofOption(String option, String text) throws CommandFailure {
    return parse(text)
        .filter(Duration::isPositive)
        .orElseThrow(() ->
            CommandFailure.usage(
                option + " is a number over 0 and one of s m h d, such as 90s or 1h"));
  }

  /** The value of an option that is a moment: RFC 3339, or a span, so long ago. */
  static Instant ofTimeOption(String option, String text, InstantSource clock)
      throws CommandFailure {
    Optional<Duration> ago = parse(text);
    try {
      return ago.isPresent()
          ? clock.instant().minus(ago.get())
          : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw CommandFailure.usage(
          option + " is a time such as 2026-11-23T10:00:00Z, or how long ago, such as 90m or 7d");
    }
  }

  /** In the largest unit that divides it, as {@link #parse} reads it. */
  static String format(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds % 86_400 == 0) {
      return seconds / 86_400 + "d";
    }
    if (seconds % 3_600 == 0) {
      return seconds / 3_600 + "h";
    }
    if (seconds % 60 == 0) {
      return seconds / 60 + "m";
    }
    return seconds + "s";
  }

  /** For people, in the two largest units, such as {@code 364d 23h}. */
  static String approximate(Duration duration) {
    long minutes = Math.max(0, duration.toMinutes());
    if (minutes >= 48 * 60) {
      return minutes / 1440 + "d " + minutes % 1440 / 60 + "h";
    }
    return minutes / 60 + "h " + minutes % 60 + "m";
  }
}
