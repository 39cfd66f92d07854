package dev.vouchsafe.attestation;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Lifetimes as a person writes them: {@code 90s}, {@code 10m}, {@code 1h}, {@code 30d}. */
final class TtlText {
  private static final Pattern TTL = Pattern.compile("([1-9][0-9]{0,8})([smhd])");

  private TtlText() {}

  static Duration parse(String text) throws RegistrationException {
    Matcher matcher = TTL.matcher(text);
    if (!matcher.matches()) {
      throw new RegistrationException(
          "bad-ttl",
          Quoted.of(text)
              + ": a lifetime is a positive number and one of s, m, h, d: 90s, 1h, 30d");
    }
    long number = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      default -> Duration.ofDays(number);
    };
  }

  /** The shortest text of a lifetime of whole seconds. */
  static String format(Duration ttl) {
    long seconds = ttl.toSeconds();
    if (seconds % 86_400 == 0) {
      return seconds / 86_400 + "d";
    }
    if (seconds % 3600 == 0) {
      return seconds / 3600 + "h";
    }
    return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
  }
}
