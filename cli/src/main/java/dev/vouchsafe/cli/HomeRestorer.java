package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityProof;
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
import java.time.Instant;
import java.time.temporal.ChronoUnit;
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
  private static final long MOST_OF_KEYS = 64 * LARGEST_KEY_FILE;

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
   * @param lacks what was not in it, and is used as it is here
   */
  record Restored(
      String backup, Instant known, Optional<Path> aside, List<String> told, List<String> lacks) {}

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
          return restore(backup, configuration, acceptGap);
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

  private Restored restore(BackupReader backup, Configuration configuration, boolean acceptGap)
      throws IOException, CommandFailure {
    DurableFiles.deleteTree(building);
    DurableFiles.folder(building, "rwx------");
    BackupManifest manifest = backup.manifest();
    // Before the proof no more than that needs, and no more of it than key stores have.
    requireFew(manifest);
    extract(backup, HomeRestorer::isOfKeyStore);
    SoftwareCrypto crypto = SoftwareCrypto.choose();
    try (KeyStores stores = stores(crypto)) {
      prove(backup, stores, crypto);
      extract(backup, file -> !isOfKeyStore(file));
      requireFormat();
      return restore(backup, configuration, stores, acceptGap);
    }
  }

  private Restored restore(
      BackupReader backup, Configuration configuration, KeyStores stores, boolean acceptGap)
      throws IOException, CommandFailure {
    BackupManifest manifest = backup.manifest();
    SoftwareCrypto crypto = SoftwareCrypto.choose();
    CaSettings settings = configuration.authority(building);
    List<String> told = new ArrayList<>();
    PresentData present = new PresentData(home, building, console);
    Optional<Path> data = present.isThere() ? Optional.of(home.data()) : Optional.empty();
    if (data.isPresent()) {
      present.requireOwnAudit(manifest.sealer());
      told.addAll(requireAccepted(present.lost(), acceptGap));
    }
    told.addAll(
        Restoration.prepare(
            building,
            data,
            new RestoreFacts(
                manifest.id(),
                manifest.known(),
                now(present),
                settings.longestLife(),
                acceptGap ? OptionalLong.of(FileTrust.ownUser()) : OptionalLong.empty()),
            crypto));
    present.carryOver();
    told.addAll(audit(manifest, present));
    told.addAll(keys(settings, stores, crypto));
    List<String> lacks =
        NotInBackup.of(
            home,
            new StoreFolders(building, home.sealKey(), home.tpmAuthKey()),
            configuration.keys());
    DurableFiles.syncTree(building);
    registrations(backup, told);
    Optional<Path> aside = commit(data);
    return new Restored(
        manifest.id(),
        manifest.known().truncatedTo(ChronoUnit.SECONDS),
        aside,
        List.copyOf(told),
        lacks);
  }

  /** A clock that is behind what was known before says nothing of when this is. */
  private Instant now(PresentData present) {
    Instant clock = console.clock().instant();
    return present.floor().filter(clock::isBefore).orElse(clock);
  }

  private KeyStores stores(SoftwareCrypto crypto) {
    return new KeyStores(
        new StoreFolders(building, home.sealKey(), home.tpmAuthKey()),
        () -> ConfigurationFile.read(home).keys(),
        console.environment(),
        crypto);
  }

  private static boolean isOfKeyStore(BackupManifest.Entry file) {
    return file.name().startsWith(BackupNames.DATA + "keys") && file.octets() <= LARGEST_KEY_FILE;
  }

  /** Whoever wrote the file says how much that is, and may want the disk to be full. */
  private static void requireFew(BackupManifest manifest) throws CommandFailure {
    long octets = 0;
    for (BackupManifest.Entry file : manifest.files()) {
      octets += isOfKeyStore(file) ? file.octets() : 0;
    }
    if (octets > MOST_OF_KEYS) {
      throw CommandFailure.failed(
          "the backup has more files of key stores than a gateway has; nothing was changed");
    }
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

  private static void prove(BackupReader backup, KeyStores stores, SoftwareCrypto crypto)
      throws CommandFailure {
    try {
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

  /** Says what would be forgotten. */
  private static List<String> requireAccepted(List<String> lost, boolean acceptGap)
      throws CommandFailure {
    if (!lost.isEmpty() && !acceptGap) {
      throw CommandFailure.refused(
          "the present data knows what the backup does not: "
              + String.join("; ", lost)
              + ". To restore it all the same: --accept-gap (nothing was changed)");
    }
    return lost.stream().map(line -> "forgotten: " + line).toList();
  }

  /** No backup holds the log; its last checkpoint tells whether a copy of it is whole. */
  private List<String> audit(BackupManifest manifest, PresentData present) throws IOException {
    Path log = building.resolve(home.audit().getFileName());
    Optional<String> checkpoint =
        Optional.of(manifest.checkpoint()).filter(text -> !text.isEmpty());
    if (exists(log) && !isEmpty(log)) {
      return present.auditFindings(checkpoint);
    }
    return List.of(
        "the audit log begins anew, since none is there"
            + checkpoint
                .map(text ->
                    "; a copy of the old one is held against the backup with: vouchsafe audit"
                        + " verify --since-checkpoint "
                        + text)
                .orElse(""));
  }

  /** Which keys can't be used: without the root's, no gap is closed. */
  private List<String> keys(CaSettings settings, KeyStores stores, SoftwareCrypto crypto)
      throws IOException {
    return CertificateAuthorities.prove(settings, new StoresTriedOnce(stores), crypto).stream()
        .filter(proof -> proof.outcome() != AuthorityProof.Outcome.WORKS)
        .map(proof ->
            "the key of "
                + proof.authority()
                + " ("
                + proof.keyStore()
                + ") can't be used now: "
                + proof.detail())
        .toList();
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
    int files = 0;
    for (BackupManifest.Entry file : backup.manifest().files()) {
      if (file.name().startsWith(BackupNames.REGISTRATIONS)) {
        files++;
        Path target = staged.resolve(file.name().substring(BackupNames.REGISTRATIONS.length()));
        backup.extract(file, target);
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-r--r--"));
      }
    }
    if (files > 0) {
      told.add(
          "the registrations of the backup, "
              + files
              + ", were put into "
              + home.registrations()
              + ": what they list may be issued again");
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
