package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.vouchsafe.attestation.AttestationSettings;
import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.Attestors;
import dev.vouchsafe.ca.AuthorityProof;
import dev.vouchsafe.ca.AuthorityRequest;
import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What {@code check} says of the running service, and of what it would find when it starts. */
final class ServiceChecks {
  private static final Duration LIMIT = Duration.ofSeconds(3);

  /** A key store that hangs is given up by the service itself, in less than this. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** An authority in the last such part of its life is old. */
  private static final int OLD_PART = 6;

  /** A root is replaced by a person only, and that takes its time: it is told earlier. */
  private static final int OLD_PART_OF_A_ROOT = 4;

  private final Home home;
  private final Console console;
  private final Optional<JsonNode> status;
  private final String absence;

  ServiceChecks(Home home, Console console) {
    this.home = home;
    this.console = console;
    Optional<JsonNode> answered = Optional.empty();
    String reason = "";
    try {
      answered = Optional.of(AdminCommands.client(home, LIMIT).getJson("/status"));
    } catch (CommandFailure e) {
      reason = Causes.text(e);
    }
    status = answered;
    absence = reason;
  }

  /** Where the authorities stand: as the service says, or else as the ledger has it. */
  AuthorityStandings standings(Configuration configuration) {
    try {
      return isRunning()
          ? AuthorityStandings.of(AdminCommands.client(home, LIMIT).getJson("/authorities"))
          : AuthorityStandings.of(
              CertificateAuthorities.list(configuration.authority(home.data())));
    } catch (CommandFailure | IOException e) {
      // What is wrong is told by those who need the ledger, or the service.
      return AuthorityStandings.unknown();
    }
  }

  /** Whether a service has the home, be it one that doesn't answer. */
  boolean holdsHome() {
    return HomeLock.isHeld(home);
  }

  boolean isRunning() {
    return status.isPresent();
  }

  Finding running() {
    return status
        .map(said ->
            Finding.ok(
                "service",
                said.path("deviceId").asText()
                    + ", layer "
                    + said.path("layer").asText()
                    + ", at "
                    + Json.words(said.path("endpoints"))))
        .orElseGet(() ->
            Finding.warn(
                "service", "does not answer: " + absence, "until it does, modules get nothing"));
  }

  /** How its time stands, if the service runs and says so. */
  Optional<JsonNode> clock() {
    return status.map(said -> said.path("clock")).filter(JsonNode::isObject);
  }

  /** How the audit log stands, if the service runs. */
  Optional<Finding> audit() {
    JsonNode audit = status.map(said -> said.path("audit")).orElseGet(MissingNode::getInstance);
    if (!audit.isObject()) {
      return Optional.empty();
    }
    String title = "audit log";
    if (audit.has("fault")) {
      return Optional.of(
          Finding.fail(
              title,
              "can't be written, so nothing is issued: " + audit.path("fault").asText(),
              "make room, or mend the disk; it goes on by itself"));
    }
    if (audit.has("signingFault")) {
      return Optional.of(
          Finding.warn(
              title,
              "can't be signed now: " + audit.path("signingFault").asText(),
              "it is written all the same, and signed as soon as the key store is back"));
    }
    String text = audit.path("entries").asLong() + " entries since the start";
    if (audit.path("lost").asLong() > 0) {
      return Optional.of(
          Finding.warn(
              title,
              text + ", " + audit.path("lost").asLong() + " lost while it couldn't be written",
              "see the log of the service"));
    }
    long trimmed = audit.path("trimmed").asLong();
    return Optional.of(
        Finding.ok(
            title,
            trimmed == 0
                ? text
                : text + "; the oldest " + trimmed + " were removed, as [limits] says"));
  }

  /** How much room the ledger takes, if the service runs. */
  Optional<Finding> ledger() {
    return LedgerChecks.of(status.map(said -> said.path("ledger")).filter(JsonNode::isObject));
  }

  /** What a restored ledger may not know, if the service runs. */
  Optional<Finding> gap() {
    return status.flatMap(said -> GapText.finding(said.path("gaps"), console.clock().instant()));
  }

  /** Whether the sockets can be made, while the service doesn't hold them. */
  List<Finding> sockets(Configuration configuration) {
    List<Finding> findings = new ArrayList<>();
    for (Path socket : configuration.listen().sockets()) {
      socketFolder(Home.parent(socket)).ifPresent(findings::add);
      if (Files.isDirectory(socket)) {
        findings.add(
            Finding.fail("sockets", socket + " is a folder", "remove it, or change [listen]"));
      }
    }
    if (findings.isEmpty()) {
      findings.add(
          Finding.ok(
              "sockets",
              configuration.listen().sockets().stream()
                  .map(Path::toString)
                  .collect(Collectors.joining(" "))));
    }
    return findings;
  }

