package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityRequest;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Optional;

/** What {@code init} says of the home that it made. */
final class InitReport {
  private final RootCommand globals;
  private final Home home;
  private final HomeBuilder.Made made;
  private final Configuration configuration;

  InitReport(RootCommand globals, Home home, HomeBuilder.Made made) {
    this.globals = globals;
    this.home = home;
    this.made = made;
    this.configuration = made.taken().configuration();
  }

  void print(PrintStream out) throws IOException {
    if (globals.json()) {
      json(out);
    } else {
      text(out);
    }
  }

  private String next() {
    return made.authorities().isEmpty()
        ? OutsideHome.next(globals.homeArgument())
        : "vouchsafe " + globals.homeArgument() + "serve";
  }

  private void json(PrintStream out) throws IOException {
    Json.print(
        out,
        json -> {
          json.writeStartObject();
          json.writeStringField("deviceId", configuration.gateway().deviceId());
          json.writeStringField("trustDomain", configuration.gateway().trustDomain());
          json.writeStringField("configuration", home.configuration().toString());
          json.writeStringField("data", home.data().toString());
          json.writeStringField("registrations", home.registrations().toString());
          json.writeStringField("keyStore", configuration.keys().store().text());
          json.writeStringField("rootKeyStore", configuration.keys().rootStore().text());
          json.writeArrayFieldStart("notTaken");
          for (HomeBuilder.NotTaken each : made.notTaken()) {
            json.writeStartObject();
            json.writeStringField("keyStore", each.name().text());
            json.writeStringField("reason", each.reason());
            json.writeEndObject();
          }
          json.writeEndArray();
          json.writeArrayFieldStart("authorities");
          for (AuthorityInfo authority : made.authorities()) {
            json.writeStartObject();
            json.writeStringField("id", authority.id());
            json.writeStringField("keyStore", authority.keyStore());
            json.writeStringField("subject", Certificates.subject(authority.certificate()));
            json.writeStringField("notAfter", Certificates.notAfter(authority.certificate()));
            json.writeStringField("sha256", Certificates.sha256(authority.certificate()));
            json.writeEndObject();
          }
          json.writeEndArray();
          Optional<AuthorityRequest> request = OutsideHome.withoutCertificate(home);
          if (request.isPresent()) {
            json.writeStringField("request", request.get().pem());
          }
          json.writeStringField("next", next());
          json.writeEndObject();
        });
  }

  private void text(PrintStream out) {
    line(out, "device id", configuration.gateway().deviceId());
    line(out, "trust domain", configuration.gateway().trustDomain());
    line(out, "configuration", home.configuration().toString());
    line(out, "registrations", home.registrations().toString());
    line(out, "data", home.data().toString());
    keyStores(out);
    for (AuthorityInfo authority : made.authorities()) {
      line(
          out,
          authority.id(),
          Certificates.subject(authority.certificate())
              + ", until "
              + Certificates.notAfter(authority.certificate()));
      line(out, "  sha256", Certificates.sha256(authority.certificate()));
    }
    OutsideHome.withoutCertificate(home)
        .ifPresent(request -> line(out, request.id(), OutsideHome.told(request)));
    line(out, "next", next());
  }

  private void keyStores(PrintStream out) {
    Configuration.Keys keys = configuration.keys();
    for (HomeBuilder.NotTaken each : made.notTaken()) {
      line(out, "not taken", each.name().text() + ": " + each.reason());
    }
    line(out, "key store", KeyStores.location(keys.store(), keys.places()));
    if (keys.rootStore() != keys.store()) {
      line(out, "root in", KeyStores.location(keys.rootStore(), keys.places()));
    }
    boolean software =
        keys.store() == KeyStoreName.SOFTWARE || keys.rootStore() == KeyStoreName.SOFTWARE;
    if (software && keys.places().seal() instanceof Configuration.Seal.Generated) {
      line(out, "seal", home.sealKey() + "  (back it up apart from data)");
    }
    boolean tpm = keys.store() == KeyStoreName.TPM || keys.rootStore() == KeyStoreName.TPM;
    boolean generated =
        keys.places()
            .tpm()
            .keyAuth()
            .filter(Configuration.Seal.Generated.class::isInstance)
            .isPresent();
    if (tpm && generated) {
      line(out, "auth value", home.tpmAuthKey() + "  (back it up apart from data)");
    }
  }

  private static void line(PrintStream out, String name, String value) {
    out.println("%-14s %s".formatted(name, value.replaceAll("\\p{Cntrl}", "?")));
  }
}
