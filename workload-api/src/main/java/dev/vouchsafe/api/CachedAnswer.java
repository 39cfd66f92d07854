package dev.vouchsafe.api;

import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.List;

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
    List<String> lines = request.headers(HttpHeaderNames.IF_NONE_MATCH);
    for (String line : lines) {
      for (String each : line.split(",", -1)) {
        String candidate = each.strip();
        if (candidate.equals("*") || candidate.equals(tag) || candidate.equals("W/" + tag)) {
          return true;
        }
      }
    }
    return false;
  }
}