  private static Optional<Finding> socketFolder(Path folder) {
    try {
      return Files.isDirectory(folder)
          ? FileTrust.problem(folder)
              .map(problem -> Finding.fail("sockets", problem, "or change [listen]"))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.of(Finding.warn("sockets", Causes.of(e), "run check as the service's user"));
    }
  }

  /** How the key stores stand that the service has open, and what their keys do in it. */
  List<Finding> proofs(KeyStoreChecks stores) {
    try {
      JsonNode answer = AdminCommands.client(home, PATIENCE).getJson("/key-stores");
      List<Finding> findings = new ArrayList<>();
      for (JsonNode store : answer.path("items")) {
        if (!store.path("state").asText().equals("up")) {
          findings.add(away(store));
        }
      }
      List<AuthorityProof> proofs = new ArrayList<>();
      answer.path("proofs").forEach(proof -> proofs.add(proof(proof)));
      findings.addAll(stores.proved(proofs));
      return findings;
    } catch (CommandFailure e) {
      return List.of(
          Finding.fail("key stores", Causes.text(e), "see the log of the running service"));
    }
  }

  private static AuthorityProof proof(JsonNode proof) {
    return new AuthorityProof(
        proof.path("authority").asText(),
        proof.path("keyStore").asText(),
        switch (proof.path("outcome").asText()) {
          case "works" -> AuthorityProof.Outcome.WORKS;
          case "unavailable" -> AuthorityProof.Outcome.UNAVAILABLE;
          default -> AuthorityProof.Outcome.FAILED;
        },
        proof.path("detail").asText());
  }

  private static Finding away(JsonNode store) {
    return Finding.warn(
        "key store " + store.path("name").asText(),
        "in the service: " + store.path("state").asText() + ": " + store.path("reason").asText(),
        "the service tries again by itself; see the findings of this store");
  }

  /** Remaining life; of the roots only, while no service can be asked. */
  List<Finding> authorities() {
    List<Finding> findings = new ArrayList<>();
    if (isRunning()) {
      try {
        JsonNode items = AdminCommands.client(home, LIMIT).getJson("/authorities").path("items");
        for (JsonNode item : items) {
          // An issuing CA is made anew by the first who needs it.
          if (List.of("retiring", "retired").contains(item.path("state").asText())
              || item.path("role").asText().equals("issuing")) {
            continue;
          }
          findings.add(
              life(
                  item.path("id").asText(),
                  Instant.parse(item.path("notBefore").asText()),
                  Instant.parse(item.path("notAfter").asText())));
        }
      } catch (CommandFailure | DateTimeException e) {
        findings.add(Finding.fail("authorities", Causes.text(e), "see the log of the service"));
      }
      return findings;
    }
    Optional<AuthorityRequest> waiting = OutsideHome.withoutCertificate(home);
    if (waiting.isPresent()) {
      return List.of(
          Finding.fail("authorities", OutsideHome.told(waiting.get()), OutsideHome.next("")));
    }
    try {
      for (X509Certificate root :
          TrustBundleStore.open(home.bundle(), Duration.ofHours(1)).current().roots()) {
        findings.add(life("root", root.getNotBefore().toInstant(), root.getNotAfter().toInstant()));
      }
    } catch (IOException e) {
      findings.add(Finding.fail("authorities", Causes.of(e), "restore " + home.data() + " whole"));
    }
    return findings;
  }

  private Finding life(String name, Instant notBefore, Instant notAfter) {
    Instant now = console.clock().instant();
    Duration left = Duration.between(now, notAfter);
    String detail = name + " is valid until " + notAfter;
    if (now.isBefore(notBefore)) {
      return Finding.fail("authorities", name + " is valid from " + notBefore, "set the clock");
    }
    if (left.isNegative()) {
      return Finding.fail(
          "authorities", name + " ended on " + notAfter, "set the clock, or make" + " a new home");
    }
    Duration old =
        Duration.between(notBefore, notAfter)
            .dividedBy(name.startsWith("root") ? OLD_PART_OF_A_ROOT : OLD_PART);
    return left.compareTo(old) < 0
        ? Finding.warn(
            "authorities",
            detail + ", " + Durations.approximate(left) + " left",
            "plan its replacement: vouchsafe ca plan, and docs/rotation.md")
        : Finding.ok("authorities", detail + ", " + Durations.approximate(left) + " left");
  }

  /**
   * What can't be seen: by the service if it runs, else by this process.
   *
   * @param settings as configured
   */
  List<Finding> attestation(AttestationSettings settings) {
    List<String> limits = new ArrayList<>();
    if (status.isPresent()) {
      status.get().path("attestation").path("limits").forEach(text -> limits.add(text.asText()));
    } else {
      try (Attestor attestor = Attestors.open(settings)) {
        limits.addAll(attestor.limits());
      }
    }
    if (limits.isEmpty()) {
      return List.of(Finding.ok("attestation", "all that the kernel shows can be measured here"));
    }
    return limits.stream()
        .map(limit -> Finding.warn("attestation", limit, "see docs/rights.md"))
        .toList();
  }
}
