package dev.vouchsafe.api;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.util.AsciiString;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One answer, whole: nothing is streamed, so its length always stands in its head. */
final class Response {
  static final AsciiString JSON = AsciiString.cached("application/json");
  static final AsciiString PROBLEM_JSON = AsciiString.cached("application/problem+json");

  private static final byte[] NOTHING = {};
  private static final List<Header> NO_STORE =
      List.of(new Header(HttpHeaderNames.CACHE_CONTROL, "no-store"));

  private final Status status;
  private final @Nullable CharSequence contentType;
  private final byte[] body;
  private final List<Header> headers;
  private final boolean last;

  private Response(
      Status status,
      @Nullable CharSequence contentType,
      byte[] body,
      List<Header> headers,
      boolean last) {
    this.status = status;
    this.contentType = contentType;
    this.body = body;
    this.headers = headers;
    this.last = last;
  }

  /** One header field; the value is ours, never a caller's. */
  record Header(CharSequence name, String value) {}

  /**
   * @param body the body, which this takes over
   */
  static Response of(Status status, CharSequence contentType, byte[] body) {
    return new Response(status, contentType, body, List.of(), false);
  }

  static Response empty(Status status) {
    return new Response(status, null, NOTHING, List.of(), false);
  }

  /** The same with one more header. */
  Response with(CharSequence name, String value) {
    List<Header> more = new ArrayList<>(headers.size() + 1);
    more.addAll(headers);
    more.add(new Header(name, value));
    return new Response(status, contentType, body, more, last);
  }

  /** The same, for the caller alone: nothing on the way may keep it. */
  Response secret() {
    return headers.isEmpty()
        ? new Response(status, contentType, body, NO_STORE, last)
        : with(HttpHeaderNames.CACHE_CONTROL, "no-store");
  }

  /** The same, and no more requests are taken on its connection. */
  Response closing() {
    return new Response(status, contentType, body, headers, true);
  }

  Status status() {
    return status;
  }

  @Nullable CharSequence contentType() {
    return contentType;
  }

  /** The body itself, not a copy. */
  byte[] body() {
    return body;
  }

  List<Header> headers() {
    return headers;
  }

  /** Whether its connection ends with it. */
  boolean isLast() {
    return last;
  }
}
