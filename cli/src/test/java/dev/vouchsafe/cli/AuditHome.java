package dev.vouchsafe.cli;

import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.audit.AuditKeys;
import dev.vouchsafe.audit.AuditLog;
import dev.vouchsafe.audit.AuditLogs;
import dev.vouchsafe.audit.AuditSettings;
import dev.vouchsafe.audit.AuditUnavailableException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A home with an audit log that a test wrote, with an audit key of its own. */
final class AuditHome implements AuditKeys.Signer {
  final Path home;
  final Path folder;
  private final KeyPair pair;
  private InstantSource clock = InstantSource.fixed(CliRun.NOW);

  /** Whether the audit key can't be used now. */
  volatile boolean keyAway;

  AuditHome(Path home) throws IOException, GeneralSecurityException {
    this.home = home;
    this.folder = Home.at(home).audit();
    Files.createDirectories(Home.parent(folder));
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    pair = generator.generateKeyPair();
  }

  @Override
  public Optional<ECPublicKey> publicKey() {
    return Optional.of((ECPublicKey) pair.getPublic());
  }

  @Override
  public byte[] sign(byte[] octets) throws AuditUnavailableException {
    if (keyAway) {
      throw new AuditUnavailableException("taken away by the test");
    }
    try {
      Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
      signature.initSign(pair.getPrivate());
      signature.update(octets);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  AuditLog open() throws IOException {
    return AuditLogs.open(AuditSettings.of(folder, 64, 366), this, clock, () -> true, "1.0");
  }

  /** Writes events between a start and a stop, at that time. */
  void write(InstantSource time, AuditEvent... events)
      throws IOException, AuditUnavailableException {
    clock = time;
    try (AuditLog log = open()) {
      for (AuditEvent event : events) {
        log.require(event);
      }
    }
  }

  void write(AuditEvent... events) throws IOException, AuditUnavailableException {
    write(InstantSource.fixed(CliRun.NOW), events);
  }

  static AuditEvent.Decision issued(String module, int pid, String serial) {
    return new AuditEvent.Decision(
        AuditEvent.Outcome.ISSUED,
        "ok",
        "",
        new AuditEvent.Asked(module, "1", "certificate", "unix"),
        new AuditEvent.Who(
            pid,
            1000,
            1000,
            List.of(4L, 24L),
            Optional.of("/usr/bin/web"),
            Optional.of("/w.slice")),
        List.of(new AuditEvent.Selector("unix:uid:1000", "uid 1000", "yes")),
        List.of(serial),
        List.of(),
        Optional.of(CliRun.NOW.plusSeconds(3600)));
  }

  static AuditEvent.Decision ended(
      AuditEvent.Outcome outcome, String module, int pid, String detail) {
    return new AuditEvent.Decision(
        outcome,
        outcome == AuditEvent.Outcome.REFUSED ? "selector-mismatch" : "attestation-unavailable",
        detail,
        new AuditEvent.Asked(module, "token", "unix"),
        new AuditEvent.Who(pid, 8, 9, Optional.of("/usr/bin/x"), Optional.empty()),
        List.of(
            new AuditEvent.Selector("unix:uid:1000", "uid 8", "no"),
            new AuditEvent.Selector("container:name:w", "", "unavailable")),
        List.of(),
        List.of());
  }

  /** The first file of the log. */
  Path file() throws IOException {
    try (var files = Files.newDirectoryStream(folder, "*.jsonl")) {
      List<Path> found = new ArrayList<>();
      files.forEach(found::add);
      return found.stream().sorted().findFirst().orElseThrow();
    }
  }

  List<String> lines() throws IOException {
    return Files.readAllLines(file(), StandardCharsets.US_ASCII);
  }

  void replace(List<String> lines) throws IOException {
    Files.writeString(file(), String.join("\n", lines) + "\n", StandardCharsets.US_ASCII);
  }

  CliRun.Ended run(String... args) {
    return CliRun.at(home).run(args);
  }
}
