package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.RotationEvent;
import dev.vouchsafe.ca.RotationPlan;
import dev.vouchsafe.ca.RotationStanding;
import dev.vouchsafe.ca.StepTaken;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** What an administrator sees of the rotation of authorities, as JSON. */
final class RotationViews {
  private RotationViews() {}

  /** Where it stands. */
  static Response standing(RotationStanding standing) {
    return Response.of(
        Status.OK, Response.JSON, Json.object(json -> standingMembers(json, standing)));
  }

  private static void standingMembers(JsonGenerator json, RotationStanding standing)
      throws IOException {
    json.writeStringField("at", Times.text(standing.at()));
    json.writeBooleanField("automatic", standing.automatic());
    if (standing.window().isPresent()) {
      json.writeStringField("window", standing.window().get());
    }
    if (standing.problem().isPresent()) {
      json.writeStringField("problem", standing.problem().get());
    }
    plan(json, standing.device());
    plan(json, standing.root());
    json.writeArrayFieldStart("journal");
    for (RotationEvent event : standing.journal()) {
      json.writeStartObject();
      json.writeStringField("at", Times.text(event.at()));
      json.writeStringField("role", word(event.role()));
      json.writeStringField("step", word(event.step()));
      json.writeStringField("authority", event.authority());
      json.writeStringField("by", event.by());
      json.writeStringField("outcome", word(event.outcome()));
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void plan(JsonGenerator json, RotationPlan plan) throws IOException {
    json.writeObjectFieldStart(word(plan.role()));
    authority(json, "active", plan.active());
    if (plan.next().isPresent()) {
      authority(json, "next", plan.next().get());
    }
    json.writeArrayFieldStart("steps");
    for (RotationPlan.Coming step : plan.steps()) {
      json.writeStartObject();
      json.writeStringField("step", word(step.step()));
      json.writeStringField("authority", step.authority());
      json.writeBooleanField("automatic", step.automatic());
      if (step.from().isPresent()) {
        json.writeStringField("from", Times.text(step.from().get()));
      }
      Json.texts(json, "waitsFor", step.waitsFor());
      Json.texts(json, "affects", step.affects());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void authority(JsonGenerator json, String name, AuthorityInfo authority)
      throws IOException {
    json.writeObjectFieldStart(name);
    AdminViews.authorityMembers(json, authority);
    json.writeEndObject();
  }

  /** One step that was taken. */
  static Response taken(Status status, StepTaken taken) {
    return Response.of(status, Response.JSON, Json.object(json -> members(json, taken)));
  }

  /** Several of them. */
  static Response taken(List<StepTaken> steps) {
    return Response.of(
        Status.OK,
        Response.JSON,
        Json.object(json -> {
          json.writeArrayFieldStart("items");
          for (StepTaken taken : steps) {
            json.writeStartObject();
            members(json, taken);
            json.writeEndObject();
          }
          json.writeEndArray();
        }));
  }

  private static void members(JsonGenerator json, StepTaken taken) throws IOException {
    AdminViews.authorityMembers(json, taken.authority());
    if (!taken.breaks().isEmpty()) {
      Json.texts(json, "breaks", taken.breaks());
    }
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
