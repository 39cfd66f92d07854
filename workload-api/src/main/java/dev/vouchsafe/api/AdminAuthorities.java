package dev.vouchsafe.api;

import dev.vouchsafe.ca.AuthorityChanges;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityRequest;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.RotationEvent;
import dev.vouchsafe.ca.StepTaken;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Moves authorities through their states as an administrator says. Each step, done or not, is in
 * the log with the user id of whoever asked.
 */
final class AdminAuthorities {
  private static final QuietLog LOG = new QuietLog(AdminAuthorities.class);

  private final ApiParts parts;
  private final AuditTrail trail;
  private final OutsideAuthoritiesApi outside;

  AdminAuthorities(ApiParts parts, AuditTrail trail) {
    this.parts = parts;
    this.trail = trail;
    this.outside = new OutsideAuthoritiesApi(parts);
  }

  /** What is done with authorities, which ends in those that it was about. */
  interface Steps<T> {
    T take(AuthorityChanges changes) throws IssuanceException;
  }

  /** Where the rotation of device CA and root stands. */
  Response standing() throws IssuanceException {
    return RotationViews.standing(parts.authority().changes().standing());
  }

  /** Makes the next one. */
  Response prepare(Request request, long uid) throws Failure {
    PrepareBody.Wanted wanted = PrepareBody.parse(V1Api.json(request));
    if (wanted.role() == AuthorityInfo.Role.DEVICE && outside.isOutside()) {
      return request(wanted, uid);
    }
    List<StepTaken> prepared =
        taken(
            "prepare",
            named(
                word(wanted.role())
                    + wanted.keyStore().map(name -> " in key store " + name).orElse(""),
                wanted.now()),
            uid,
            changes -> List.of(changes.prepare(wanted.role(), wanted.keyStore(), wanted.now())));
    return RotationViews.taken(Status.CREATED, prepared.getFirst());
  }

  /** Makes a request for the next one, which others certify. */
  private Response request(PrepareBody.Wanted wanted, long uid) throws Failure {
    AuthorityRequest made =
        recorded(
            "request",
            "device" + wanted.keyStore().map(name -> " in key store " + name).orElse(""),
            uid,
            changes -> changes.request(wanted.keyStore()),
            request -> request.id() + " waits for its certificate");
    return OutsideAuthoritiesApi.one(Status.CREATED, made, "prepared");
  }

  /** The requests that wait for certificates which others are to make. */
  Response requests() throws IssuanceException {
    return outside.requests();
  }

  /** Takes the certificate that others made for the request that waits. */
  Response certificate(Request request, long uid) throws Failure {
    AnswerBody.Answer answer = AnswerBody.parse(V1Api.json(request));
    return one(
        taken(
            "activate",
            "the certified device CA" + (answer.now() ? " --now" : ""),
            uid,
            OutsideAuthoritiesApi.accepting(answer)));
  }

  /** Gives a request up. */
  private Response giveUp(AuthorityRequest waiting, long uid) throws Failure {
    String _ =
        recorded(
            "abort",
            waiting.id(),
            uid,
            changes -> {
              changes.giveUp(waiting.id());
              return waiting.id() + " retired";
            },
            done -> done);
    return OutsideAuthoritiesApi.one(Status.OK, waiting, "retired");
  }

  /**
   * Takes all steps that can be taken now. Those that were stand, also where the next one fails.
   */
  Response rotate(Request request, long uid) throws Failure {
    AuthorityInfo.Role role = StepBody.role(V1Api.json(request));
    List<StepTaken> taken = new ArrayList<>();
    try {
      return RotationViews.taken(
          taken(
              "rotate",
              word(role),
              uid,
              changes -> {
                changes.rotate(role, taken::add);
                return taken;
              }));
    } catch (Failure e) {
      if (taken.isEmpty()) {
        throw e;
      }
      String done = told(taken);
      trail.act(uid, "rotate-authority", word(role), done);
      throw e.after(done);
    }
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
  Response abort(Request request, String rawId, long uid) throws Failure, IssuanceException {
    Optional<AuthorityInfo.State> from = StepBody.from(V1Api.json(request));
    Optional<AuthorityRequest> waiting = outside.waiting(Percent.decode(rawId));
    if (waiting.isPresent()) {
      return giveUp(waiting.get(), uid);
    }
    String id = id(rawId);
    return one(
        taken(
            "abort",
            id + from.map(state -> " from " + word(state)).orElse(""),
            uid,
            changes -> List.of(new StepTaken(changes.abort(id, from), List.of()))));
  }

  private static String named(String id, boolean now) {
    return now ? id + " --now" : id;
  }

  private static Response one(List<StepTaken> taken) {
    return RotationViews.taken(Status.OK, taken.getFirst());
  }

  private String id(String rawId) throws Failure {
    String id = Percent.decode(rawId);
    return parts.authority().authorities().stream()
        .map(AuthorityInfo::id)
        .filter(id::equals)
        .findFirst()
        .orElseThrow(() ->
            Failure.of(
                Problem.NOT_FOUND, "there is no authority of that id: see `vouchsafe ca show`"));
  }

  private List<StepTaken> taken(
      String action, String object, long uid, Steps<List<StepTaken>> steps) throws Failure {
    return recorded(action, object, uid, steps, AdminAuthorities::told);
  }

  private static String told(List<StepTaken> taken) {
    return taken.isEmpty()
        ? "nothing to do yet"
        : taken.stream()
            .map(step -> step.authority().id() + " " + word(step.authority().state()))
            .collect(Collectors.joining(", "));
  }

  private <T> T recorded(
      String action, String object, long uid, Steps<T> steps, Function<T, String> told)
      throws Failure {
    String what = action + " " + object + ", asked by uid " + uid;
    // A kill in the middle of it leaves at least that.
    trail.requireAsked(uid, action + "-authority", object);
    try {
      T taken = steps.take(parts.authority().changes().by("uid " + uid));
      String result = told.apply(taken);
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

  /** Puts on record what the service did by itself, or after nobody waited for it any more. */
  void unattended(RotationEvent event) {
    boolean isAutomatic = event.by().equals(AuthorityChanges.AUTOMATIC);
    trail.act(
        AuditTrail.UNSEEN,
        word(event.step()) + "-authority",
        event.authority().isEmpty() ? word(event.role()) : event.authority(),
        isAutomatic
            ? AuthorityChanges.AUTOMATIC + " " + word(event.outcome())
            : word(event.outcome()) + " in the end, asked by " + event.by());
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
