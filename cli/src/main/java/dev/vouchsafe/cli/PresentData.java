package dev.vouchsafe.cli;

import dev.vouchsafe.audit.AuditKeys;
import dev.vouchsafe.audit.AuditReport;
import dev.vouchsafe.audit.AuditVerifier;
import dev.vouchsafe.ca.BackupSealer;
import dev.vouchsafe.ca.Restoration;
import dev.vouchsafe.ca.clock.ClockSettings;
import dev.vouchsafe.ca.clock.ClockStatus;
import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.trust.TrustBundle;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * The data folder that a restore replaces, held against the one that is being built. Nothing in it
 * is changed; what must not go back is copied.
 */
final class PresentData {
  private static final String LEDGER = "ca.db";

  /** What a bundle says apart from this is not asked. */
  private static final Duration ANY_HINT = Duration.ofHours(1);

  /** So many versions at least may have been published since a backup. */
  private static final long VERSIONS_PASSED = 1000;

  private final Home home;
  private final Path building;
  private final Console console;

  /**
   * @param building the data folder that is being built, with what the backup has
   */
  PresentData(Home home, Path building, Console console) {
    this.home = home;
    this.building = building;
    this.console = console;
  }

  boolean isThere() {
    return exists(home.data());
  }

  /** What it knows and the backup does not, for people. */
  List<String> lost() throws IOException {
    List<X509Certificate> roots = bundle(home.bundle()).map(TrustBundle::roots).orElse(List.of());
    List<String> lost = new ArrayList<>();
    boolean used = exists(home.bundle()) || !StoreFolders.of(home).all().isEmpty();
    if (used && !exists(home.data().resolve(LEDGER))) {
      lost.add("the present data has no ledger any more, so what it knew is lost");
    }
    lost.addAll(Restoration.lost(building, home.data(), roots));
    return lost;
  }

  /**
   * Throws unless the audit log that is there, if one is, may go on by the key of the backup.
   * Another gateway's would be taken for a changed one later; what it says is for a person to keep.
   */
  void requireOwnAudit(BackupSealer sealer) throws IOException, CommandFailure {
    if (!exists(home.audit())) {
      return;
    }
    if (!Files.isDirectory(home.audit(), LinkOption.NOFOLLOW_LINKS)) {
      throw CommandFailure.failed(
          home.audit() + " is no folder: put the audit log itself there; nothing was changed");
    }
    Path file = home.audit().resolve(AuditKeys.FILE);
    if (!exists(file)) {
      return;
    }
    String key;
    try {
      key = Base64.getEncoder().encodeToString(AuditKeys.read(file).getEncoded());
    } catch (IOException e) {
      throw CommandFailure.failed(
          "the key beside the audit log can't be read: "
              + Causes.of(e)
              + "; move it away if the log is this gateway's (nothing was changed)",
          e);
    }
    if (!key.equals(sealer.publicKey())) {
      throw CommandFailure.refused(
          "the audit log in "
              + home.audit()
              + " is signed by another key than the backup's: it is another gateway's, or was"
              + " changed. Look at it (vouchsafe audit verify --log "
              + home.audit()
              + "), move it away, and restore again; then a new one begins (nothing was changed)");
    }
  }

  /** How the log that was copied stands, for people; nothing where nothing is wrong. */
  List<String> auditFindings(Optional<String> checkpoint) {
    Path log = building.resolve(home.audit().getFileName());
    try {
      ECPublicKey key = AuditKeys.read(log.resolve(AuditKeys.FILE));
      AuditReport report = AuditVerifier.verify(log, key, checkpoint, octets -> {});
      List<String> told = new ArrayList<>();
      if (report.compared() == AuditReport.Compared.DIFFERS) {
        told.add(
            "the audit log lacks what it had when the backup was made: it is an older copy, or its"
                + " end was cut off; it goes on from where it ends");
      } else if (!report.sound()) {
        told.add("the audit log is not sound: see vouchsafe audit verify; it goes on all the same");
      }
      return told;
    } catch (IOException e) {
      return List.of("whether the audit log is sound can't be told: " + Causes.of(e));
    }
  }

  /** The latest moment that it knows to have passed. */
  Optional<Instant> floor() {
    return exists(home.clock()) ? floor(home.clock()) : Optional.empty();
  }

  private Optional<Instant> floor(Path file) {
    ClockStatus status =
        TrustedClocks.examine(
            new ClockSettings(file, Instant.EPOCH, ClockSettings.Untrusted.BOUNDED),
            console.clock(),
            Optional::empty);
    return status.fault().isPresent() ? Optional.empty() : Optional.of(status.floor());
  }

  /**
   * Copies what must not go back: the later floor of the time, the later bundle with its readers,
   * the audit log, what offline verifiers read of revoked tokens, and the records of stores that
   * the backup doesn't have.
   */
  void carryOver() throws IOException {
    if (isThere()) {
      Path clock = building.resolve(home.clock().getFileName());
      Optional<Instant> backups = exists(clock) ? floor(clock) : Optional.empty();
      if (backups.isEmpty() || floor().filter(it -> !it.isBefore(backups.get())).isPresent()) {
        take(home.clock());
      }
      take(home.revokedTokens());
      copyFolder(home.audit());
      for (StoreFolders.Found store : StoreFolders.of(home).all()) {
        if (!exists(building.resolve(store.folder().getFileName()))) {
          copyFolder(store.folder());
        }
      }
    }
    bundle();
  }

  /** Readers keep the newest that they have seen: an older one must not take its number. */
  private void bundle() throws IOException {
    Path file = building.resolve(home.bundle().getFileName());
    Optional<TrustBundle> present = bundle(home.bundle());
    Optional<TrustBundle> backups = bundle(file);
    if (present.isPresent()
        && backups.filter(it -> it.sequence() > present.get().sequence()).isEmpty()) {
      take(home.bundle());
      take(home.bundleReaders());
    } else if (present.isEmpty() && backups.isPresent()) {
      // By the time as well, which goes on also where one backup is restored again and again.
      TrustBundleStore.passOver(
          file,
          Math.max(
              backups.get().sequence() + VERSIONS_PASSED,
              console.clock().instant().getEpochSecond()));
    }
  }

  private static Optional<TrustBundle> bundle(Path file) {
    try {
      return Optional.of(TrustBundleStore.read(file, ANY_HINT));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private void take(Path file) throws IOException {
    if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      Files.copy(
          file,
          building.resolve(file.getFileName()),
          StandardCopyOption.REPLACE_EXISTING,
          StandardCopyOption.COPY_ATTRIBUTES,
          LinkOption.NOFOLLOW_LINKS);
    }
  }

  private void copyFolder(Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Path target = building.resolve(folder.getFileName());
    DurableFiles.folder(target, "rwx------");
    try (var files =
        Files.newDirectoryStream(
            folder, entry -> Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS))) {
      for (Path file : files) {
        Files.copy(
            file,
            target.resolve(file.getFileName()),
            StandardCopyOption.COPY_ATTRIBUTES,
            LinkOption.NOFOLLOW_LINKS);
      }
    }
  }

  private static boolean exists(Path path) {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }
}
