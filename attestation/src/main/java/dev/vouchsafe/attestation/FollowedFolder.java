package dev.vouchsafe.attestation;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A registrations folder as it is at each call.
 *
 * <p>A call asks the kernel two things, without waiting: whether the folder's path still leads to
 * the same folder, and which files changed. Only those are read again. Calls are let in one at a
 * time: one that comes while another reads a change waits for it, so that it sees the change as
 * well.
 */
final class FollowedFolder implements Registrations {
  private static final System.Logger LOG = System.getLogger(FollowedFolder.class.getName());

  /** A file younger than this may be written again without its times changing. */
  private static final long SETTLED_NANOS = 2_000_000_000L;

  private final Path path;
  private final RegistrationRules rules;
  private final InstantSource clock;
  private final Accounts accounts;
  private final boolean useInotify;
  private final Scratch scratch = new Scratch();
  private final ReentrantLock lock = new ReentrantLock();
  private final FolderState state;

  /** Where there is no watch: each file as it was when it was read. Null: look at it again. */
  private final Map<String, @Nullable FileFacts> seen = new HashMap<>();

  /** Files that couldn't be read for a reason that may pass. */
  private final Set<String> again = new HashSet<>();

  private @Nullable OpenFolder folder;
  private @Nullable FolderWatch watch;
  private @Nullable FileFacts folderFacts;
  private @Nullable RegistrationProblem folderProblem;
  private boolean reopen = true;

  /** Whether the folder was looked into once: until then a file may be there to yield to. */
  private boolean known;

  private IndexedSet set;
  private boolean closed;

  FollowedFolder(
      Path path,
      RegistrationRules rules,
      InstantSource clock,
      Accounts accounts,
      boolean useInotify) {
    this.path = path.toAbsolutePath();
    this.rules = rules;
    this.state = new FolderState(rules.builtIn());
    this.clock = clock;
    this.accounts = accounts;
    this.useInotify = useInotify;
    this.set = new IndexedSet(List.of(), List.of(), List.of(), accounts);
    refresh();
  }

