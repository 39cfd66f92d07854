package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.ModuleKeys;
import java.util.Base64;
import java.util.Locale;

/** Hands a module's signing key to an administrator, who configures a verifier with it. */
final class AdminKeys {
  private static final QuietLog LOG = new QuietLog(AdminKeys.class);

  private final ApiParts parts;
  private final AuditTrail trail;

  AdminKeys(ApiParts parts, AuditTrail trail) {
    this.parts = parts;
    this.trail = trail;
  }

  /**
   * Reveals a key; that is on record, durably, before it is answered.
   *
   * @param rawName the module's name, percent-encoded
   * @param uid the user id of whoever asks
   */
  Response reveal(Request request, String rawName, long uid) throws Failure, IssuanceException {
    ModuleKeys.Which which = KeyBody.parse(V1Api.json(request));
    Registration registration =
        parts
            .registrations()
            .current()
            .byName(Percent.decode(rawName))
            .orElseThrow(
                () -> Failure.of(Problem.NOT_FOUND, "no module is registered by that name"));
    ModuleKeys.Module module =
        new ModuleKeys.Module(registration.name(), registration.generation());
    String administrator = "uid " + uid;
    String name = which.name().toLowerCase(Locale.ROOT);
    byte[] key = parts.authority().moduleKeys().reveal(module, which, administrator);
    trail.requireAct(uid, "reveal-" + name + "-key", module.name());
    LOG.info(
        "the " + name + " key of module '" + module.name() + "' was revealed to " + administrator);
    byte[] body =
        Json.object(json -> {
          json.writeStringField("module", module.name());
          json.writeStringField("generation", module.generation());
          json.writeStringField("which", name);
          json.writeStringField("algorithm", "HMAC-SHA256");
          json.writeStringField("key", Base64.getEncoder().encodeToString(key));
        });
    return Response.of(Status.OK, Response.JSON, body).secret();
  }
}
