package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.ca.clock.ClockChange;
import dev.vouchsafe.ca.clock.ClockStatus;
import dev.vouchsafe.ca.clock.ImpossibleTimeException;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.io.IOException;

/** How the time stands, and the administrator's word that the machine's clock is right. */
final class AdminClock {
  private static final QuietLog LOG = new QuietLog(AdminClock.class);
  private static final String ACTION = "accept-clock";

  private final TrustedClock clock;
  private final AuditTrail trail;

  AdminClock(TrustedClock clock, AuditTrail trail) {
    this.clock = clock;
    this.trail = trail;
  }

  Response status() {
    return answer(clock.status());
  }

  /**
   * Has the machine's clock taken for right. It is on record, on the disk, before it is done.
   *
   * @param uid the user id of whoever asks
   */
  Response accept(Request request, long uid) throws Failure {
    V1Api.onlyEmpty(request);
    ClockStatus before = clock.status();
    String object =
        "floor from " + Times.text(before.floor()) + " to " + Times.text(before.machine());
    trail.requireAct(uid, ACTION, object);
    try {
      ClockStatus accepted = clock.accept();
      LOG.warning("the clock was accepted, asked by uid " + uid + ": " + object);
      return answer(accepted);
    } catch (ImpossibleTimeException e) {
      throw notDone(uid, object, Problem.CLOCK_BEHIND_BUILD, e);
    } catch (IOException e) {
      throw notDone(uid, object, Problem.CLOCK_NOT_KEPT, e);
    }
  }

  private Failure notDone(long uid, String object, Problem problem, Exception e) {
    trail.act(uid, ACTION, object, problem.code());
    LOG.warning("the clock was not accepted: " + e.getMessage());
    return Failure.of(problem, String.valueOf(e.getMessage()));
  }

  private static Response answer(ClockStatus status) {
    return Response.of(Status.OK, Response.JSON, Json.object(json -> members(json, status)));
  }

  /** How the time stands, as members of an object. */
  static void members(JsonGenerator json, ClockStatus status) throws IOException {
    json.writeStringField("time", Times.text(status.now()));
    json.writeStringField("machine", Times.text(status.machine()));
    json.writeStringField("floor", Times.text(status.floor()));
    json.writeStringField("built", Times.text(status.built()));
    json.writeBooleanField("trusted", status.verdict().isTrusted());
    json.writeStringField("verdict", status.verdict().text());
    json.writeStringField("untrusted", status.untrusted().text());
    json.writeStringField("synchronised", status.synchronised().text());
    json.writeBooleanField("certain", status.certain());
    json.writeNumberField("jumps", status.jumps());
    if (status.last().isPresent()) {
      ClockChange last = status.last().get();
      json.writeObjectFieldStart("last");
      json.writeStringField("kind", last.kind().text());
      json.writeStringField("from", Times.text(last.from()));
      json.writeStringField("to", Times.text(last.to()));
      json.writeStringField("verdict", last.verdict().text());
      json.writeEndObject();
    }
    if (status.fault().isPresent()) {
      json.writeStringField("fault", status.fault().get());
    }
  }
}
