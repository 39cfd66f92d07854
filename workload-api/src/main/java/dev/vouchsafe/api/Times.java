package dev.vouchsafe.api;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAccessor;
import java.util.Locale;

/** Times on the wire: RFC 3339, UTC, whole seconds. */
final class Times {
  private static final DateTimeFormatter OFFSET =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ssxxx", Locale.ROOT).withZone(ZoneOffset.UTC);

  /** What modules send: with an offset, without one, or a date alone. */
  private static final DateTimeFormatter ASKED =
      new DateTimeFormatterBuilder()
          .parseCaseInsensitive()
          .append(DateTimeFormatter.ISO_LOCAL_DATE)
          .optionalStart()
          .appendLiteral('T')
          .append(DateTimeFormatter.ISO_LOCAL_TIME)
          .optionalStart()
          .appendOffsetId()
          .toFormatter(Locale.ROOT);

  private Times() {}

  /** With {@code Z}, as everywhere but on the IoT Edge paths. */
  static String text(Instant time) {
    return DateTimeFormatter.ISO_INSTANT.format(time.truncatedTo(ChronoUnit.SECONDS));
  }

  /** With {@code +00:00}, as the reference daemon has it. */
  static String iotEdge(Instant time) {
    return OFFSET.format(time);
  }

  /**
   * A time as a module sends it. One without an offset is UTC, and a date its first second.
   *
   * @throws DateTimeParseException if it is no time
   */
  static Instant parse(String text) {
    TemporalAccessor parsed =
        ASKED.parseBest(text, OffsetDateTime::from, LocalDateTime::from, LocalDate::from);
    return switch (parsed) {
      case OffsetDateTime time -> time.toInstant();
      case LocalDateTime time -> time.toInstant(ZoneOffset.UTC);
      case LocalDate date -> date.atStartOfDay().toInstant(ZoneOffset.UTC);
      default -> throw new DateTimeParseException("no time", text, 0);
    };
  }
}
