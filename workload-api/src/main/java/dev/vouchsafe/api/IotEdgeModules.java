package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.Registrations;
import dev.vouchsafe.attestation.Verdict;
import java.io.IOException;

/**
 * The list of modules of the IoT Edge Workload API. The reference daemon shows it to anyone; here
 * it is shown to modules only, since it tells what runs on the gateway.
 */
final class IotEdgeModules {
  private final Registrations registrations;
  private final IotEdgeCallers callers;

  IotEdgeModules(Registrations registrations, IotEdgeCallers callers) {
    this.registrations = registrations;
    this.callers = callers;
  }

  void list(ModuleCall call) throws Failure {
    Verdict.Attested attested = callers.anyModule(call);
    RegistrationSet set = registrations.current();
    byte[] body =
        Json.object(json -> {
          json.writeArrayFieldStart("modules");
          for (Registration registration : set.all()) {
            module(json, registration.name());
          }
          json.writeEndArray();
        });
    callers.confirmAndCount(call, attested);
    call.exchange().answer(Response.of(Status.OK, Response.JSON, body).secret());
  }

  /**
   * One module in the reference daemon's form. We start no process and watch none between its
   * calls, so its status is the one of the reference's words that says so.
   */
  private static void module(JsonGenerator json, String name) throws IOException {
    json.writeStartObject();
    json.writeStringField("id", "id");
    json.writeStringField("name", name);
    json.writeStringField("type", "process");
    json.writeObjectFieldStart("config");
    json.writeObjectFieldStart("settings");
    json.writeEndObject();
    json.writeArrayFieldStart("env");
    json.writeEndArray();
    json.writeEndObject();
    json.writeObjectFieldStart("status");
    json.writeObjectFieldStart("runtimeStatus");
    json.writeStringField("status", "unknown");
    json.writeEndObject();
    json.writeEndObject();
    json.writeEndObject();
  }
}
