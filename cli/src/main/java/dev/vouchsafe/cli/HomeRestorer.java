package dev.vouchsafe.cli;

import dev.vouchsafe.ca.CaSettings;
import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.ca.Restoration;
import dev.vouchsafe.ca.RestoreFacts;
import dev.vouchsafe.cli.backup.BackupException;
import dev.vouchsafe.cli.backup.BackupManifest;
import dev.vouchsafe.cli.backup.BackupNames;
import dev.vouchsafe.cli.backup.BackupReader;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Restores a home so that a crash at any instant leaves the old one, or the whole new one with its
 * gap.
 *
 * <p>The invariant: everything is built in a folder {@code .restore/data} beside {@code data} and
 * synced; then one rename puts it in place, which exchanges the two where there is an old one. Of
 * the backup nothing is believed before its signature was verified by a key that this machine's key
 * store has opened.
 */
final class HomeRestorer {
  private static final long LARGEST_KEY_FILE = 1024 * 1024;
  private static final String LEDGER = "ca.db";

  private final Home home;
  private final Console console;
  private final Path building;

  HomeRestorer(Home home, Console console) {
    this.home = home;
    this.console = console;
    this.building = home.restoreStage().resolve("data");
  }

  /**
   * What was restored.
   *
   * @param backup id of the backup
   * @param known all that was delivered before this moment was in it
   * @param aside where the data is that was there before
   * @param told what else a person should know
   */
  record Restored(String backup, Instant known, Optional<Path> aside, List<String> told) {}

  /**
   * Restores that backup.
   *
   * @param acceptGap whether what it doesn't know is accepted
   */
  Restored restore(Path file, boolean acceptGap) throws IOException, CommandFailure {
    requireOwner();
    Configuration configuration = configuration();
    try (BackupReader backup = BackupReader.open(file)) {
      requireOurs(configuration, backup.manifest());
      DurableFiles.folder(home.restoreStage(), "rwx------");
      try (FileChannel _ = lockStage();
          @Nullable HomeLock _ = exists(home.data()) ? HomeLock.take(home) : null) {
        try {
          return restore(backup, configuration.authority(home.data()), acceptGap);
        } finally {
          // After the exchange there is nothing; before it, half a home or one that is not wanted.
          DurableFiles.deleteTree(building);
        }
      }
    } catch (BackupException e) {
      throw CommandFailure.failed(Causes.of(e) + "; nothing was changed", e);
    }
  }

  /** What another user made in the folder, be it root, the service could not open later. */
  private void requireOwner() throws IOException, CommandFailure {
    Path folder = Home.parent(home.data());
    if (!Files.isDirectory(folder)) {
      throw CommandFailure.failed(
          folder
              + " is not there: make it, put vouchsafe.toml and seal.key in place, and try again");
    }
    FileTrust.requireFolder("the home", folder);
    long owner = FileTrust.owner(exists(home.data()) ? home.data() : folder);
    if (owner != FileTrust.ownUser()) {
      throw CommandFailure.failed(
          "run this as the user that the home belongs to (user id "
              + owner
              + "), such as with `runuser`; nothing was changed");
    }
  }

  /** Not that of the backup: it names libraries to load, and nobody has proved it yet. */
  private Configuration configuration() throws CommandFailure {
    if (!exists(home.configuration())) {
      throw CommandFailure.failed(
          home.configuration()
              + " is not there: take it out of the backup (`unzip -p FILE vouchsafe.toml`), look at"
              + " it, and put it in place with what it names, such as "
              + home.sealKey());
    }
    try {
      return ConfigurationFile.read(home);
    } catch (ConfigurationException e) {
      throw CommandFailure.failed(e.getMessage() + "; nothing was changed", e);
    }
  }

  private static void requireOurs(Configuration configuration, BackupManifest manifest)
      throws CommandFailure {
    if (!manifest.deviceId().equals(configuration.gateway().deviceId())
        || !manifest.trustDomain().equals(configuration.gateway().trustDomain())) {
      throw CommandFailure.failed(
          "the backup is of another gateway than vouchsafe.toml names: of "
              + Shell.quoted(manifest.deviceId())
              + " in "
              + Shell.quoted(manifest.trustDomain())
              + "; nothing was changed");
    }
  }

