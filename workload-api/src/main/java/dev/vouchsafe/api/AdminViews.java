package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationProblem;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.Selector;
import dev.vouchsafe.audit.AuditLog;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityProof;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.KeyStoreStatus;
import dev.vouchsafe.ca.LedgerEntry;
import dev.vouchsafe.ca.LedgerPage;
import dev.vouchsafe.ca.LedgerQuery;
import dev.vouchsafe.ca.LedgerStatus;
import dev.vouchsafe.ca.RevokedCertificate;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import javax.security.auth.x500.X500Principal;

/** What an administrator sees, as JSON. */
final class AdminViews {
  /** RFC 2253 knows this attribute (RFC 5280 section 4.1.2.4) by its number only. */
  private static final Map<String, String> WORDS = Map.of("2.5.4.5", "serialNumber");

  private final ApiParts parts;
  private final Supplier<List<String>> endpoints;

  AdminViews(ApiParts parts, Supplier<List<String>> endpoints) {
    this.parts = parts;
    this.endpoints = endpoints;
  }

  Response status() {
    RegistrationSet set = parts.registrations().current();
    return answer(json -> {
      String version = AdminViews.class.getPackage().getImplementationVersion();
      if (version != null) {
        json.writeStringField("version", version);
      }
      json.writeStringField("deviceId", parts.identity().deviceId());
      json.writeStringField("trustDomain", parts.identity().trustDomain());
      json.writeNumberField("layer", parts.identity().layer());
      Json.texts(json, "endpoints", endpoints.get());
      json.writeObjectFieldStart("attestation");
      Json.texts(json, "limits", parts.attestor().limits());
      json.writeEndObject();
      keyStores(json, "keyStores");
      audit(json, parts.audit().status());
      ledger(json, parts.authority().ledger());
      AdminRecovery.gaps(json, parts.authority().recovery().gaps());
      json.writeObjectFieldStart("clock");
      AdminClock.members(json, parts.clock().status());
      json.writeEndObject();
      json.writeObjectFieldStart("registrations");
      json.writeNumberField("count", set.all().size());
      problems(json, set);
      json.writeEndObject();
    });
  }

  private static void audit(JsonGenerator json, AuditLog.Status status) throws IOException {
    json.writeObjectFieldStart("audit");
    json.writeNumberField("entries", status.entries());
    json.writeNumberField("summarised", status.summarised());
    json.writeNumberField("lost", status.lost());
    json.writeNumberField("queued", status.queued());
    json.writeNumberField("trimmed", status.trimmed());
    optional(json, "fault", status.fault());
    optional(json, "signingFault", status.signingFault());
    optional(json, "checkpoint", status.checkpoint());
    optional(json, "fingerprint", status.fingerprint());
    json.writeEndObject();
  }

  private static void ledger(JsonGenerator json, LedgerStatus status) throws IOException {
    json.writeObjectFieldStart("ledger");
    json.writeNumberField("octets", status.octets());
    if (status.most().isPresent()) {
      json.writeNumberField("mostOctets", status.most().getAsLong());
    }
    json.writeBooleanField("full", status.full());
    json.writeNumberField("archived", status.archived());
    json.writeEndObject();
  }

  private static void optional(JsonGenerator json, String name, Optional<String> text)
      throws IOException {
    if (text.isPresent()) {
      json.writeStringField(name, text.get());
    }
  }

  Response modules() {
    RegistrationSet set = parts.registrations().current();
    return answer(json -> {
      json.writeArrayFieldStart("items");
      for (Registration registration : set.all()) {
        json.writeStartObject();
        module(json, registration, set.isBuiltIn(registration.name()));
        json.writeEndObject();
      }
      json.writeEndArray();
      problems(json, set);
    });
  }

  Optional<Response> module(String name) {
    RegistrationSet set = parts.registrations().current();
    return set.byName(name)
        .map(registration -> answer(json -> module(json, registration, set.isBuiltIn(name))));
  }

  /** A page of the ledger; what is amiss in the question is told. */
  Response certificates(Request request) throws Failure {
    LedgerPage page = page(LedgerQueries.of(request, parts.clock()));
    Set<String> revoked = revoked(page.items());
    return answer(json -> {
      json.writeArrayFieldStart("items");
      for (LedgerEntry entry : page.items()) {
        json.writeStartObject();
        certificate(json, entry);
        if (revoked.contains(entry.serial())) {
          json.writeBooleanField("revoked", true);
        }
        json.writeEndObject();
      }
      json.writeEndArray();
      if (page.next().isPresent()) {
        json.writeStringField("next", page.next().get());
      }
    });
  }

  private Set<String> revoked(List<LedgerEntry> entries) throws Failure {
    try {
      return parts.authority().revocations().among(entries);
    } catch (IssuanceException e) {
      throw Failure.forAdministrator(e);
    }
  }

  private LedgerPage page(LedgerQuery query) throws Failure {
    try {
      return parts.authority().certificates(query);
    } catch (IssuanceException e) {
      throw Failure.forAdministrator(e);
    }
  }

