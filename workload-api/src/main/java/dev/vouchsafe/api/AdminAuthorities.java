package dev.vouchsafe.api;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.IssuanceException;
import java.util.Locale;

/**
 * Moves authorities through their states as an administrator says. Each step, done or not, is in
 * the log with the user id of whoever asked.
 */
final class AdminAuthorities {
  private static final QuietLog LOG = new QuietLog(AdminAuthorities.class);

  private final ApiParts parts;
  private final AuditTrail trail;

  AdminAuthorities(ApiParts parts, AuditTrail trail) {
    this.parts = parts;
    this.trail = trail;
  }

  /** One step, which ends in an authority. */
  private interface Step {
    AuthorityInfo take() throws IssuanceException;
  }

  /**
   * @param uid the user id of whoever asks
   */
  Response prepare(Request request, long uid) throws Failure {
    PrepareBody.Wanted wanted = PrepareBody.parse(V1Api.json(request));
    AuthorityInfo prepared =
        taken(
            "prepare",
            word(wanted.role()) + wanted.keyStore().map(name -> " in key store " + name).orElse(""),
            uid,
            () -> parts.authority().changes().prepare(wanted.role(), wanted.keyStore()));
    return AdminViews.authority(Status.CREATED, prepared);
  }

  Response activate(Request request, String rawId, long uid) throws Failure {
    String id = id(request, rawId);
    return AdminViews.authority(
        Status.OK, taken("activate", id, uid, () -> parts.authority().changes().activate(id)));
  }

  Response abort(Request request, String rawId, long uid) throws Failure {
    String id = id(request, rawId);
    return AdminViews.authority(
        Status.OK, taken("abort", id, uid, () -> parts.authority().changes().abort(id)));
  }

  private String id(Request request, String rawId) throws Failure {
    V1Api.onlyEmpty(request);
    String id = Percent.decode(rawId);
    return parts.authority().authorities().stream()
        .map(AuthorityInfo::id)
        .filter(id::equals)
        .findFirst()
        .orElseThrow(() -> Failure.of(Problem.NOT_FOUND, "there is no authority of that id"));
  }

  private AuthorityInfo taken(String action, String object, long uid, Step step) throws Failure {
    String what = action + " " + object + ", asked by uid " + uid;
    try {
      AuthorityInfo authority = step.take();
      trail.act(uid, action + "-authority", object, authority.id() + " " + word(authority.state()));
      LOG.info(
          what
              + ": "
              + authority.id()
              + " is "
              + word(authority.state())
              + " in key store "
              + authority.keyStore());
      return authority;
    } catch (IssuanceException e) {
      Failure failure = Failure.forAdministrator(e);
      trail.act(uid, action + "-authority", object, failure.code());
      LOG.warning(what + ", not done: " + failure.code() + ": " + failure.detail());
      throw failure;
    }
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
