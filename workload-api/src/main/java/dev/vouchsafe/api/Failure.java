package dev.vouchsafe.api;

import dev.vouchsafe.ca.IssuanceException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request that ends with an error answer: all that the caller learns of it, in no format yet.
 * Carries no stack trace: a caller can cause as many as it likes.
 */
final class Failure extends Exception {
  private static final long serialVersionUID = 1L;

  /** Seconds after which a caller over a limit may come again. */
  private static final int RETRY_LIMIT = 1;

  /** Seconds after which what is away may be back. */
  private static final int RETRY_UNAVAILABLE = 5;

  private final Status status;
  private final String code;
  private final String detail;
  private final List<String> modules;
  private final @Nullable String allow;
  private final int retryAfter;

  private Failure(
      Status status, String code, String detail, List<String> modules, @Nullable String allow) {
    this(status, code, detail, modules, allow, retryAfter(status));
  }

  private Failure(
      Status status,
      String code,
      String detail,
      List<String> modules,
      @Nullable String allow,
      int retryAfter) {
    super(detail, null, false, false);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.modules = List.copyOf(modules);
    this.allow = allow;
    this.retryAfter = retryAfter;
  }

  private static int retryAfter(Status status) {
    return switch (status) {
      case TOO_MANY_REQUESTS -> RETRY_LIMIT;
      case SERVICE_UNAVAILABLE -> RETRY_UNAVAILABLE;
      default -> 0;
    };
  }

  /**
   * @param detail one sentence for the caller, without our inner causes
   */
  static Failure of(Problem problem, String detail) {
    return new Failure(problem.status(), problem.code(), detail, List.of(), null);
  }

  /**
   * @param allow the methods that the path has (RFC 9110 section 10.2.1)
   */
  static Failure methodNotAllowed(String allow) {
    Problem problem = Problem.METHOD_NOT_ALLOWED;
    return new Failure(problem.status(), problem.code(), "method not allowed", List.of(), allow);
  }

  /** Several registrations hold for the caller; it may know of each, since it is each of them. */
  static Failure several(List<String> modules) {
    Problem problem = Problem.SEVERAL_REGISTRATIONS;
    String detail =
        "several registrations hold for this caller; choose one with ?module=NAME, on the command"
            + " line --module NAME: "
            + String.join(", ", modules);
    return new Failure(problem.status(), problem.code(), detail, modules, null);
  }

  /**
   * What CA said. Its own words go out only where they are about the request; a cause inside us is
   * for the log.
   */
  static Failure of(IssuanceException e) {
    String code = e.reason().code();
    String said = String.valueOf(e.getMessage());
    return switch (e.reason().kind()) {
      case INVALID -> new Failure(Status.BAD_REQUEST, code, said, List.of(), null);
      case REFUSED -> new Failure(Status.FORBIDDEN, code, said, List.of(), null);
      case UNAVAILABLE ->
          new Failure(
              Status.SERVICE_UNAVAILABLE,
              code,
              "it can't be done now; ask again later",
              List.of(),
              null);
      case LIMITED -> new Failure(Status.TOO_MANY_REQUESTS, code, said, List.of(), null);
      case FAILED ->
          new Failure(
              Status.INTERNAL_SERVER_ERROR, code, "issuing failed; see the log", List.of(), null);
    };
  }

  /**
   * The same for an administrator, who is told the causes too: they name the setting to change, and
   * no secret.
   */
  static Failure forAdministrator(IssuanceException e) {
    StringBuilder detail = new StringBuilder(String.valueOf(e.getMessage()));
    for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
      String said = cause.getMessage();
      if (said != null && detail.indexOf(said) < 0) {
        detail.append(": ").append(said);
      }
    }
    Failure plain = of(e);
    Status status =
        switch (e.reason()) {
          case AUTHORITY_STATE, CERTIFICATE_ENDED -> Status.CONFLICT;
          case CERTIFICATE_UNKNOWN -> Status.NOT_FOUND;
          default -> plain.status;
        };
    int retryAfter = e.again().map(Failure::wholeSeconds).orElse(retryAfter(status));
    return new Failure(status, plain.code, detail.toString(), List.of(), null, retryAfter);
  }

  /** Not too early: who comes back then is to find it passed. */
  private static int wholeSeconds(Duration again) {
    return Math.toIntExact(Math.clamp(again.plusMillis(999).toSeconds(), 1, 3600));
  }

  /** The same of what was done in part. */
  Failure after(String done) {
    return new Failure(
        status, code, "done: " + done + "; then: " + detail, modules, allow, retryAfter);
  }

  Status status() {
    return status;
  }

  String code() {
    return code;
  }

  String detail() {
    return detail;
  }

  /** The registrations to choose from; empty but for {@link #several}. */
  List<String> modules() {
    return modules;
  }

  /** The value of {@code Allow}, if the method was wrong. */
  @Nullable String allow() {
    return allow;
  }

  /** The value of {@code Retry-After} in seconds, or 0 where asking again is no use. */
  int retryAfter() {
    return retryAfter;
  }
}
