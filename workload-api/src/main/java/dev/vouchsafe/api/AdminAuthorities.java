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

  AdminAuthorities(ApiParts parts) {
    this.parts = parts;
  }

  /** One step, which ends in an authority. */
  private interface Step {
    AuthorityInfo take() throws IssuanceException;
  }

  /**
   * @param administrator who asks, such as {@code uid 0}
   */
  Response prepare(Request request, String administrator) throws Failure {
    PrepareBody.Wanted wanted = PrepareBody.parse(V1Api.json(request));
    AuthorityInfo prepared =
        taken(
            "prepare "
                + word(wanted.role())
                + wanted.keyStore().map(name -> " in key store " + name).orElse(""),
            administrator,
            () -> parts.authority().changes().prepare(wanted.role(), wanted.keyStore()));
    return AdminViews.authority(Status.CREATED, prepared);
  }

  Response activate(Request request, String rawId, String administrator) throws Failure {
    String id = id(request, rawId);
    return AdminViews.authority(
        Status.OK,
        taken("activate " + id, administrator, () -> parts.authority().changes().activate(id)));
  }

  Response abort(Request request, String rawId, String administrator) throws Failure {
    String id = id(request, rawId);
    return AdminViews.authority(
        Status.OK,
        taken("abort " + id, administrator, () -> parts.authority().changes().abort(id)));
  }

  /** The body says nothing, so that a later member is never passed over. */
  private String id(Request request, String rawId) throws Failure {
    byte[] body = V1Api.json(request);
    if (body.length > 0) {
      StrictBody.read(
          body,
          (json, name) -> {
            throw StrictBody.unknown(name);
          });
    }
    String id = Percent.decode(rawId);
    return parts.authority().authorities().stream()
        .map(AuthorityInfo::id)
        .filter(id::equals)
        .findFirst()
        .orElseThrow(() -> Failure.of(Problem.NOT_FOUND, "there is no authority of that id"));
  }

  private static AuthorityInfo taken(String what, String administrator, Step step) throws Failure {
    try {
      AuthorityInfo authority = step.take();
      LOG.info(
          what
              + ", asked by "
              + administrator
              + ": "
              + authority.id()
              + " is "
              + word(authority.state())
              + " in key store "
              + authority.keyStore());
      return authority;
    } catch (IssuanceException e) {
      Failure failure = Failure.forAdministrator(e);
      LOG.warning(
          what
              + ", asked by "
              + administrator
              + ", not done: "
              + failure.code()
              + ": "
              + failure.detail());
      throw failure;
    }
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