  Optional<Response> certificate(String serial) throws IssuanceException {
    Optional<RevokedCertificate> revoked = parts.authority().revocations().find(serial);
    return parts
        .authority()
        .certificate(serial)
        .map(entry ->
            answer(json -> {
              certificate(json, entry);
              json.writeStringField("generation", entry.generation());
              json.writeStringField("tbsSha256", entry.tbsSha256());
              optional(json, "spkiSha256", entry.spkiSha256().filter(hash -> !hash.isEmpty()));
              if (revoked.isPresent()) {
                json.writeObjectFieldStart("revocation");
                AdminRevocations.members(json, revoked.get());
                json.writeEndObject();
              }
            }));
  }

  Response authorities() {
    List<AuthorityInfo> authorities = parts.authority().authorities();
    return answer(json -> {
      json.writeArrayFieldStart("items");
      for (AuthorityInfo authority : authorities) {
        json.writeStartObject();
        authorityMembers(json, authority);
        json.writeEndObject();
      }
      json.writeEndArray();
    });
  }

  /** The key stores in use, and whether each authority's key is there and signs. */
  Response keyStores() {
    List<AuthorityProof> proofs = parts.authority().prove();
    return answer(json -> {
      keyStores(json, "items");
      json.writeArrayFieldStart("proofs");
      for (AuthorityProof proof : proofs) {
        json.writeStartObject();
        json.writeStringField("authority", proof.authority());
        json.writeStringField("keyStore", proof.keyStore());
        json.writeStringField("outcome", lower(proof.outcome()));
        json.writeStringField("detail", proof.detail());
        json.writeEndObject();
      }
      json.writeEndArray();
    });
  }

  private void keyStores(JsonGenerator json, String name) throws IOException {
    json.writeArrayFieldStart(name);
    for (KeyStoreStatus store : parts.authority().keyStoreStatus()) {
      json.writeStartObject();
      json.writeStringField("name", store.name());
      json.writeStringField("state", store.state());
      json.writeStringField("reason", store.reason());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static Response answer(Json.Members members) {
    return Response.of(Status.OK, Response.JSON, Json.object(members));
  }

  private static void problems(JsonGenerator json, RegistrationSet set) throws IOException {
    json.writeArrayFieldStart("problems");
    for (RegistrationProblem problem : set.problems()) {
      json.writeStartObject();
      json.writeStringField("file", problem.file().toString());
      json.writeStringField("code", problem.code());
      json.writeStringField("message", problem.message());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private void module(JsonGenerator json, Registration registration, boolean builtIn)
      throws IOException {
    json.writeStringField("name", registration.name());
    json.writeStringField("generation", registration.generation());
    Json.texts(json, "selectors", registration.selectors().stream().map(Selector::text).toList());
    json.writeArrayFieldStart("any");
    for (List<Selector> alternative : registration.any()) {
      json.writeStartArray();
      for (Selector selector : alternative) {
        json.writeString(selector.text());
      }
      json.writeEndArray();
    }
    json.writeEndArray();
    Json.texts(json, "not", registration.not().stream().map(Selector::text).toList());
    Json.texts(json, "profiles", registration.profiles().stream().sorted().toList());
    Json.texts(json, "dns", registration.dns());
    Json.texts(json, "ip", registration.ip());
    if (registration.ttl().isPresent()) {
      json.writeNumberField("ttlSeconds", registration.ttl().get().toSeconds());
    }
    Json.texts(json, "audiences", registration.audiences());
    Json.texts(
        json,
        "channels",
        registration.channels().stream().sorted().map(AdminViews::lower).toList());
    json.writeBooleanField("strict", registration.strict());
    json.writeBooleanField("builtIn", builtIn);
    Optional<String> spiffeId = Grants.spiffeId(parts.identity(), registration);
    if (spiffeId.isPresent()) {
      json.writeStringField("spiffeId", spiffeId.get());
    }
  }

  private static void certificate(JsonGenerator json, LedgerEntry entry) throws IOException {
    json.writeStringField("serial", entry.serial());
    json.writeStringField("module", entry.module());
    json.writeStringField("profile", entry.profile());
    json.writeStringField("authority", entry.authority());
    json.writeStringField("subject", entry.subject());
    Json.texts(json, "names", entry.names());
    json.writeStringField("notBefore", Times.text(entry.notBefore()));
    json.writeStringField("notAfter", Times.text(entry.notAfter()));
    json.writeStringField("state", lower(entry.state()));
    if (entry.archived()) {
      json.writeBooleanField("archived", true);
    }
  }

  static void authorityMembers(JsonGenerator json, AuthorityInfo authority) throws IOException {
    X509Certificate certificate = authority.certificate();
    json.writeStringField("id", authority.id());
    json.writeStringField("role", lower(authority.role()));
    json.writeStringField("state", lower(authority.state()));
    json.writeStringField("keyStore", authority.keyStore());
    json.writeStringField("subject", subject(certificate));
    json.writeStringField("serial", Pem.serial(certificate));
    json.writeStringField("notBefore", Times.text(certificate.getNotBefore().toInstant()));
    json.writeStringField("notAfter", Times.text(certificate.getNotAfter().toInstant()));
    json.writeStringField("sha256", Pem.sha256(certificate));
    json.writeStringField("pem", Pem.of(certificate));
  }

  /** RFC 4514. */
  static String subject(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().getName(X500Principal.RFC2253, WORDS);
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