  private FileChannel lockStage() throws IOException, CommandFailure {
    FileChannel channel =
        FileChannel.open(
            home.restoreStage().resolve("lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE);
    FileLock lock = null;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      channel.close();
      throw CommandFailure.failed("another restore of this home is under way; wait for its end");
    }
    return channel;
  }

  private Restored restore(BackupReader backup, CaSettings settings, boolean acceptGap)
      throws IOException, CommandFailure {
    DurableFiles.deleteTree(building);
    DurableFiles.folder(building, "rwx------");
    // Before the proof no more than that needs, and no more of it than a key store's file has.
    extract(backup, HomeRestorer::isOfKeyStore);
    prove(backup);
    extract(backup, file -> !isOfKeyStore(file));
    requireFormat();
    List<String> told = new ArrayList<>();
    Optional<Path> present = exists(home.data()) ? Optional.of(home.data()) : Optional.empty();
    // Without a ledger the folder has nothing to lose: only an audit log was put there, perhaps.
    boolean readable = exists(home.data().resolve(LEDGER)) && requireAccepted(acceptGap, told);
    Instant now = console.clock().instant();
    told.addAll(
        Restoration.prepare(
            building,
            present.filter(it -> readable),
            present,
            new RestoreFacts(
                backup.manifest().id(),
                backup.manifest().known(),
                now,
                settings.lifetimes().leafCap(),
                acceptGap ? OptionalLong.of(FileTrust.ownUser()) : OptionalLong.empty()),
            SoftwareCrypto.choose()));
    if (present.isPresent()) {
      keep(present.get());
    }
    audit(backup.manifest(), told);
    DurableFiles.syncTree(building);
    registrations(backup, told);
    Optional<Path> aside = commit(present);
    return new Restored(
        backup.manifest().id(), backup.manifest().known(), aside, List.copyOf(told));
  }

  private static boolean isOfKeyStore(BackupManifest.Entry file) {
    return file.name().startsWith(BackupNames.DATA + "keys") && file.octets() <= LARGEST_KEY_FILE;
  }

  /** Throws unless the data is of the version that this program reads and writes. */
  private void requireFormat() throws IOException, CommandFailure {
    Path format = building.resolve(home.format().getFileName());
    if (!exists(format) || !Files.readString(format).strip().equals(HomeBuilder.FORMAT)) {
      throw CommandFailure.failed(
          "the data in the backup is of another version than "
              + HomeBuilder.FORMAT
              + ": use the release that made it; nothing was changed");
    }
    // Also the ledger: what is wrong with it is not to be taken for the present one's fault.
    var _ = CertificateAuthorities.newest(building);
  }

  private void extract(BackupReader backup, Predicate<BackupManifest.Entry> which)
      throws IOException {
    for (BackupManifest.Entry file : backup.manifest().files()) {
      if (file.name().startsWith(BackupNames.DATA) && which.test(file)) {
        Path target = building.resolve(file.name().substring(BackupNames.DATA.length()));
        DurableFiles.folder(Home.parent(target), "rwx------");
        backup.extract(file, target);
      }
    }
  }

  private void prove(BackupReader backup) throws CommandFailure {
    SoftwareCrypto crypto = SoftwareCrypto.choose();
    try (KeyStores stores =
        new KeyStores(
            new StoreFolders(building, home.sealKey(), home.tpmAuthKey()),
            () -> ConfigurationFile.read(home).keys(),
            console.environment(),
            crypto)) {
      Restoration.prove(
          backup.manifest().sealer(), stores, crypto, backup.signed(), backup.signature());
    } catch (KeyFault.Unavailable e) {
      throw CommandFailure.unavailable(
          "the key store is away, so the backup can't be proved: " + Causes.text(e), e);
    } catch (KeyFault e) {
      throw CommandFailure.failed(
          "the backup is not of this gateway and its key store, or was changed: "
              + Causes.text(e)
              + "; nothing was changed",
          e);
    }
  }

  /** Says what would be forgotten; whether the present ledger can be read. */
  private boolean requireAccepted(boolean acceptGap, List<String> told) throws CommandFailure {
    List<String> lost;
    boolean readable = true;
    try {
      lost = Restoration.lost(building, home.data());
    } catch (IOException e) {
      readable = false;
      lost = List.of("the present ledger can't be read, so what it knows is lost: " + Causes.of(e));
    }
    if (!lost.isEmpty() && !acceptGap) {
      throw CommandFailure.refused(
          "the present data knows what the backup does not: "
              + String.join("; ", lost)
              + ". To restore it all the same: --accept-gap (nothing was changed)");
    }
    lost.forEach(line -> told.add("forgotten: " + line));
    return readable;
  }

  /**
   * What the present data has that must not go back: floor of the time, the bundle with its
   * sequence, its readers, the audit log, what offline verifiers read of revoked tokens, and the
   * records of stores that the backup doesn't have.
   */
  private void keep(Path present) throws IOException {
    take(present.resolve(home.clock().getFileName()));
    take(home.revokedTokens());
    if (isBundle(home.bundle())) {
      take(home.bundle());
      take(home.bundleReaders());
    }
    copyFolder(home.audit());
    for (StoreFolders.Found store : StoreFolders.of(home).all()) {
      if (!exists(building.resolve(store.folder().getFileName()))) {
        copyFolder(store.folder());
      }
    }
  }

  /** No backup holds the log; its last checkpoint tells whether a copy of it is whole. */
  private void audit(BackupManifest manifest, List<String> told) throws IOException {
    Path log = building.resolve(home.audit().getFileName());
    if (!exists(log) || isEmpty(log)) {
      told.add(
          "the audit log begins anew, since none is there"
              + (manifest.checkpoint().isEmpty()
                  ? ""
                  : "; a copy of the old one is held against the backup with: vouchsafe audit verify"
                      + " --since-checkpoint "
                      + manifest.checkpoint()));
    }
  }

  private static boolean isBundle(Path file) {
    try {
      return !TrustBundleStore.open(file, Duration.ofHours(1)).current().roots().isEmpty();
    } catch (IOException e) {
      return false;
    }
  }

  private void take(Path file) throws IOException {
    if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      Files.copy(
          file,
          building.resolve(file.getFileName()),
          StandardCopyOption.REPLACE_EXISTING,
          StandardCopyOption.COPY_ATTRIBUTES);
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
        Files.copy(file, target.resolve(file.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }

  /** Those that are there say who may have what now, and stay. */
  private void registrations(BackupReader backup, List<String> told)
      throws IOException, CommandFailure {
    if (exists(home.registrations()) && !isEmpty(home.registrations())) {
      told.add("the registrations stay as they are, in " + home.registrations());
      return;
    }
    Path parent = Home.parent(home.registrations());
    FileTrust.requireFolder("the registrations", parent);
    Path staged = parent.resolve(".registrations.restore");
    DurableFiles.deleteTree(staged);
    DurableFiles.folder(staged, "rwxr-xr-x");
    for (BackupManifest.Entry file : backup.manifest().files()) {
      if (file.name().startsWith(BackupNames.REGISTRATIONS)) {
        Path target = staged.resolve(file.name().substring(BackupNames.REGISTRATIONS.length()));
        backup.extract(file, target);
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-r--r--"));
      }
    }
    DurableFiles.syncTree(staged);
    // An empty folder gives way to it.
    Files.move(staged, home.registrations(), StandardCopyOption.ATOMIC_MOVE);
    DurableFiles.sync(parent);
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (var entries = Files.newDirectoryStream(folder)) {
      return !entries.iterator().hasNext();
    }
  }

  private Optional<Path> commit(Optional<Path> present) throws IOException, CommandFailure {
    Path parent = Home.parent(home.data());
    if (present.isEmpty()) {
      Files.move(building, home.data(), StandardCopyOption.ATOMIC_MOVE);
      DurableFiles.sync(parent);
      return Optional.empty();
    }
    Path aside = parent.resolve(home.data().getFileName() + ".aside-" + UUID.randomUUID());
    Files.move(building, aside, StandardCopyOption.ATOMIC_MOVE);
    boolean exchanged = false;
    try {
      DurableFiles.sync(parent);
      new SystemCalls().exchange(aside, home.data());
      exchanged = true;
    } finally {
      if (!exchanged) {
        // Still the new one: the old data is where it was.
        Files.move(aside, building, StandardCopyOption.ATOMIC_MOVE);
      }
    }
    DurableFiles.sync(parent);
    return Optional.of(aside);
  }

  private static boolean exists(Path path) {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }
}
