package dev.vouchsafe.api;

import io.netty.handler.codec.http.HttpResponseStatus;

/**
 * The statuses that we answer with. Each reason is one ASCII word: a module SDK splits the status
 * line at its spaces and takes exactly three parts.
 */
enum Status {
  OK(200, "OK"),
  CREATED(201, "Created"),
  NOT_MODIFIED(304, "NotModified"),
  BAD_REQUEST(400, "BadRequest"),
  FORBIDDEN(403, "Forbidden"),
  NOT_FOUND(404, "NotFound"),
  METHOD_NOT_ALLOWED(405, "MethodNotAllowed"),
  NOT_ACCEPTABLE(406, "NotAcceptable"),
  REQUEST_TIMEOUT(408, "RequestTimeout"),
  CONFLICT(409, "Conflict"),
  CONTENT_TOO_LARGE(413, "ContentTooLarge"),
  URI_TOO_LONG(414, "URITooLong"),
  UNSUPPORTED_MEDIA_TYPE(415, "UnsupportedMediaType"),
  EXPECTATION_FAILED(417, "ExpectationFailed"),
  UNPROCESSABLE_CONTENT(422, "UnprocessableContent"),
  TOO_MANY_REQUESTS(429, "TooManyRequests"),
  HEADERS_TOO_LARGE(431, "RequestHeaderFieldsTooLarge"),
  INTERNAL_SERVER_ERROR(500, "InternalServerError"),
  SERVICE_UNAVAILABLE(503, "ServiceUnavailable"),
  VERSION_NOT_SUPPORTED(505, "HTTPVersionNotSupported");

  private final int code;
  private final String reason;

  @SuppressWarnings(
      "ImmutableEnumChecker") // Netty's class has nothing to change; it doesn't say so.
  private final HttpResponseStatus line;

  Status(int code, String reason) {
    this.code = code;
    this.reason = reason;
    this.line = new HttpResponseStatus(code, reason);
  }

  int code() {
    return code;
  }

  String reason() {
    return reason;
  }

  HttpResponseStatus line() {
    return line;
  }
}
