package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityRequest;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.StepTaken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** What an administrator does with a device CA that others certify: request, and answer. */
final class OutsideAuthoritiesApi {
  private final ApiParts parts;

  OutsideAuthoritiesApi(ApiParts parts) {
    this.parts = parts;
  }

  /** Whether the next device CA is certified by others. */
  boolean isOutside() {
    return parts.authority().authorities().stream()
        .anyMatch(it ->
            it.role() == AuthorityInfo.Role.ROOT
                && it.state() == AuthorityInfo.State.ACTIVE
                && it.keyStore().equals(AuthorityInfo.OUTSIDE));
  }

  /** The requests that wait. */
  Response requests() throws IssuanceException {
    List<AuthorityRequest> requests = parts.authority().changes().requests();
    return Response.of(
        Status.OK,
        Response.JSON,
        Json.object(json -> {
          json.writeArrayFieldStart("items");
          for (AuthorityRequest request : requests) {
            json.writeStartObject();
            members(json, request, "prepared");
            json.writeEndObject();
          }
          json.writeEndArray();
        }));
  }

  /** The request of that authority, if it waits. */
  Optional<AuthorityRequest> waiting(String id) throws IssuanceException {
    return parts.authority().changes().requests().stream()
        .filter(request -> request.id().equals(id))
        .findFirst();
  }

  /** One that was made, or given up. */
  static Response one(Status status, AuthorityRequest request, String state) {
    return Response.of(status, Response.JSON, Json.object(json -> members(json, request, state)));
  }

  private static void members(JsonGenerator json, AuthorityRequest request, String state)
      throws IOException {
    json.writeStringField("id", request.id());
    json.writeStringField("role", "device");
    json.writeStringField("state", state);
    json.writeStringField("keyStore", request.keyStore());
    json.writeStringField("subject", request.subject());
    json.writeStringField("request", request.pem());
  }

  /** The step that a body asks for. */
  static AdminAuthorities.Steps<List<StepTaken>> accepting(AnswerBody.Answer answer) {
    byte[] file = answer.certificates().getBytes(StandardCharsets.UTF_8);
    return changes -> List.of(changes.accept(file, answer.now()));
  }
}
