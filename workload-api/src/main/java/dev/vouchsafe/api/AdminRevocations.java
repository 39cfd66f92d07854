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
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;

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
    Set<String> before = new HashSet<>();
    RevocationResult result =
        noted(
            uid,
            "revoke-certificate",
            body.serials().size() > 1 ? body.serials() : List.of(object),
            () -> {
              before.addAll(revoked(body.serials()));
              return revocations()
                  .revoke(
                      new RevocationOrder(
                          body.target(this::registered), body.reason(), body.invalidSince(), uid));
            },
            (done, each) ->
                body.serials().size() > 1
                    ? (before.contains(each) ? "revoked already" : "revoked")
                    : done.fresh() + " revoked");
    LOG.warning(
        "revoked " + object + ", asked by uid " + uid + ": " + result.fresh() + " certificates");
    return Response.of(Status.OK, Response.JSON, Json.object(json -> result(json, result)));
  }

  /** Which of them are revoked already. */
  private Set<String> revoked(List<String> serials) throws IssuanceException {
    Set<String> revoked = new HashSet<>();
    for (String serial : serials) {
      if (revocations().find(serial).isPresent()) {
        revoked.add(serial);
      }
    }
    return revoked;
  }

  /** Something that an administrator wants done. */
  private interface Act<T> {
    T take() throws IssuanceException;
  }

  /**
   * Takes it, and puts on record what became of it, also where that is a failure of ours.
   *
   * @param objects what it is about, one record for each
   * @param outcome what became of each, if it was done
   */
  private <T> T noted(
      long uid,
      String action,
      List<String> objects,
      Act<T> act,
      BiFunction<T, String, String> outcome)
      throws Failure {
    Function<String, String> became = object -> Problem.INTERNAL.code();
    try {
      T result = act.take();
      became = object -> outcome.apply(result, object);
      return result;
    } catch (IssuanceException e) {
      Failure failure = Failure.forAdministrator(e);
      became = object -> failure.code();
      LOG.warning(
          "not done, "
              + action
              + ", asked by uid "
              + uid
              + ": "
              + failure.code()
              + ": "
              + failure.detail());
      throw failure;
    } finally {
      for (String object : objects) {
        trail.act(uid, action, object, became.apply(object));
      }
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
    List<String> lifted =
        noted(
            uid,
            "allow-module",
            List.of(wanted.module()),
            () -> revocations().allow(wanted.module(), wanted.generation()),
            (done, each) -> done.size() + " generations");
    LOG.warning(
        "module '"
            + wanted.module()
            + "' is allowed again, asked by uid "
            + uid
            + ": "
            + lifted.size()
            + " generations");
    return Response.of(
        Status.OK,
        Response.JSON,
        Json.object(json -> {
          json.writeStringField("module", wanted.module());
          Json.texts(json, "allowed", lifted);
        }));
  }

  /**
   * @param uid the user id of whoever asks
   */
  Response tokens(Request request, long uid) throws Failure {
    List<String> ids = TokenIdsBody.parse(V1Api.json(request));
    long fresh =
        noted(
            uid,
            "revoke-token",
            ids,
            () -> revocations().revokeTokens(ids, uid),
            (done, each) -> "done");
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
