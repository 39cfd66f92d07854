package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.tests.RevocationLoad.Act;
import dev.vouchsafe.tests.RevocationLoad.Kind;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Looks whether what an administrator took back is taken back: in the ledger, at the door, on the
 * lists and by OCSP.
 *
 * @param admin a connection to the administrators' socket
 * @param done all that was acknowledged, in its order
 */
record RevocationWitness(GatewayHome home, RunningGateway gateway, UnixHttp admin, List<Act> done) {
  /** Asked for by OCSP at once. */
  private static final int MOST_ASKED = 8;

  private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(30);

  RevocationWitness {
    done = List.copyOf(done);
  }

  /**
   * @param last what is looked for one by one
   * @param open what was asked for, and not acknowledged
   */
  void assertHolds(List<Act> last, Optional<Act> open) throws Exception {
    assertAllRevoked(objects(last, Kind.SERIALS));
    assertDevices();
    assertNames(keptTokens());
    assertDenied(open);
    if (open.isPresent()) {
      assertWhole(open.get());
    }
    assertToldByHttps(last);
  }

  private static Set<String> objects(List<Act> acts, Kind kind) {
    Set<String> objects = new HashSet<>();
    acts.stream().filter(it -> it.kind() == kind).forEach(it -> objects.addAll(it.objects()));
    return objects;
  }

  /** What whoever verifies by himself reads. */
  private String keptTokens() throws IOException {
    Path file = home.data().resolve("revoked-tokens.json");
    return Files.exists(file) ? Files.readString(file) : "";
  }

  private void assertNames(String tokens) {
    objects(done, Kind.TOKENS).forEach(id -> assertThat(tokens).contains(id));
  }

  private boolean isRevoked(String serial) throws IOException {
    UnixHttp.Answer found = admin.get("/certificates/" + serial);
    assertThat(found.status()).as(found.body()).isEqualTo(200);
    return found.json().has("revocation");
  }

  private void assertAllRevoked(Set<String> serials) throws IOException {
    for (String serial : serials) {
      assertThat(isRevoked(serial)).as(serial).isTrue();
    }
  }

  private Set<String> distrusted() throws IOException {
    Set<String> distrusted = new HashSet<>();
    admin.get("/revocations").json().path("distrusted").forEach(it -> distrusted.add(it.asText()));
    return distrusted;
  }

  /** None that was revoked signs; and if that is the one that issues, another one takes over. */
  private void assertDevices() throws IOException {
    assertThat(distrusted()).containsAll(objects(done, Kind.AUTHORITY));
    boolean stands = distrusted().contains(RevocationLoad.authority(admin, "active").orElseThrow());
    try (UnixHttp module = gateway.connect()) {
      assertThat(module.post("/v1/certificates", "{\"profile\":\"server\"}").status())
          .isEqualTo(stands ? 503 : 201);
      if (stands) {
        RevocationLoad.activateAnother(admin);
        assertThat(module.post("/v1/certificates", "{\"profile\":\"server\"}").status())
            .isEqualTo(201);
      }
    }
  }

  /** What was said last about the module; what was not acknowledged may have been done. */
  private void assertDenied(Optional<Act> open) throws Exception {
    Optional<Kind> said =
        done.stream()
            .map(Act::kind)
            .filter(it -> it == Kind.DENIAL || it == Kind.ALLOWANCE)
            .reduce((before, after) -> after);
    boolean unsaid =
        open.filter(it -> it.kind() == Kind.DENIAL || it.kind() == Kind.ALLOWANCE).isPresent();
    String answer =
        curl(
            "--unix-socket",
            home.workloadSocket().toString(),
            "--json",
            "{\"profile\":\"server\"}",
            "http://localhost/v1/certificates?module=" + RevocationLoad.MODULE);
    if (unsaid) {
      assertThat(answer).containsAnyOf("\"serial\"", "module-revoked");
    } else {
      assertThat(answer)
          .contains(said.equals(Optional.of(Kind.DENIAL)) ? "module-revoked" : "\"serial\"");
    }
  }

  private void assertWhole(Act open) throws Exception {
    Set<Boolean> parts = new HashSet<>();
    for (String object : open.objects()) {
      switch (open.kind()) {
        case SERIALS -> parts.add(isRevoked(object));
        case TOKENS -> parts.add(keptTokens().contains(object));
        case AUTHORITY -> parts.add(distrusted().contains(object));
        case DENIAL, ALLOWANCE -> parts.add(true);
      }
    }
    assertThat(parts).as(open + " is done or not").hasSize(1);
  }

