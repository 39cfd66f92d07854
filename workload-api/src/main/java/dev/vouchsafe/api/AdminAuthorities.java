package dev.vouchsafe.api;

import dev.vouchsafe.ca.AuthorityChanges;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.RotationEvent;
import dev.vouchsafe.ca.StepTaken;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

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

  /** What is done with authorities, which ends in those that it was about. */
  private interface Steps {
    List<StepTaken> take(AuthorityChanges changes) throws IssuanceException;
  }

  /** Where the rotation of device CA and root stands. */
  Response standing() throws IssuanceException {
    return RotationViews.standing(parts.authority().changes().standing());
  }

  /** Makes the next one. */
  Response prepare(Request request, long uid) throws Failure {
    PrepareBody.Wanted wanted = PrepareBody.parse(V1Api.json(request));
    List<StepTaken> prepared =
        taken(
            "prepare",
            word(wanted.role()) + wanted.keyStore().map(name -> " in key store " + name).orElse(""),
            uid,
            changes ->
                List.of(
                    new StepTaken(changes.prepare(wanted.role(), wanted.keyStore()), List.of())));
    return AdminViews.authority(Status.CREATED, prepared.getFirst().authority());
  }

  /** Takes all steps that can be taken now. */
  Response rotate(Request request, long uid) throws Failure {
    AuthorityInfo.Role role = StepBody.role(V1Api.json(request));
    return RotationViews.taken(taken("rotate", word(role), uid, changes -> changes.rotate(role)));
  }

  /** Has the trust bundle hold one. */
  Response publish(Request request, String rawId, long uid) throws Failure {
    V1Api.onlyEmpty(request);
    String id = id(rawId);
    return one(
        taken(
            "publish", id, uid, changes -> List.of(new StepTaken(changes.publish(id), List.of()))));
  }

  /** Lets one sign. */
  Response activate(Request request, String rawId, long uid) throws Failure {
    boolean now = StepBody.now(V1Api.json(request));
    String id = id(rawId);
    return one(
        taken("activate", named(id, now), uid, changes -> List.of(changes.activate(id, now))));
  }

  /** Ends one. */
  Response retire(Request request, String rawId, long uid) throws Failure {
    boolean now = StepBody.now(V1Api.json(request));
    String id = id(rawId);
    return one(taken("retire", named(id, now), uid, changes -> List.of(changes.retire(id, now))));
  }

  /** Gives one up, or goes back to the one before it. */
  Response abort(Request request, String rawId, long uid) throws Failure {
    V1Api.onlyEmpty(request);
    String id = id(rawId);
    return one(
        taken("abort", id, uid, changes -> List.of(new StepTaken(changes.abort(id), List.of()))));
  }

  private static String named(String id, boolean now) {
    return now ? id + " --now" : id;
  }

  private static Response one(List<StepTaken> taken) {
    return RotationViews.taken(taken.getFirst());
  }

  private String id(String rawId) throws Failure {
    String id = Percent.decode(rawId);
    return parts.authority().authorities().stream()
        .map(AuthorityInfo::id)
        .filter(id::equals)
        .findFirst()
        .orElseThrow(() -> Failure.of(Problem.NOT_FOUND, "there is no authority of that id"));
  }

  private List<StepTaken> taken(String action, String object, long uid, Steps steps)
      throws Failure {
    String what = action + " " + object + ", asked by uid " + uid;
    try {
      List<StepTaken> taken = steps.take(parts.authority().changes().by("uid " + uid));
      String result =
          taken.isEmpty()
              ? "nothing to do yet"
              : taken.stream()
                  .map(step -> step.authority().id() + " " + word(step.authority().state()))
                  .collect(Collectors.joining(", "));
      trail.act(uid, action + "-authority", object, result);
      LOG.info(what + ": " + result);
      return taken;
    } catch (IssuanceException e) {
      Failure failure = Failure.forAdministrator(e);
      trail.act(uid, action + "-authority", object, failure.code());
      LOG.warning(what + ", not done: " + failure.code() + ": " + failure.detail());
      throw failure;
    }
  }

  /** Puts on record what the service did by itself. */
  void automatic(RotationEvent event) {
    trail.act(
        AuditTrail.UNSEEN,
        word(event.step()) + "-authority",
        event.authority().isEmpty() ? word(event.role()) : event.authority(),
        AuthorityChanges.AUTOMATIC + " " + word(event.outcome()));
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
