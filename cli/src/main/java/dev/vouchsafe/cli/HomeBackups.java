package dev.vouchsafe.cli;

import dev.vouchsafe.api.Backups;
import dev.vouchsafe.audit.AuditLog;
import dev.vouchsafe.ca.BackupSealer;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.cli.backup.BackupManifest;
import dev.vouchsafe.cli.backup.BackupNames;
import dev.vouchsafe.cli.backup.BackupWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Makes backups of a home while its service runs: the ledger as of one moment, and then the files
 * beside it, which are never older than what the ledger says of them.
 */
final class HomeBackups implements Backups {
  private static final int ID_OCTETS = 16;
  private static final String PART = ".part";
  private static final long MIB = 1024L * 1024;
  private static final long RESERVE = 2 * MIB;

  private final Home home;
  private final Configuration configuration;
  private final CertificateAuthority authority;
  private final AuditLog audit;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final ReentrantLock making = new ReentrantLock();

  private HomeBackups(
      Home home,
      Configuration configuration,
      CertificateAuthority authority,
      AuditLog audit,
      InstantSource clock) {
    this.home = home;
    this.configuration = configuration;
    this.authority = authority;
    this.audit = audit;
    this.clock = clock;
  }

  /** Those of that home. What a process before this one left of one is removed. */
  static HomeBackups of(
      Home home,
      Configuration configuration,
      CertificateAuthority authority,
      AuditLog audit,
      InstantSource clock) {
    HomeBackups backups = new HomeBackups(home, configuration, authority, audit, clock);
    try {
      DurableFiles.deleteTree(home.backups());
    } catch (IOException e) {
      System.getLogger(HomeBackups.class.getName())
          .log(System.Logger.Level.WARNING, "an old backup can''t be removed: {0}", e.getMessage());
    }
    return backups;
  }

  /** The name of the file of a backup. */
  static String file(String id) {
    return "backup-" + id + ".zip";
  }

  @Override
  public Made make() throws IOException, IssuanceException {
    if (!making.tryLock()) {
      throw new IOException("another backup is being made: wait for its end");
    }
    boolean made = false;
    try {
      DurableFiles.deleteTree(home.backups());
      requireRoom();
      DurableFiles.folder(home.backups(), "rwx------");
      Made backup = write();
      made = true;
      return backup;
    } finally {
      try {
        if (!made) {
          DurableFiles.deleteTree(home.backups());
        }
      } finally {
        making.unlock();
      }
    }
  }

  /** A backup must not take the disk from the ledger: it needs it twice, and as much stays free. */
  private void requireRoom() throws IOException {
    long ledger = Files.size(home.data().resolve("ca.db"));
    Path log = home.data().resolve("ca.db-wal");
    ledger += Files.exists(log) ? Files.size(log) : 0;
    long wanted = 3 * ledger + RESERVE;
    long free = Files.getFileStore(home.data()).getUsableSpace();
    if (free < wanted) {
      throw new IOException(
          "the data folder has room for "
              + free / MIB
              + " MiB, and a backup takes "
              + wanted / MIB
              + " MiB for a moment: make room");
    }
  }

  private Made write() throws IOException, IssuanceException {
    byte[] octets = new byte[ID_OCTETS];
    random.nextBytes(octets);
    String id = HexFormat.of().formatHex(octets);
    // Before the ledger is copied: what is delivered from now on may not be in it.
    Instant known = clock.instant();
    BackupSealer sealer = authority.recovery().copy(home.backups());
    Path copy = home.backups().resolve("ca.db");
    Path file = home.backups().resolve(file(id));
    Path part = home.backups().resolve(file(id) + PART);
    GatewayIdentity identity = configuration.gateway();
    try (BackupWriter writer = BackupWriter.create(part)) {
      writer.add(BackupNames.LEDGER, copy);
      Files.delete(copy);
      addData(writer);
      addRegistrations(writer);
      if (Files.isRegularFile(home.configuration())) {
        writer.add(BackupNames.CONFIGURATION, home.configuration().toRealPath());
      }
      String checkpoint = audit.status().checkpoint().orElse("");
      writer.finish(
          files ->
              new BackupManifest(
                  id,
                  known,
                  identity.deviceId(),
                  identity.trustDomain(),
                  new BuildInfo().version(),
                  checkpoint,
                  sealer,
                  files),
          authority.recovery()::sign);
    }
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    DurableFiles.sync(home.backups());
    return new Made(
        id,
        file,
        Files.size(file),
        known,
        NotInBackup.of(home, StoreFolders.of(home), configuration.keys()));
  }

  private void addData(BackupWriter writer) throws IOException {
    for (String name : BackupNames.FILES) {
      Path file = home.data().resolve(name);
      if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        writer.add(BackupNames.DATA + name, file);
      }
    }
    for (StoreFolders.Found store : StoreFolders.of(home).all()) {
      addFolder(writer, store.folder());
    }
    addFolder(writer, home.data().resolve("crl"));
  }

  /** The files of a folder of the data folder. One that is half made has another name. */
  private void addFolder(BackupWriter writer, Path folder) throws IOException {
    String prefix = BackupNames.DATA + folder.getFileName() + "/";
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    for (Path file : files(folder)) {
      String name = prefix + file.getFileName();
      if (BackupNames.isAllowed(name)) {
        writer.add(name, file);
      }
    }
  }

  private void addRegistrations(BackupWriter writer) throws IOException {
    if (!Files.isDirectory(home.registrations())) {
      return;
    }
    for (Path file : files(home.registrations())) {
      String name = BackupNames.REGISTRATIONS + file.getFileName();
      if (BackupNames.isAllowed(name)) {
        writer.add(name, file);
      }
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    try (var entries =
        Files.newDirectoryStream(
            folder, entry -> Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS))) {
      entries.forEach(files::add);
    }
    files.sort(null);
    return files;
  }
}
