package dev.vouchsafe.api;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One request, whole, its body within the limit. Nothing in it is believed. */
final class Request {
  private static final Pattern AUTHORITY = Pattern.compile("(?i)https?://[^/?]*");

  private final String method;
  private final String path;
  private final String query;
  private final HttpHeaders headers;
  private final byte[] body;

  /**
   * @param target the request target in origin form or absolute form (RFC 9112 section 3.2)
   * @param body the body, which this takes over
   * @throws Failure if the target is in no form that we serve
   */
  Request(HttpMethod method, String target, HttpHeaders headers, byte[] body) throws Failure {
    this.method = method.name();
    String origin = origin(target);
    int mark = origin.indexOf('?');
    int end = mark < 0 ? origin.length() : mark;
    this.path = origin.substring(0, end);
    this.query = mark < 0 ? "" : origin.substring(mark + 1);
    this.headers = headers;
    this.body = body;
  }

  String method() {
    return method;
  }

  /** GET, or HEAD, which differs only in that the answer's body stays away. */
  boolean reads() {
    return method.equals("GET") || method.equals("HEAD");
  }

  /** As sent: still percent-encoded, so that a {@code %2F} in a name is no separator. */
  String path() {
    return path;
  }

  /** The value of that parameter, still percent-encoded; the last one wins. */
  Optional<String> parameter(String name) {
    String found = null;
    int start = 0;
    while (start < query.length()) {
      int next = query.indexOf('&', start);
      int end = next < 0 ? query.length() : next;
      int equals = query.indexOf('=', start);
      if (equals < 0 || equals > end) {
        equals = end;
      }
      if (query.regionMatches(start, name, 0, name.length()) && equals - start == name.length()) {
        found = equals == end ? "" : query.substring(equals + 1, end);
      }
      start = end + 1;
    }
    return Optional.ofNullable(found);
  }

  /** The names of all parameters, still percent-encoded. */
  List<String> parameterNames() {
    if (query.isEmpty()) {
      return List.of();
    }
    return Arrays.stream(query.split("&", -1))
        .filter(parameter -> !parameter.isEmpty())
        .map(parameter -> parameter.split("=", 2)[0])
        .toList();
  }

  @Nullable String header(CharSequence name) {
    return headers.get(name);
  }

  /** Every value of that header, in order. */
  List<String> headers(CharSequence name) {
    return headers.getAll(name);
  }

  /** The body itself, not a copy; empty if there was none. */
  byte[] body() {
    return body;
  }

  private static String origin(String target) throws Failure {
    if (target.startsWith("/")) {
      return target;
    }
    // Absolute form: only what follows the authority counts, since any Host is welcome here.
    Matcher absolute = AUTHORITY.matcher(target);
    if (absolute.lookingAt()) {
      String rest = target.substring(absolute.end());
      return rest.startsWith("/") ? rest : "/" + rest;
    }
    throw Failure.of(Problem.HTTP_MALFORMED, "the request target is no path");
  }
}
