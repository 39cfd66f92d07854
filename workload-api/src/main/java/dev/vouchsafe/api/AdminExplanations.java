package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.attestation.CallerUnknownException;
import dev.vouchsafe.attestation.Explanation;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.Selector;
import dev.vouchsafe.attestation.SelectorResult;
import dev.vouchsafe.attestation.Verdict;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Tells an administrator why a process is, or isn't, a module. */
final class AdminExplanations {
  private static final QuietLog LOG = new QuietLog(AdminExplanations.class);

  private final ApiParts parts;
  private final AuditTrail trail;

  AdminExplanations(ApiParts parts, AuditTrail trail) {
    this.parts = parts;
    this.trail = trail;
  }

  /**
   * Looks at a process now; that is in the log with who asked.
   *
   * @param rawName the module's name, percent-encoded
   * @param uid the user id of whoever asks
   */
  Response explain(Request request, String rawName, long uid) throws Failure {
    int pid = ExplainBody.parse(V1Api.json(request));
    Registration registration =
        parts
            .registrations()
            .current()
            .byName(Percent.decode(rawName))
            .orElseThrow(
                () -> Failure.of(Problem.NOT_FOUND, "no module is registered by that name"));
    Explanation explanation;
    try {
      explanation = parts.attestor().explain(pid, registration);
    } catch (CallerUnknownException e) {
      throw Failure.of(Problem.NOT_FOUND, String.valueOf(e.getMessage()));
    }
    LOG.info(
        "process "
            + pid
            + " was held against module '"
            + registration.name()
            + "' for uid "
            + uid
            + ": "
            + outcome(explanation.verdict()));
    trail.act(uid, "explain", registration.name() + ", pid " + pid, outcome(explanation.verdict()));
    return Response.of(
        Status.OK,
        Response.JSON,
        Json.object(json -> members(json, pid, registration, explanation)));
  }

  private static void members(
      JsonGenerator json, int pid, Registration registration, Explanation explanation)
      throws IOException {
    json.writeStringField("module", registration.name());
    json.writeStringField("generation", registration.generation());
    json.writeNumberField("pid", pid);
    json.writeStringField("lookedAt", "process");
    json.writeStringField("outcome", outcome(explanation.verdict()));
    switch (explanation.verdict()) {
      case Verdict.Attested _ -> {
        // Needs no reason.
      }
      case Verdict.Refused refused -> reason(json, refused.reason(), refused.detail());
      case Verdict.Unavailable unavailable ->
          reason(json, unavailable.reason(), unavailable.detail());
    }
    Json.texts(json, "notes", notes(registration, explanation.verdict()));
    results(json, "selectors", explanation.verdict().results());
    results(json, "rules", explanation.rules());
  }

  /** What the verdict leaves open, since it is about a process and not about a connection. */
  private static List<String> notes(Registration registration, Verdict verdict) {
    List<String> notes = new ArrayList<>();
    if (verdict instanceof Verdict.Attested && registration.strict()) {
      notes.add(
          "strict: only a connection shows whether the process alone holds it, close-on-exec; of"
              + " one that doesn't, as of every Java process, the service refuses the request");
    }
    if (registration.everySelector().anyMatch(Selector.ScriptSha256.class::isInstance)) {
      notes.add(
          "process:script-sha256 is about this very process: a program that a script starts to ask"
              + " calls as itself, and only its own connection shows what it is");
    }
    return notes;
  }

  private static String outcome(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Attested _ -> "attested";
      case Verdict.Refused _ -> "refused";
      case Verdict.Unavailable _ -> "unavailable";
    };
  }

  private static void reason(JsonGenerator json, String code, String detail) throws IOException {
    json.writeStringField("reason", code);
    json.writeStringField("detail", detail);
  }

  private static void results(JsonGenerator json, String name, List<SelectorResult> results)
      throws IOException {
    json.writeArrayFieldStart(name);
    for (SelectorResult result : results) {
      json.writeStartObject();
      json.writeStringField("part", result.part());
      json.writeStringField("wanted", result.wanted());
      json.writeStringField("measured", result.measured());
      json.writeStringField(
          "outcome",
          switch (result.outcome()) {
            case HOLDS -> "holds";
            case DOES_NOT_HOLD -> "does-not-hold";
            case UNAVAILABLE -> "unavailable";
          });
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
