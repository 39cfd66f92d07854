package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.ca.BackupSealer;
import dev.vouchsafe.cli.backup.BackupManifest;
import dev.vouchsafe.cli.backup.BackupNames;
import dev.vouchsafe.cli.backup.BackupWriter;
import dev.vouchsafe.trust.TrustBundle;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A restore over data that is newer, damaged, in part another gateway's, or by a hostile file. */
class HostileRestoreTest {
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

  /** Serves for a moment, and makes a backup then. */
  private void backUp(Path file) throws Exception {
    try (ServiceProcess service = serve()) {
      done("backup", "--out", file.toString());
      stop(service);
    }
  }

  private void assertRefused(int code, String... texts) {
    CliRun.Ended ended = run("restore", backup.toString());
    assertThat(ended.code()).as(ended.err()).isEqualTo(code);
    assertThat(ended.err()).contains(texts).doesNotContain("internal error");
    assertThat(home.restoreStage().resolve("data")).doesNotExist();
  }

  private long sequence() throws IOException {
    return bundle().sequence();
  }

  private TrustBundle bundle() throws IOException {
    return TrustBundleStore.read(home.bundle(), Duration.ofHours(1));
  }

  private static String floor(Instant time) throws Exception {
    String head = "vouchsafe-clock-floor 1\nfloor " + time + "\n";
    byte[] sum =
        MessageDigest.getInstance("SHA-256").digest(head.getBytes(StandardCharsets.ISO_8859_1));
    return head + "sha256 " + HexFormat.of().formatHex(sum) + "\n";
  }

  @Test
  void theLaterTrustBundleAndTheLaterFloorOfTheTimeStayWhoeverHasThem() throws Exception {
    byte[] first = Files.readAllBytes(home.bundle());
    Path other = folder.resolve("o");
    assertThat(CliRun.at(other).clock(Clock.systemUTC()).run("init").code()).isZero();
    Path ca = folder.resolve("other.pem");
    assertThat(
            CliRun.at(other)
                .clock(Clock.systemUTC())
                .run("bundle", "export", "--out", ca.toString())
                .code())
        .isZero();
    try (ServiceProcess service = serve()) {
      done("bundle", "add", ca.toString());
      done("backup", "--out", backup.toString());
      stop(service);
    }
    long published = sequence();
    assertThat(published).isGreaterThan(1);
    // A home that is older than the backup, as after the restore of an older one.
    Files.write(home.bundle(), first);
    Instant floor = Instant.parse("2040-01-01T00:00:00Z");
    Files.writeString(home.clock(), floor(floor));
    done("restore", backup.toString());
    assertThat(sequence()).isEqualTo(published);
    assertThat(bundle().extra()).hasSize(1);
    assertThat(Files.readString(home.clock())).contains("2040-01-01");

    // And the other way round, by a clock that is behind.
    Files.writeString(home.clock(), floor(Instant.parse("2020-01-01T00:00:00Z")));
    CliRun.Ended behind =
        CliRun.at(root)
            .clock(Clock.fixed(Instant.parse("2019-01-01T00:00:00Z"), ZoneOffset.UTC))
            .run("restore", backup.toString(), "--accept-gap");
    assertThat(behind.code()).as(behind.err()).isZero();
    assertThat(Files.readString(home.clock())).doesNotContain("2020-01-01");
    assertThat(sequence()).isEqualTo(published);
  }

  @Test
  void intoALostHomeTheTrustBundleComesAfterAllThatWasPublished() throws Exception {
    backUp(backup);
    TrustBundle before = bundle();
    DurableFiles.deleteTree(home.data());
    done("restore", backup.toString());
    long once = sequence();
    assertThat(once).isGreaterThan(before.sequence() + 999);
    assertThat(bundle().content()).isEqualTo(before.content());
    DurableFiles.deleteTree(home.data());
    done("restore", backup.toString());
    assertThat(sequence()).isGreaterThanOrEqualTo(once);
    try (ServiceProcess service = serve()) {
      assertThat(done("bundle", "show").out()).contains(Long.toString(sequence()));
      stop(service);
    }
  }

