package dev.vouchsafe.cli;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Puts names into request targets. */
final class Targets {
  private Targets() {}

  /** {@code ?module=NAME}, or nothing. */
  static String module(@Nullable String name) {
    return name == null ? "" : "?module=" + encoded(name);
  }

  /** Percent-encoded (RFC 3986), fit for a path segment and a query: a space is {@code %20}. */
  static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