  private String curl(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("curl", "-sSk"));
    command.addAll(List.of(arguments));
    return Programs.run(command.toArray(String[]::new)).out();
  }

  private String https(String path) {
    return "https://127.0.0.1:" + gateway.httpsPort() + path;
  }

  /** As anyone learns it who verifies. */
  private void assertToldByHttps(List<Act> last) throws Exception {
    awaitHolds(() -> curl(https("/.well-known/revoked-tokens.json")).startsWith("{\"items\""));
    assertNames(curl(https("/.well-known/revoked-tokens.json")));
    JsonNode authorities = admin.get("/authorities").json().path("items");
    Set<String> wanted = objects(done, Kind.SERIALS);
    for (JsonNode authority : authorities) {
      if (objects(done, Kind.AUTHORITY).contains(authority.path("id").asText())) {
        wanted.add(authority.path("serial").asText());
      }
    }
    awaitHolds(() -> {
      Set<String> listed = new HashSet<>();
      for (JsonNode authority : authorities) {
        listed.addAll(listed(authority.path("id").asText()));
      }
      return listed.containsAll(wanted);
    });
    List<String> asked =
        last.stream()
            .filter(it -> it.kind() == Kind.SERIALS)
            .flatMap(it -> it.objects().stream())
            .limit(MOST_ASKED)
            .toList();
    for (JsonNode authority : authorities) {
      assertRevokedByOcsp(authority, asked);
    }
  }

  /** What the list of that authority names; nothing if it has none. */
  private Set<String> listed(String authority) throws Exception {
    Path file = home.beside("lists").resolve(authority + ".crl");
    String status =
        curl("-o", file.toString(), "-w", "%{http_code}", https("/crl/" + authority + ".crl"));
    Set<String> serials = new HashSet<>();
    if (status.equals("200")) {
      X509CRL list =
          (X509CRL)
              CertificateFactory.getInstance("X.509")
                  .generateCRL(new ByteArrayInputStream(Files.readAllBytes(file)));
      if (list.getRevokedCertificates() != null) {
        list.getRevokedCertificates()
            .forEach(
                it -> serials.add(HexFormat.of().formatHex(it.getSerialNumber().toByteArray())));
      }
    }
    return serials;
  }

  private void assertRevokedByOcsp(JsonNode authority, List<String> asked) throws Exception {
    List<String> command = new ArrayList<>();
    for (String serial : asked) {
      if (admin
          .get("/certificates/" + serial)
          .text("authority")
          .equals(authority.path("id").asText())) {
        command.addAll(List.of("-serial", "0x" + serial));
      }
    }
    if (command.isEmpty() || distrusted().contains(authority.path("id").asText())) {
      // Once it is revoked as a whole it signs nobody who answers for it.
      return;
    }
    Path folder = home.beside("ocsp");
    Path issuer = Files.writeString(folder.resolve("issuer.pem"), authority.path("pem").asText());
    Path request = folder.resolve("request.der");
    Path answer = folder.resolve("answer.der");
    ocsp(issuer, command, "-reqout", request.toString(), "-no_nonce");
    List<String> statuses = new ArrayList<>();
    awaitHolds(() -> {
      curl(
          "-H",
          "Content-Type: application/ocsp-request",
          "--data-binary",
          "@" + request,
          "-o",
          answer.toString(),
          https("/ocsp"));
      statuses.clear();
      ocsp(issuer, command, "-respin", answer.toString(), "-noverify")
          .lines()
          .filter(line -> line.startsWith("0x"))
          .forEach(statuses::add);
      // Who answers is made when the first one asks.
      return !statuses.isEmpty();
    });
    assertThat(statuses).hasSize(command.size() / 2).allMatch(line -> line.endsWith(": revoked"));
  }

  private static String ocsp(Path issuer, List<String> serials, String... more)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of("openssl", "ocsp", "-issuer", issuer.toString()));
    command.addAll(serials);
    command.addAll(List.of(more));
    return Programs.run(command.toArray(String[]::new)).out();
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void awaitHolds(Condition condition) throws Exception {
    long end = System.nanoTime() + LONGEST_NANOS;
    while (!condition.holds()) {
      assertThat(System.nanoTime()).as("it came to that in half a minute").isLessThan(end);
    }
  }
}
