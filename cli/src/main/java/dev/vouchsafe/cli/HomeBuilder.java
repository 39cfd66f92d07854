package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.ca.OutsideException;
import dev.vouchsafe.ca.RootSource;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes a home so that a crash at any instant leaves either none or a whole one.
 *
 * <p>The invariant: a home is there when {@code data} is, and {@code data} comes into being by one
 * rename, last of all. Until then everything is built in a folder {@code .init} beside it. {@code
 * vouchsafe.toml} and {@code seal.key} lie outside {@code data}; they are put in place just before
 * the rename as hard links, so that a later {@code init} can prove by the inode that they are
 * leavings of a half-finished one, and never removes a file that somebody else put there.
 */
final class HomeBuilder {
  /** The version of the data folder's layout that this program reads and writes. */
  static final String FORMAT = "1";

  private final Home home;
  private final Console console;
  private final RootSource root;
  private final StagedKeys stagedKeys;

  /**
   * @param root where the root comes from
   */
  HomeBuilder(Home home, Console console, RootSource root) {
    this.root = root;
    this.home = home;
    this.console = console;
    this.stagedKeys = new StagedKeys(home, console);
  }

  /**
   * One way to make the home.
   *
   * @param text the whole of {@code vouchsafe.toml}
   * @param configuration what that text says
   */
  record Candidate(String text, Configuration configuration) {
    KeyStoreName store() {
      return configuration.keys().store();
    }
  }

  /**
   * A key store that was tried and is not the home's.
   *
   * @param name which
   * @param reason why not, for people
   * @param absent whether it may be there at another time
   */
  record NotTaken(KeyStoreName name, String reason, boolean absent) {}

  /**
   * A home that was made.
   *
   * @param taken how
   * @param authorities root first; none, if the device CA waits for its certificate
   * @param notTaken what was tried before
   */
  record Made(Candidate taken, List<AuthorityInfo> authorities, List<NotTaken> notTaken) {}

  /**
   * Makes the home, in the first key store that works. Only what a key store failed with leads to
   * the next one; each leaves nothing behind.
   *
   * @param candidates at least one, in the order to try
   */
  Made build(List<Candidate> candidates) throws IOException, CommandFailure {
    DurableFiles.folder(Home.parent(home.data()), "rwxr-xr-x");
    DurableFiles.folder(Home.parent(home.configuration()), "rwxr-xr-x");
    // In a folder that others can write, they could put their files in place of ours.
    for (Path folder : List.of(Home.parent(home.data()), Home.parent(home.configuration()))) {
      FileTrust.requireFolder("no home was made", folder);
    }
    DurableFiles.folder(home.stage(), "rwx------");
    try (FileChannel _ = lockStage()) {
      Made made;
      try {
        requireNoHome();
        clearStages();
        made = fillStage(candidates);
        commit();
      } catch (IOException | CommandFailure | RuntimeException e) {
        sweepAfter(e);
        throw e;
      }
      sweep();
      return made;
    }
  }

  /** What can't be cleared away stays for the next {@code init} to try again. */
  private void sweepAfter(Exception failure) {
    try {
      sweep();
    } catch (IOException | CommandFailure e) {
      if (!e.equals(failure)) {
        failure.addSuppressed(e);
        console.err().println("vouchsafe: " + Causes.text(e));
      }
    }
  }

  private void sweep() throws IOException, CommandFailure {
    clearStages();
    Files.deleteIfExists(stageLock());
    Files.deleteIfExists(home.configurationStage());
    Files.deleteIfExists(home.stage());
  }

  private Path stageLock() {
    return home.stage().resolve("lock");
  }

