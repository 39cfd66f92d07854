package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backup and restore with the real service. */
class BackupRestoreTest {
  @TempDir Path folder;
  private Path root;
  private Home home;
  private Path backup;

  @BeforeEach
  void makeAHome() throws Exception {
    root = folder.resolve("h");
    home = Home.at(root);
    backup = folder.resolve("b.zip");
    assertThat(run("init").code()).isZero();
    Files.writeString(
        home.configuration(),
        Files.readString(home.configuration())
            .replace("[listen]\n", "[listen]\nhttps = \"127.0.0.1:0\"\n"));
    CliRun.Ended added =
        run(
            "module",
            "add",
            "web",
            "--profile",
            "server",
            "--dns",
            "a.example",
            "--audience",
            "hub.example",
            "--selector",
            "unix:uid:" + FileTrust.ownUser());
    assertThat(added.code()).as(added.err()).isZero();
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(root).clock(Clock.systemUTC()).run(args);
  }

  private CliRun.Ended done(String... args) {
    CliRun.Ended ended = run(args);
    assertThat(ended.code()).as("%s: %s", List.of(args), ended.err()).isZero();
    return ended;
  }

  private ServiceProcess serve() throws IOException {
    ServiceProcess service = ServiceProcess.start(root, folder.resolve("log"), List.of(), "serve");
    assertThat(service.line())
        .as("%s", Files.readString(folder.resolve("log")))
        .startsWith("ready ");
    return service;
  }

  private static void stop(ServiceProcess service) throws Exception {
    service.signal("TERM");
    assertThat(service.ended()).isZero();
  }

  private String issued() throws IOException {
    return done("fetch", "certificate", "--profile", "server", "-o", "json")
        .json()
        .path("serial")
        .asText();
  }

  private JsonNode authorities() throws IOException {
    return done("ca", "show", "-o", "json").json();
  }

  private static String active(JsonNode authorities) {
    for (JsonNode item : authorities.path("items")) {
      if (item.path("role").asText().equals("device")
          && item.path("state").asText().equals("active")) {
        return item.path("id").asText();
      }
    }
    throw new AssertionError("no device CA is active");
  }

  private static Map<String, String> states(JsonNode authorities) {
    Map<String, String> states = new HashMap<>();
    authorities
        .path("items")
        .forEach(item -> states.put(item.path("id").asText(), item.path("state").asText()));
    return states;
  }

  private static int generation(String id) {
    return Integer.parseInt(id.substring("device-".length()));
  }

  private List<Path> aside() throws IOException {
    try (Stream<Path> entries = Files.list(root)) {
      return entries.filter(it -> it.getFileName().toString().startsWith("data.aside-")).toList();
    }
  }