  @Override
  public RegistrationSet current() {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("closed");
      }
      refresh();
      return set;
    } finally {
      lock.unlock();
    }
  }

  private void refresh() {
    boolean changed = reopenIfNeeded();
    if (folder != null && folderProblem == null) {
      changed |= readChanges(folder);
    }
    if (changed) {
      state.settle();
      List<RegistrationProblem> problems = new ArrayList<>(state.problems());
      if (folderProblem != null) {
        problems.addFirst(folderProblem);
      }
      set =
          new IndexedSet(state.inForce(), known ? state.builtIn() : List.of(), problems, accounts);
      accounts.prepare(set.accountNames());
    }
  }

  /** Makes sure that what is open is the folder that the path leads to, as it is now. */
  private boolean reopenIfNeeded() {
    try {
      FileFacts now = OpenFolder.look(path, scratch);
      if (!reopen && folderFacts != null && unchanged(folderFacts, now)) {
        return false;
      }
    } catch (SystemCallException e) {
      if (!reopen && folder == null && folderProblem != null) {
        return false;
      }
    }
    open();
    return true;
  }

  private static boolean unchanged(FileFacts before, FileFacts now) {
    return before.sameFile(now) && before.mode() == now.mode() && before.uid() == now.uid();
  }

  private void open() {
    closeFolder();
    reopen = false;
    folderProblem = null;
    folderFacts = null;
    try {
      OpenFolder opened = OpenFolder.open(path, scratch);
      folder = opened;
      folderFacts = opened.facts();
      // First the watch, then the reading: what changes in between is read twice, not missed.
      watch = watch(opened);
      opened.believe();
      readAll(opened);
    } catch (RegistrationException e) {
      folderProblem = new RegistrationProblem(path, e.code(), e.getMessage());
    } catch (SystemCallException e) {
      folderLost(e);
    }
  }

  /**
   * A folder that isn't there holds no registration; of one that can't be read that isn't known.
   */
  private void folderLost(SystemCallException e) {
    boolean gone = e.errno() == Libc.ENOENT;
    folderFacts = null;
    if (gone) {
      known = true;
      state.retain(Set.of());
      seen.clear();
      again.clear();
    } else if (e.errno() != Libc.ENOTDIR && e.errno() != Libc.ELOOP) {
      reopen = true;
    }
    folderProblem =
        new RegistrationProblem(
            path,
            gone ? "folder-missing" : "folder-unreadable",
            gone ? "there is no such folder" : "can't be opened as a folder: " + e.getMessage());
    closeFolder();
  }

  private @Nullable FolderWatch watch(OpenFolder opened) {
    if (!useInotify) {
      return null;
    }
    try {
      return FolderWatch.of(opened.descriptor(), scratch);
    } catch (SystemCallException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "{0} is looked through at each call, since it can''t be watched: {1}",
          path,
          e.getMessage());
      return null;
    }
  }

  private boolean readChanges(OpenFolder opened) {
    Set<String> changed = new HashSet<>(again);
    again.clear();
    try {
      if (watch == null) {
        scan(opened, changed);
      } else if (!watch.take(changed)) {
        readAll(opened);
        return true;
      }
    } catch (RegistrationException e) {
      folderProblem = new RegistrationProblem(path, e.code(), e.getMessage());
      reopen = true;
      return true;
    } catch (SystemCallException e) {
      folderLost(e);
      return true;
    }
    changed.forEach(name -> readOne(opened, name));
    return !changed.isEmpty();
  }

  private void readAll(OpenFolder opened) throws SystemCallException, RegistrationException {
    List<String> names = opened.names();
    state.retain(names);
    seen.keySet().retainAll(names);
    names.forEach(name -> readOne(opened, name));
    known = true;
  }

  /** Compares every file with how it was: what is done where nobody tells us of changes. */
  private void scan(OpenFolder opened, Set<String> changed)
      throws SystemCallException, RegistrationException {
    List<String> names = opened.names();
    for (String name : names) {
      FileFacts before = seen.get(name);
      if (before == null || !before.equals(look(opened, name))) {
        changed.add(name);
      }
    }
    Set<String> gone = new HashSet<>(seen.keySet());
    gone.removeAll(names);
    changed.addAll(gone);
  }

  private static @Nullable FileFacts look(OpenFolder opened, String name) {
    try {
      return opened.look(name);
    } catch (SystemCallException e) {
      return null;
    }
  }

  private void readOne(OpenFolder opened, String name) {
    if (watch == null) {
      remember(opened, name);
    }
    try {
      state.put(name, RegistrationFile.parse(opened.show(name), opened.read(name), rules));
    } catch (RegistrationException e) {
      if (e.code().equals(OpenFolder.BEING_WRITTEN)) {
        again.add(name);
      }
      state.put(name, RegistrationFile.bad(opened.show(name), e.code(), e.getMessage()));
    } catch (SystemCallException e) {
      if (e.errno() == Libc.ENOENT) {
        state.remove(name);
        seen.remove(name);
      } else {
        again.add(name);
        state.put(name, RegistrationFile.bad(opened.show(name), "unreadable", e.getMessage()));
      }
    }
  }

  /** Before the file is read, so that a change while it is read shows at the next look. */
  private void remember(OpenFolder opened, String name) {
    FileFacts now = look(opened, name);
    long age = now == null ? 0 : clock.millis() * 1_000_000L - now.changed();
    seen.put(name, age > SETTLED_NANOS ? now : null);
  }

  private void closeFolder() {
    if (watch != null) {
      watch.close();
      watch = null;
    }
    if (folder != null) {
      folder.close();
      folder = null;
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      closeFolder();
      accounts.close();
    } finally {
      lock.unlock();
    }
  }
}