  private FileChannel lockStage() throws IOException, CommandFailure {
    FileChannel channel =
        FileChannel.open(stageLock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = tryLock(channel);
    if (lock == null) {
      channel.close();
      throw CommandFailure.failed(
          "another init of this home is under way; wait for it to end, then look with"
              + " `vouchsafe check`");
    }
    return channel;
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  /** Refuses if there is a home, or a file of one that no half-finished init left behind. */
  private void requireNoHome() throws IOException, CommandFailure {
    if (exists(home.data())) {
      throw CommandFailure.failed(
          "a home exists: "
              + home.data()
              + " is there, and is left as it is; start it with `vouchsafe serve`, or choose"
              + " another folder with --home");
    }
    for (Path file : home.besideData()) {
      if (exists(file) && !isLeaving(file)) {
        throw CommandFailure.failed(
            "a home exists, or a part of one: "
                + file
                + " is there, and is left as it is; move it away, or choose another folder with"
                + " --home");
      }
    }
  }

  private boolean isLeaving(Path file) throws IOException {
    Path staged = home.configurationStage().resolve(file.getFileName());
    return exists(staged) && Files.isSameFile(staged, file);
  }

  /** Removes what a half-finished init left, the staged twin of each file last. */
  private void clearStages() throws IOException, CommandFailure {
    stagedKeys.destroy();
    for (Path file : home.besideData()) {
      if (!exists(home.data()) && exists(file) && isLeaving(file)) {
        Files.delete(file);
        DurableFiles.sync(Home.parent(file));
      }
    }
    for (Path stage : List.of(home.configurationStage(), home.stage())) {
      if (Files.isDirectory(stage)) {
        try (var entries = Files.newDirectoryStream(stage, entry -> !entry.equals(stageLock()))) {
          for (Path entry : entries) {
            DurableFiles.deleteTree(entry);
          }
        }
      }
    }
  }

  private Made fillStage(List<Candidate> candidates) throws IOException, CommandFailure {
    List<NotTaken> notTaken = new ArrayList<>();
    for (Candidate candidate : candidates) {
      try {
        return new Made(candidate, fillStage(candidate), List.copyOf(notTaken));
      } catch (IOException | CommandFailure e) {
        if (candidates.size() == 1 || !KeyStoreFailures.isOne(e)) {
          throw e;
        }
        NotTaken failed =
            new NotTaken(candidate.store(), Causes.text(e), KeyStoreFailures.tellsOfAbsence(e));
        notTaken.add(failed);
        console.err().println(told(failed));
        clearStages();
      }
    }
    throw noneWorks(notTaken);
  }

  private static String told(NotTaken failed) {
    return "vouchsafe: key store " + failed.name().text() + " is not taken: " + failed.reason();
  }

  private static CommandFailure noneWorks(List<NotTaken> notTaken) {
    String message =
        "no home was made, none of the key stores works: "
            + String.join(
                "; ",
                notTaken.stream().map(each -> each.name().text() + ": " + each.reason()).toList());
    return notTaken.stream().anyMatch(NotTaken::absent)
        ? CommandFailure.unavailable(message)
        : CommandFailure.failed(message);
  }

  private List<AuthorityInfo> fillStage(Candidate candidate) throws IOException, CommandFailure {
    DurableFiles.folder(home.configurationStage(), "rwx------");
    Path data = home.stagedData();
    DurableFiles.folder(data, "rwx------");
    DurableFiles.create(
        home.stagedConfiguration(), candidate.text().getBytes(StandardCharsets.UTF_8), "rw-r--r--");
    // Before the first key is made: it says in which token to look for those of a crashed init.
    DurableFiles.sync(home.configurationStage());
    DurableFiles.create(
        data.resolve(home.format().getFileName()),
        (FORMAT + "\n").getBytes(StandardCharsets.UTF_8),
        "rw-------");
    Configuration configuration = candidate.configuration();
    SoftwareCrypto crypto = SoftwareCrypto.choose();
    try (KeyStores stores =
        new KeyStores(
            StoreFolders.staged(home), configuration::keys, console.environment(), crypto)) {
      // Before the root's, where that has one of its own: the first one made is in data/keys.
      stores.openOrMake(candidate.store());
      makeRootStore(stores, configuration.keys());
      List<AuthorityInfo> authorities =
          CertificateAuthorities.create(
              configuration.authority(data), stores, crypto, console.clock(), root);
      if (!authorities.isEmpty()) {
        publish(data, configuration, authorities);
      }
      DurableFiles.syncTree(data);
      DurableFiles.syncTree(home.configurationStage());
      return authorities;
    } catch (OutsideException e) {
      throw CommandFailure.failed("no home was made: the root: " + e.getMessage());
    } catch (KeyFault.Unavailable e) {
      throw CommandFailure.unavailable(Causes.text(e), e);
    } catch (KeyFault e) {
      throw CommandFailure.failed(Causes.text(e), e);
    } catch (IOException e) {
      if (KeyStoreFailures.tellsOfAbsence(e)) {
        throw CommandFailure.unavailable("the key store is away: " + e.getMessage(), e);
      }
      if (KeyStoreFailures.isOne(e)) {
        throw CommandFailure.failed("the key store does not work: " + e.getMessage(), e);
      }
      throw e;
    }
  }

  /**
   * Makes the root's store, where it has one of its own. If it does not work, another store for the
   * device CA is no help, and would only cost another try of the PIN: the failure carries no fault
   * of a key store on purpose.
   */
  private static void makeRootStore(KeyStores stores, Configuration.Keys keys)
      throws CommandFailure {
    try {
      stores.openOrMake(keys.rootStore());
    } catch (KeyFault.Unavailable e) {
      throw CommandFailure.unavailable("the root's key store is away: " + e.getMessage());
    } catch (KeyFault e) {
      throw CommandFailure.failed("the root's key store does not work: " + e.getMessage());
    }
  }

  private void publish(Path data, Configuration configuration, List<AuthorityInfo> authorities)
      throws IOException {
    TrustBundleStore.create(
        data.resolve(home.bundle().getFileName()),
        configuration.bundle().refresh(),
        authorities.stream()
            .filter(authority -> authority.role() == AuthorityInfo.Role.ROOT)
            .map(AuthorityInfo::anchor)
            .toList());
  }

  private void commit() throws IOException {
    DurableFiles.folder(home.registrations(), "rwxr-xr-x");
    DurableFiles.folder(home.run(), "rwxr-xr-x");
    for (Path file : home.besideData()) {
      Path staged = home.configurationStage().resolve(file.getFileName());
      if (exists(staged)) {
        Files.createLink(file, staged);
      }
    }
    DurableFiles.sync(Home.parent(home.configuration()));
    Files.move(home.stagedData(), home.data(), StandardCopyOption.ATOMIC_MOVE);
    DurableFiles.sync(Home.parent(home.data()));
  }

  private static boolean exists(Path path) {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }
}