  @Test
  void aBackupMadeUnderLoadKnowsAllThatWasDeliveredBeforeItBegan() throws Exception {
    List<String> before = new ArrayList<>();
    try (ServiceProcess service = serve()) {
      for (int i = 0; i < 5; i++) {
        before.add(issued());
      }
      Thread load =
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < 20; i++) {
                  run("fetch", "certificate", "--profile", "server");
                }
              });
      done("backup", "--out", backup.toString());
      load.join();
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(backup)))
          .isEqualTo("rw-------");
      assertThat(home.backups()).isEmptyDirectory();
      CliRun.Ended again = run("backup", "--out", backup.toString());
      assertThat(again.code()).isEqualTo(1);
      assertThat(again.err()).contains("is left as it is");
      assertThat(run("restore", backup.toString()).err()).contains("another service runs");
      stop(service);
    }
    assertNoSecretIn(backup);
    Files.move(home.data(), folder.resolve("lost"));
    CliRun.Ended restored = done("restore", backup.toString());
    assertThat(restored.out()).contains("restore --accept-gap", "the registrations stay");
    try (ServiceProcess service = serve()) {
      for (String serial : before) {
        done("cert", "show", serial);
      }
      assertNothingIsIssued();
      done("restore", "--accept-gap");
      assertIssuedByANewGeneration();
      assertThat(run("restore", "--accept-gap").err()).contains("no gap to accept");
      stop(service);
    }
    // And for good.
    try (ServiceProcess service = serve()) {
      assertIssuedByANewGeneration();
      stop(service);
    }
    assertThat(run("audit", "verify").out()).contains("The log is sound");
  }

  private void assertNoSecretIn(Path zip) throws IOException {
    byte[] secret = Files.readAllBytes(home.sealKey());
    assertThat(new String(Files.readAllBytes(zip), StandardCharsets.ISO_8859_1))
        .doesNotContain(new String(secret, StandardCharsets.ISO_8859_1).strip());
  }

  private void assertNothingIsIssued() throws IOException {
    CliRun.Ended refused = run("fetch", "certificate", "--profile", "server");
    assertThat(refused.code()).as("unavailable, not refused: %s", refused.err()).isEqualTo(4);
    assertThat(refused.err()).contains("gap-not-accepted");
    assertThat(run("fetch", "token", "--audience", "hub.example").code()).isEqualTo(4);
    assertThat(run("fetch", "bundle").code()).isZero();
    CliRun.Ended check = run("check");
    assertThat(check.code()).isEqualTo(1);
    assertThat(check.out()).contains("FAIL  gap", "nothing is issued", "--accept-gap");
    assertThat(run("ca", "status").out()).contains("nothing is issued", "--accept-gap");
    assertThat(active(authorities())).isEqualTo("device-1");
    CliRun.Ended step = run("ca", "prepare");
    assertThat(step.code()).as(step.err()).isEqualTo(4);
    assertThat(step.err()).contains("gap-not-accepted", "--accept-gap");
  }

  private void assertIssuedByANewGeneration() throws IOException {
    JsonNode shown = done("cert", "show", issued(), "-o", "json").json();
    String id = active(authorities());
    assertThat(generation(id)).isGreaterThan(1001);
    assertThat(shown.path("authority").asText()).startsWith(id);
    assertThat(run("check").out()).contains("WARN  gap").doesNotContain("FAIL  gap");
    assertThat(run("ca", "status").out()).contains("is not in the ledger and may live until");
    assertThat(run("fetch", "token", "--audience", "hub.example").code()).isZero();
  }

  @Test
  void anOldStateNeverTakesThePlaceOfANewerOneSilentlyAndWhatWasRevokedStaysRevoked()
      throws Exception {
    String known;
    String unknown;
    try (ServiceProcess service = serve()) {
      known = issued();
      done("backup", "--out", backup.toString());
      unknown = issued();
      done("cert", "revoke", known, unknown);
      done("ca", "prepare");
      done("ca", "activate");
      String _ = issued();
      done("cert", "revoke", "--module", "web");
      stop(service);
    }
    byte[] ledger = Files.readAllBytes(home.data().resolve("ca.db"));
    CliRun.Ended refused = run("restore", backup.toString());
    assertThat(refused.code()).isEqualTo(3);
    assertThat(refused.err())
        .contains("device-2 (active)", "device-1 is retiring", "2 certificates", "revoked")
        .contains("--accept-gap");
    assertThat(Files.readAllBytes(home.data().resolve("ca.db"))).isEqualTo(ledger);
    assertThat(aside()).isEmpty();

    CliRun.Ended restored = done("restore", backup.toString(), "--accept-gap");
    assertThat(restored.out())
        .contains("forgotten: ", "data.aside-", "device-2 was made after the backup");
    assertThat(aside()).hasSize(1);
    assertThat(Files.readAllBytes(aside().getFirst().resolve("ca.db"))).isEqualTo(ledger);
    try (ServiceProcess service = serve()) {
      // Its acceptance is carried out at the start.
      Await.until(() -> run("ca", "show").out().matches("(?s).*device-[0-9]{4,}.*active.*"));
      String next = active(authorities());
      assertThat(done("cert", "show", known, "-o", "json").json().path("revocation")).isNotEmpty();
      CliRun.Ended denied = run("fetch", "certificate", "--profile", "server");
      assertThat(denied.code()).isEqualTo(3);
      assertThat(denied.err()).contains("module-revoked");
      done("cert", "revoke", "--module", "web", "--allow");
      Await.until(() -> run("fetch", "certificate", "--profile", "server").code() == 0);
      JsonNode shown = done("cert", "show", issued(), "-o", "json").json();
      assertThat(shown.path("authority").asText()).isEqualTo(next);
      // Made in the gap: it signs no more, and can be revoked by its name.
      assertThat(states(authorities())).containsEntry("device-2", "retired");
      done("cert", "revoke", "--authority", "device-2");
      // Unknown to the ledger, and revoked all the same.
      assertThat(run("cert", "show", unknown).code()).isEqualTo(1);
      done("cert", "revoke", unknown);
      stop(service);
    }
    assertThat(run("audit", "verify").out()).contains("The log is sound");
  }

  @Test
  void aBackupIsNotTakenInAHomeWithAnotherSecretWithoutConfigurationOrAfterAChange()
      throws Exception {
    try (ServiceProcess service = serve()) {
      done("backup", "--out", backup.toString());
      stop(service);
    }
    Files.move(home.data(), folder.resolve("lost"));
    Path other = folder.resolve("o");
    assertThat(CliRun.at(other).clock(Clock.systemUTC()).run("init").code()).isZero();
    byte[] own = Files.readAllBytes(home.sealKey());
    Files.copy(Home.at(other).sealKey(), home.sealKey(), StandardCopyOption.REPLACE_EXISTING);
    CliRun.Ended foreign = run("restore", backup.toString(), "--accept-gap");
    assertThat(foreign.code()).isEqualTo(1);
    assertThat(foreign.err()).contains("not of this gateway and its key store");
    assertThat(home.data()).doesNotExist();
    Files.write(home.sealKey(), own);

    assertNoChangeIsTaken();

    byte[] configuration = Files.readAllBytes(home.configuration());
    Files.delete(home.configuration());
    assertThat(run("restore", backup.toString()).err()).contains("unzip -p");
    Files.writeString(
        home.configuration(),
        new String(configuration, StandardCharsets.UTF_8)
            .replaceFirst("device-id *= *\"[^\"]*\"", "device-id = \"another\""));
    assertThat(run("restore", backup.toString()).err()).contains("another gateway");
    Files.write(home.configuration(), configuration);

    // Registrations come back where there are none.
    DurableFiles.deleteTree(home.registrations());
    assertThat(done("restore", backup.toString()).out())
        .contains("the registrations of the backup, 1, were put into");
    assertThat(done("module", "list").out()).contains("web");
    assertThat(run("restore", "/nonexistent/x.zip").code()).isEqualTo(1);
    assertThat(run("restore").code()).isEqualTo(2);
  }

  @Test
  void anAuditLogThatWasCopiedByItselfGoesOnAndOneThatWasNotIsTold() throws Exception {
    try (ServiceProcess service = serve()) {
      String _ = issued();
      stop(service);
    }
    try (ServiceProcess service = serve()) {
      done("backup", "--out", backup.toString());
      stop(service);
    }
    String checkpoint = done("audit", "verify", "--print-checkpoint").out().strip();
    Path lost = folder.resolve("lost");
    Files.move(home.data(), lost);
    CliRun.Ended without = done("restore", backup.toString());
    assertThat(without.out()).contains("the audit log begins anew");
    DurableFiles.deleteTree(home.data());

    DurableFiles.folder(home.data(), "rwx------");
    Files.move(lost.resolve("audit"), home.audit());
    CliRun.Ended with = done("restore", backup.toString());
    assertThat(with.out()).doesNotContain("the audit log begins anew");
    try (ServiceProcess service = serve()) {
      done("restore", "--accept-gap");
      stop(service);
    }
    CliRun.Ended verified = run("audit", "verify", "--since-checkpoint", checkpoint);
    assertThat(verified.code()).as(verified.err()).isZero();
    assertThat(verified.out()).contains("nothing was cut off");
    assertThat(done("audit", "show").out()).contains("backup", "accept-gap");
  }

  private void assertNoChangeIsTaken() throws IOException {
    byte[] whole = Files.readAllBytes(backup);
    Path changed = folder.resolve("changed.zip");
    int step = Math.max(1, whole.length / 60);
    for (int at = 0; at < whole.length; at += step) {
      byte[] octets = whole.clone();
      octets[at] ^= 0x20;
      Files.write(changed, octets);
      // What no one reads, such as a time in a header, may change.
      CliRun.Ended ended = run("restore", changed.toString());
      if (ended.code() == 0) {
        assertThat(Files.readAllBytes(home.data().resolve("jwks.json"))).isNotEmpty();
        DurableFiles.deleteTree(home.data());
      } else {
        assertThat(ended.code()).as("octet %d: %s", at, ended.err()).isEqualTo(1);
        assertThat(ended.err()).doesNotContain("internal error");
        assertThat(home.data()).doesNotExist();
      }
      Files.write(changed, Arrays.copyOf(whole, at));
      assertThat(run("restore", changed.toString()).code()).isEqualTo(1);
      assertThat(home.data()).doesNotExist();
    }
  }
}
