package dev.vouchsafe.api;

import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.Arrays;
import java.util.Set;

/**
 * An answer that its caller may keep, and need not be sent again while it holds (RFC 9110 section
 * 13).
 */
final class CachedAnswer {
  private CachedAnswer() {}

  /**
   * The body, or that the caller has it already. It is to ask each time whether that still holds.
   *
   * @param tag a strong entity tag with its quotes
   */
  static Response of(Request request, String tag, String mediaType, byte[] body) {
    Response response =
        isHeld(request, tag)
            ? Response.empty(Status.NOT_MODIFIED)
            : Response.of(Status.OK, mediaType, body);
    return response.with(HttpHeaderNames.ETAG, tag).with(HttpHeaderNames.CACHE_CONTROL, "no-cache");
  }

  /** Whether the caller says that it has the version of that tag (RFC 9110 section 13.1.2). */
  static boolean isHeld(Request request, String tag) {
    return says(request, Set.of("*", tag, "W/" + tag));
  }

  /** Whether it names that very version: who says {@code *} has some version, maybe an old one. */
  static boolean isNamed(Request request, String tag) {
    return says(request, Set.of(tag, "W/" + tag));
  }

  private static boolean says(Request request, Set<String> held) {
    return request.headers(HttpHeaderNames.IF_NONE_MATCH).stream()
        .flatMap(line -> Arrays.stream(line.split(",", -1)))
        .anyMatch(each -> held.contains(each.strip()));
  }
}