  @Test
  void aDamagedLedgerAndOneThatIsGoneAreToldAndRestoredOverWhenAccepted() throws Exception {
    backUp(backup);
    Path ledger = home.data().resolve("ca.db");
    byte[] whole = Files.readAllBytes(ledger);
    byte[] damaged = whole.clone();
    Arrays.fill(damaged, 0, 4096, (byte) 0);
    Files.write(ledger, damaged);
    assertRefused(3, "can't be read, so what it knows is lost", "--accept-gap");
    assertThat(Files.readAllBytes(ledger)).isEqualTo(damaged);

    Files.write(ledger, Arrays.copyOf(whole, whole.length / 2));
    assertRefused(3, "present ledger", "--accept-gap");

    Files.delete(ledger);
    assertRefused(3, "has no ledger any more", "--accept-gap");
    assertThat(done("restore", backup.toString(), "--accept-gap").out()).contains("forgotten: ");
    try (ServiceProcess service = serve()) {
      Await.until(() -> run("ca", "show").out().matches("(?s).*device-[0-9]{4,}.*"));
      stop(service);
    }
  }

  @Test
  void theAuditLogOfAnotherGatewayIsNotGoneOnWithAndOneThatWasCutIsTold() throws Exception {
    try (ServiceProcess service = serve()) {
      stop(service);
    }
    backUp(backup);
    Path own = folder.resolve("own-audit");
    Files.move(home.audit(), own);
    Path other = folder.resolve("o");
    assertThat(CliRun.at(other).clock(Clock.systemUTC()).run("init").code()).isZero();
    try (ServiceProcess service =
        ServiceProcess.start(other, folder.resolve("log"), List.of(), "serve")) {
      assertThat(service.line()).startsWith("ready ");
      stop(service);
    }
    copy(Home.at(other).audit(), home.audit());
    assertRefused(3, "is signed by another key than the backup's", "move it away");
    assertThat(run("restore", backup.toString(), "--accept-gap").code()).isEqualTo(3);
    DurableFiles.deleteTree(home.audit());

    Files.createSymbolicLink(home.audit(), own);
    assertRefused(1, "is no folder");
    Files.delete(home.audit());

    copy(own, home.audit());
    try (Stream<Path> files = Files.list(home.audit())) {
      for (Path file : files.filter(it -> it.toString().endsWith(".jsonl")).toList()) {
        Files.delete(file);
      }
    }
    assertThat(done("restore", backup.toString()).out())
        .containsPattern("the audit log (is not sound|lacks what it had when the backup was made)");
    DurableFiles.deleteTree(home.audit());
    copy(own, home.audit());
    assertThat(done("restore", backup.toString(), "--accept-gap").out())
        .doesNotContain("audit log lacks", "begins anew", "not sound");
  }

  private static void copy(Path from, Path to) throws IOException {
    DurableFiles.folder(to, "rwx------");
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }

  @Test
  void backupAndRestoreNameWhatIsNotInTheFile() throws Exception {
    String secret = "what opens the sealed keys: " + home.sealKey();
    try (ServiceProcess service = serve()) {
      assertThat(done("backup", "--out", backup.toString()).out())
          .contains("not in it: keep " + secret, "not in it: keep the audit log");
      JsonNode json =
          done("-o", "json", "backup", "--out", folder.resolve("c.zip").toString()).json();
      assertThat(json.path("lacks").path(0).asText()).isEqualTo(secret);
      stop(service);
    }
    JsonNode restored = done("-o", "json", "restore", backup.toString()).json();
    assertThat(restored.path("lacks").path(0).asText()).isEqualTo(secret);
    assertThat(done("restore", backup.toString(), "--accept-gap").out())
        .contains("not in it, and used as it is: " + secret);
  }

  @Test
  void whatIsTakenOutOfAFileThatNobodyHasProvedIsLittle() throws Exception {
    Path zeros = folder.resolve("zeros");
    Files.write(zeros, new byte[1024 * 1024]);
    DurableFiles.deleteTree(home.data());
    Configuration configuration = ConfigurationFile.read(home);
    try (BackupWriter writer = BackupWriter.create(backup)) {
      writer.add(BackupNames.LEDGER, zeros);
      for (int i = 0; i < 65; i++) {
        writer.add(BackupNames.DATA + "keys/" + i, zeros);
      }
      writer.finish(
          files ->
              new BackupManifest(
                  "0".repeat(32),
                  Instant.EPOCH,
                  configuration.gateway().deviceId(),
                  configuration.gateway().trustDomain(),
                  "1",
                  "",
                  new BackupSealer("software", "QUJD", "QUJD"),
                  files),
          manifest -> new byte[64]);
    }
    assertRefused(1, "more files of key stores than a gateway has");
    assertThat(home.data()).doesNotExist();
  }
}
