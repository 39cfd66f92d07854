package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.RevocationList;
import dev.vouchsafe.ca.RevocationListStatus;
import dev.vouchsafe.ca.RevocationOrder;
import dev.vouchsafe.ca.RevocationResult;
import dev.vouchsafe.ca.Revocations;
import dev.vouchsafe.ca.RevokedCertificate;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Revokes as an administrator says. Each time, done or not, is in the log and the audit log with
 * the user id of whoever asked.
 */
final class AdminRevocations {
  private static final QuietLog LOG = new QuietLog(AdminRevocations.class);

  private final ApiParts parts;
  private final AuditTrail trail;

  AdminRevocations(ApiParts parts, AuditTrail trail) {
    this.parts = parts;
    this.trail = trail;
  }

  private Revocations revocations() {
    return parts.authority().revocations();
  }

  /**
   * @param uid the user id of whoever asks
   */
  Response revoke(Request request, long uid) throws Failure {
    RevokeBody body = RevokeBody.parse(V1Api.json(request));
    String object = body.object() + ", " + body.reason().text();
    try {
      RevocationResult result =
          revocations()
              .revoke(
                  new RevocationOrder(
                      body.target(this::registered), body.reason(), body.invalidSince(), uid));
      if (body.serials().size() > 1) {
        body.serials().forEach(serial -> trail.act(uid, "revoke-certificate", serial, "done"));
      } else {
        trail.act(uid, "revoke-certificate", object, result.fresh() + " revoked");
      }
      LOG.warning(
          "revoked " + object + ", asked by uid " + uid + ": " + result.fresh() + " certificates");
      return Response.of(Status.OK, Response.JSON, Json.object(json -> result(json, result)));
    } catch (IssuanceException e) {
      Failure failure = Failure.forAdministrator(e);
      trail.act(uid, "revoke-certificate", object, failure.code());
      LOG.warning("not revoked, " + object + ": " + failure.code() + ": " + failure.detail());
      throw failure;
    }
  }

  private Optional<String> registered(String module) {
    return parts.registrations().current().byName(module).map(Registration::generation);
  }

  /**
   * @param uid the user id of whoever asks
   */
  Response allow(Request request, long uid) throws Failure {
    AllowBody.Wanted wanted = AllowBody.parse(V1Api.json(request));
    try {
      List<String> lifted = revocations().allow(wanted.module(), wanted.generation());
      trail.act(uid, "allow-module", wanted.module(), lifted.size() + " generations");
      LOG.warning("module '" + wanted.module() + "' is allowed again, asked by uid " + uid);
      return Response.of(
          Status.OK,
          Response.JSON,
          Json.object(json -> {
            json.writeStringField("module", wanted.module());
            Json.texts(json, "allowed", lifted);
          }));
    } catch (IssuanceException e) {
      Failure failure = Failure.forAdministrator(e);
      trail.act(uid, "allow-module", wanted.module(), failure.code());
      throw failure;
    }
  }

  /**
   * @param uid the user id of whoever asks
   */
  Response tokens(Request request, long uid) throws Failure {
    List<String> ids = TokenIdsBody.parse(V1Api.json(request));
    try {
      long fresh = revocations().revokeTokens(ids, uid);
      ids.forEach(id -> trail.act(uid, "revoke-token", id, "done"));
      LOG.warning("revoked " + ids.size() + " tokens, asked by uid " + uid);
      String fault = revocations().revokedTokensFault();
      return Response.of(
          Status.OK,
          Response.JSON,
          Json.object(json -> {
            json.writeNumberField("revoked", fresh);
            json.writeNumberField("already", ids.stream().distinct().count() - fresh);
            Json.texts(json, "unpublished", fault.isEmpty() ? List.of() : List.of(fault));
          }));
    } catch (IssuanceException e) {
      Failure failure = Failure.forAdministrator(e);
      trail.act(uid, "revoke-token", ids.getFirst(), failure.code());
      throw failure;
    }
  }

  /** How the lists stand. */
  Response lists() throws IssuanceException {
    long living = revocations().living();
    Instant now = parts.clock().instant();
    return Response.of(
        Status.OK,
        Response.JSON,
        Json.object(json -> {
          json.writeNumberField("living", living);
          json.writeBooleanField("issuerRevoked", isIssuerRevoked(parts));
          Json.texts(json, "distrusted", revocations().distrusted());
          json.writeArrayFieldStart("lists");
          for (RevocationListStatus status : revocations().lists()) {
            json.writeStartObject();
            list(json, status, now);
            json.writeEndObject();
          }
          json.writeEndArray();
        }));
  }

  /** Whether the device CA that issues is revoked, so that nothing is issued. */
  static boolean isIssuerRevoked(ApiParts parts) {
    List<String> distrusted = parts.authority().revocations().distrusted();
    return !distrusted.isEmpty()
        && parts.authority().authorities().stream()
            .anyMatch(it ->
                it.role() == AuthorityInfo.Role.DEVICE
                    && it.state() == AuthorityInfo.State.ACTIVE
                    && distrusted.contains(it.id()));
  }

  private static void list(JsonGenerator json, RevocationListStatus status, Instant now)
      throws IOException {
    json.writeStringField("authority", status.authority());
    if (status.list().isPresent()) {
      RevocationList list = status.list().get();
      json.writeNumberField("number", list.number());
      json.writeStringField("thisUpdate", Times.text(list.thisUpdate()));
      json.writeStringField("nextUpdate", Times.text(list.nextUpdate()));
      json.writeNumberField("entries", list.entries());
      json.writeNumberField("octets", list.der().length);
    }
    json.writeNumberField("unlisted", status.unlisted());
    json.writeBooleanField("signs", status.signs());
    json.writeBooleanField("overdue", status.isOverdue(now));
    if (!status.fault().isEmpty()) {
      json.writeStringField("fault", status.fault());
    }
  }

  private static void result(JsonGenerator json, RevocationResult result) throws IOException {
    json.writeNumberField("revoked", result.fresh());
    json.writeNumberField("already", result.already());
    json.writeArrayFieldStart("items");
    for (RevokedCertificate certificate : result.certificates()) {
      json.writeStartObject();
      json.writeStringField("serial", certificate.serial());
      json.writeStringField("module", certificate.module());
      json.writeStringField("authority", certificate.authority());
      json.writeStringField("notAfter", Times.text(certificate.notAfter()));
      members(json, certificate);
      json.writeEndObject();
    }
    json.writeEndArray();
    Json.texts(json, "deniedGenerations", result.denied());
    Json.texts(json, "unpublished", result.unlisted());
  }

  /** How a certificate was revoked, as members of an object. */
  static void members(JsonGenerator json, RevokedCertificate certificate) throws IOException {
    json.writeStringField("revokedAt", Times.text(certificate.revoked()));
    json.writeStringField("reason", certificate.reason().text());
    if (certificate.invalidSince().isPresent()) {
      json.writeStringField("invalidSince", Times.text(certificate.invalidSince().get()));
    }
    json.writeBooleanField("listed", certificate.listed());
  }
}
