package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.LedgerGap;
import java.io.IOException;
import java.util.List;

/** Backups, and an administrator's word that what a restored one doesn't know is accepted. */
final class AdminRecovery {
  private static final QuietLog LOG = new QuietLog(AdminRecovery.class);
  private static final String BACKUP = "backup";
  private static final String ACCEPT = "accept-gap";

  /** Who accepted is in the ledger; here the service does what was said. */
  private static final long BY_RESTORE = -1;

  private final ApiParts parts;
  private final AuditTrail trail;

  AdminRecovery(ApiParts parts, AuditTrail trail) {
    this.parts = parts;
    this.trail = trail;
  }

  /**
   * Makes a backup. It holds no secret in the clear, and is on record before it is made.
   *
   * @param uid the user id of whoever asks
   */
  Response backup(Request request, long uid) throws Failure {
    V1Api.onlyEmpty(request);
    trail.requireAct(uid, BACKUP, "");
    try {
      Backups.Made made = parts.backups().make();
      LOG.info("backup " + made.id() + " was made, asked by uid " + uid);
      return Response.of(
          Status.CREATED,
          Response.JSON,
          Json.object(json -> {
            json.writeStringField("id", made.id());
            json.writeStringField("file", made.file().toString());
            json.writeNumberField("octets", made.octets());
            json.writeStringField("known", Times.text(made.known()));
            json.writeArrayFieldStart("lacks");
            for (String line : made.lacks()) {
              json.writeString(line);
            }
            json.writeEndArray();
          }));
    } catch (IOException e) {
      throw notDone(
          uid, BACKUP, "", Failure.of(Problem.BACKUP_NOT_MADE, String.valueOf(e.getMessage())));
    } catch (IssuanceException e) {
      throw notDone(uid, BACKUP, "", Failure.forAdministrator(e));
    }
  }

  /**
   * Has issuing go on after a restore, from a new device CA.
   *
   * @param uid the user id of whoever asks
   */
  Response accept(Request request, long uid) throws Failure {
    V1Api.onlyEmpty(request);
    return accept(uid);
  }

  private Response accept(long uid) throws Failure {
    String object = text(parts.authority().recovery().gaps());
    trail.requireAct(uid, ACCEPT, object);
    try {
      String id = parts.authority().recovery().accept(uid);
      trail.act(uid, ACCEPT, object, id + " active");
      LOG.warning(
          "the gap was accepted, asked by uid " + uid + ": " + object + "; " + id + " issues");
      return Response.of(
          Status.OK,
          Response.JSON,
          Json.object(json -> {
            json.writeStringField("authority", id);
            gaps(json, parts.authority().recovery().gaps());
          }));
    } catch (IssuanceException e) {
      throw notDone(uid, ACCEPT, object, Failure.forAdministrator(e));
    }
  }

  /** Goes on with what was accepted when it was restored, or before a crash. */
  void resume(Workers workers) {
    if (parts.authority().recovery().gaps().stream()
        .noneMatch(gap -> gap.open() && gap.wanted().isPresent())) {
      return;
    }
    try {
      workers.execute(this::resume);
    } catch (Failure e) {
      LOG.warning("no worker goes on with the gap that was accepted: " + e.detail());
    }
  }

  private void resume() {
    try {
      Response _ = accept(BY_RESTORE);
    } catch (Failure e) {
      LOG.warning("nothing is issued yet: `vouchsafe restore --accept-gap` tries it again");
    }
  }

  private Failure notDone(long uid, String action, String object, Failure failure) {
    trail.act(uid, action, object, failure.code());
    LOG.warning(action + " was not done: " + failure.code() + ": " + failure.detail());
    return failure;
  }

  private static String text(List<LedgerGap> gaps) {
    return gaps.stream()
        .filter(LedgerGap::open)
        .map(gap -> Times.text(gap.known()) + " to " + Times.text(gap.restored()))
        .findFirst()
        .orElse("none");
  }

  /** The gaps, as a member of an object. */
  static void gaps(JsonGenerator json, List<LedgerGap> gaps) throws IOException {
    json.writeArrayFieldStart("gaps");
    for (LedgerGap gap : gaps) {
      json.writeStartObject();
      json.writeStringField("backup", gap.backup());
      json.writeStringField("known", Times.text(gap.known()));
      json.writeStringField("restored", Times.text(gap.restored()));
      json.writeStringField("latestEnd", Times.text(gap.latestEnd()));
      json.writeBooleanField("open", gap.open());
      if (gap.wanted().isPresent()) {
        json.writeStringField("wanted", Times.text(gap.wanted().get()));
      }
      if (gap.accepted().isPresent()) {
        json.writeStringField("accepted", Times.text(gap.accepted().get()));
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
