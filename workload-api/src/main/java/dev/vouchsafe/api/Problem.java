package dev.vouchsafe.api;

/** What can go wrong at this edge, each with its stable code; docs/errors.md lists them. */
enum Problem {
  HTTP_MALFORMED("http-malformed", Status.BAD_REQUEST),
  HTTP_VERSION("http-version", Status.VERSION_NOT_SUPPORTED),
  URI_TOO_LONG("uri-too-long", Status.URI_TOO_LONG),
  HEADERS_TOO_LARGE("headers-too-large", Status.HEADERS_TOO_LARGE),
  BODY_TOO_LARGE("body-too-large", Status.CONTENT_TOO_LARGE),
  REQUEST_TIMEOUT("request-timeout", Status.REQUEST_TIMEOUT),
  EXPECTATION_FAILED("expectation-failed", Status.EXPECTATION_FAILED),
  NOT_FOUND("not-found", Status.NOT_FOUND),
  METHOD_NOT_ALLOWED("method-not-allowed", Status.METHOD_NOT_ALLOWED),
  NOT_ACCEPTABLE("not-acceptable", Status.NOT_ACCEPTABLE),
  UNSUPPORTED_MEDIA_TYPE("unsupported-media-type", Status.UNSUPPORTED_MEDIA_TYPE),
  REQUEST_INVALID("request-invalid", Status.BAD_REQUEST),
  /** IoT Edge paths only: the body is no JSON object of the documented form. */
  BODY_UNPROCESSABLE("body-unprocessable", Status.UNPROCESSABLE_CONTENT),
  /** IoT Edge paths only: no api-version, or one that we don't know. */
  API_VERSION("api-version", Status.BAD_REQUEST),
  SEVERAL_REGISTRATIONS("several-registrations", Status.CONFLICT),
  CALLER_REFUSED("caller-refused", Status.FORBIDDEN),
  GENERATION_MISMATCH("generation-mismatch", Status.FORBIDDEN),
  CALLER_UNKNOWN("caller-unknown", Status.SERVICE_UNAVAILABLE),
  ATTESTATION_UNAVAILABLE("attestation-unavailable", Status.SERVICE_UNAVAILABLE),
  /** SPIFFE only: no registration holds for the caller, so far. */
  CALLER_UNREGISTERED("caller-unregistered", Status.SERVICE_UNAVAILABLE),
  /** SPIFFE only: a token that is to be validated is not good. */
  TOKEN_INVALID("token-invalid", Status.BAD_REQUEST),
  TOO_MANY_CONNECTIONS("too-many-connections", Status.TOO_MANY_REQUESTS),
  TOO_MANY_REQUESTS("too-many-requests", Status.TOO_MANY_REQUESTS),
  TOO_MANY_BODIES("too-many-bodies", Status.TOO_MANY_REQUESTS),
  AUDIT_UNAVAILABLE("audit-unavailable", Status.SERVICE_UNAVAILABLE),
  /** Administrators only: the machine's clock can't be right. */
  CLOCK_BEHIND_BUILD("clock-behind-build", Status.CONFLICT),
  /** Administrators only: the floor of the time can't be written. */
  CLOCK_NOT_KEPT("clock-not-kept", Status.SERVICE_UNAVAILABLE),
  /** Administrators only, from here to the next: why CAs are not taken into the bundle. */
  BUNDLE_FILE("bundle-file", Status.BAD_REQUEST),
  BUNDLE_PRIVATE_KEY("bundle-private-key", Status.BAD_REQUEST),
  BUNDLE_NOT_A_CA("bundle-not-a-ca", Status.CONFLICT),
  BUNDLE_WEAK_KEY("bundle-weak-key", Status.CONFLICT),
  BUNDLE_NOT_VALID("bundle-not-valid", Status.CONFLICT),
  BUNDLE_DUPLICATE("bundle-duplicate", Status.CONFLICT),
  BUNDLE_OWN("bundle-own-authority", Status.CONFLICT),
  BUNDLE_FULL("bundle-full", Status.CONFLICT),
  /** Administrators only, from here to the next: why none is taken out of it. */
  BUNDLE_UNKNOWN("bundle-unknown", Status.NOT_FOUND),
  BUNDLE_AMBIGUOUS("bundle-ambiguous", Status.CONFLICT),
  BUNDLE_CONFIGURED("bundle-configured", Status.CONFLICT),
  /** Administrators only: the bundle can't be written. */
  BUNDLE_NOT_KEPT("bundle-not-kept", Status.SERVICE_UNAVAILABLE),
  /** Administrators only: a backup can't be written. */
  BACKUP_NOT_MADE("backup-not-made", Status.SERVICE_UNAVAILABLE),
  STOPPING("stopping", Status.SERVICE_UNAVAILABLE),
  INTERNAL("internal", Status.INTERNAL_SERVER_ERROR);

  private final String code;
  private final Status status;

  Problem(String code, Status status) {
    this.code = code;
    this.status = status;
  }

  /** The stable code on the wire. */
  String code() {
    return code;
  }

  Status status() {
    return status;
  }
}
