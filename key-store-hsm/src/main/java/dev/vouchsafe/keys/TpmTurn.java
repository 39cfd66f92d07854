package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Calls of tpm2-tools that belong together: nobody else of ours is at the TPM meanwhile. What they
 * load is flushed after each of them.
 *
 * <p>They have a time limit each and one together, and after one that hangs nothing more is asked.
 */
final class TpmTurn {
  /** The file of the session of a turn, of which there is at most one. */
  static final String SESSION = "session.ctx";

  /** For flushing what a turn that has used up its time has loaded. */
  private static final long GRACE = TimeUnit.MILLISECONDS.toNanos(300);

  private static final int TRIES = 6;
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(20);
  private static final int LARGEST = 64 * 1024;
  private static final FileAttribute<Set<PosixFilePermission>> MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private final TpmChip chip;
  private final Path folder;
  private final TpmChip.Limit limit;
  private boolean asked;
  private boolean dirty;
  private boolean over;
  private boolean keeps;
  private long end;

  TpmTurn(TpmChip chip, Path folder, TpmChip.Limit limit) {
    this.chip = chip;
    this.folder = folder;
    this.limit = limit;
    this.end = System.nanoTime() + limit.nanos();
  }

  /** Whether its folder is still needed, since its session could not be ended. */
  boolean keeps() {
    return keeps;
  }

  Path folder() {
    return folder;
  }

  /** Whether the TPM has answered in this turn. */
  boolean hasAsked() {
    return asked;
  }

  /** Makes a file that a program reads; none of them is secret. */
  String write(String name, byte[] content) throws IOException {
    Path file = folder.resolve(name);
    Files.deleteIfExists(file);
    try (FileChannel channel =
        FileChannel.open(
            file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), MODE)) {
      Channels.newOutputStream(channel).write(content);
    }
    return name;
  }

  /** What a program has written. */
  byte[] read(String name) throws IOException, TpmException {
    Path file = folder.resolve(name);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      if (channel.size() > LARGEST) {
        throw new TpmException(TpmRc.Kind.OTHER, "tpm2-tools wrote too much");
      }
      return Channels.newInputStream(channel).readAllBytes();
    } catch (NoSuchFileException e) {
      throw new TpmException(TpmRc.Kind.OTHER, "tpm2-tools wrote no result");
    }
  }

  /**
   * The argument that names an object: its handle, or a file with its context.
   *
   * @param name of that file
   */
  String object(TpmRef ref, String name) throws IOException {
    return switch (ref) {
      case TpmRef.Persistent persistent -> TpmHandles.text(persistent.handle());
      case TpmRef.Context context -> write(name, context.octets());
    };
  }

  /** Runs a program, once more if it may work in a moment, and flushes what it has loaded. */
  byte[] run(TpmCall call) throws KeyFault, TpmException {
    dirty |= call.loads() > 0;
    byte[] printed = again(call);
    if (call.loads() > 0) {
      clean(call.loads());
    }
    return printed;
  }

  /** Runs a program that loads an object and writes its Name, which is one of ours from now on. */
  void runNaming(TpmCall call, String file) throws KeyFault, TpmException, IOException {
    dirty = true;
    again(call);
    own(TpmName.of(read(file)));
    clean(2);
  }

  /** What a call has loaded that failed afterwards. Why it failed matters more than this does. */
  void finish() {
    end = Math.max(end, System.nanoTime() + GRACE);
    try {
      if (dirty && !chip.slots().managed()) {
        flushOurs();
      }
    } catch (KeyFault | TpmException e) {
      System.getLogger(TpmTurn.class.getName())
          .log(System.Logger.Level.DEBUG, "what was loaded can't be flushed now");
    }
  }

  /** An object of that Name is ours, and flushed after use. */
  void own(TpmName name) {
    chip.slots().add(name);
  }

  /**
   * Ends the session. If that can't be done now, its file stays for a later turn, since a TPM has
   * room for some sixty of them until it is reset.
   *
   * @param orFail whether it matters if it can't be ended
   */
  void flushSession(boolean orFail) throws KeyFault, TpmException {
    boolean done = false;
    try {
      once(TpmCall.of("tpm2_flushcontext", SESSION));
      done = true;
    } catch (TpmException e) {
      if (orFail) {
        throw e;
      }
    } finally {
      if (!done) {
        keeps = true;
        chip.slots().killed(true);
        chip.slots().leftovers(true);
      }
    }
  }

  /**
   * Ends the session that another turn has left in a folder.
   *
   * @return whether that folder is of no use any more
   */
  boolean flushLeft(Path left) throws KeyFault {
    Path file = left.resolve(SESSION).toAbsolutePath();
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      return true;
    }
    try {
      once(TpmCall.of("tpm2_flushcontext", file.toString()));
      return true;
    } catch (TpmException e) {
      // It may be loaded, of another TPM, or of the time before a reset: its file says no more.
      chip.slots().killed(true);
      return e.is(TpmRc.Kind.RESET) || e.is(TpmRc.Kind.STALE) || e.is(TpmRc.Kind.OTHER);
    }
  }

  private byte[] again(TpmCall call) throws KeyFault, TpmException {
    for (int attempt = 1; ; attempt++) {
      try {
        return once(call);
      } catch (TpmException e) {
        boolean full = e.is(TpmRc.Kind.MEMORY);
        if (attempt == TRIES || !(full || e.is(TpmRc.Kind.BUSY))) {
          throw e;
        }
        if (full) {
          makeRoom();
        }
        LockSupport.parkNanos(attempt * PAUSE);
      }
    }
  }

  private byte[] once(TpmCall call) throws KeyFault, TpmException {
    long left = end - System.nanoTime();
    if (over || left <= 0) {
      over = true;
      throw new TpmException(
          TpmRc.Kind.HUNG, "it has used up its time before " + call.tool(), call.auth());
    }
    boolean ended = false;
    try {
      byte[] printed = chip.tools().run(folder, call.within(Math.min(left, limit.silence())));
      asked = true;
      ended = true;
      return printed;
    } catch (TpmException e) {
      ended = !e.is(TpmRc.Kind.HUNG) && !e.is(TpmRc.Kind.BROKEN);
      // No second call of this turn waits for it.
      over |= e.is(TpmRc.Kind.HUNG);
      dirty &= !e.is(TpmRc.Kind.HUNG) && !e.is(TpmRc.Kind.GONE);
      throw e;
    } finally {
      if (!ended) {
        chip.slots().killed(true);
      }
    }
  }

  /** After a call that left something loaded, unless a resource manager has flushed it. */
  private void clean(int loaded) throws KeyFault, TpmException {
    TpmChip.TpmSlots slots = chip.slots();
    if (!slots.managed() && !(loaded == 1 && flushIfOurs(slots.last()))) {
      slots.managed(!flushOurs());
    }
    dirty = false;
  }

  /** Some other program may have filled the slots, or one of ours that was killed. */
  private void makeRoom() throws KeyFault, TpmException {
    TpmChip.TpmSlots slots = chip.slots();
    slots.managed(false);
    flushOurs();
    if (slots.killed()) {
      // Sessions have no Name. What is loaded now, while nobody of ours is at the TPM, was left.
      for (int session : handles("handles-loaded-session")) {
        flush(session);
      }
      slots.killed(false);
    }
  }

  private boolean flushOurs() throws KeyFault, TpmException {
    boolean any = false;
    for (int handle : handles("handles-transient")) {
      any |= flushIfOurs(handle);
    }
    return any;
  }

  private boolean flushIfOurs(int handle) throws KeyFault, TpmException {
    Optional<TpmName> name = nameAt(handle);
    if (name.isEmpty() || !chip.slots().areOurs(name.get())) {
      return false;
    }
    flush(handle);
    chip.slots().last(handle);
    return true;
  }

  private void flush(int handle) throws KeyFault, TpmException {
    once(TpmCall.of("tpm2_flushcontext", TpmHandles.text(handle)));
  }

  /** The handles of one kind, as tpm2_getcap names it. */
  List<Integer> handles(String kind) throws KeyFault, TpmException {
    return TpmHandles.parse(once(TpmCall.of("tpm2_getcap", kind)));
  }

  /** The Name of what is at a handle, or nothing. */
  Optional<TpmName> nameAt(int handle) throws KeyFault, TpmException {
    try {
      once(TpmCall.of("tpm2_readpublic", "-Q", "-c", TpmHandles.text(handle), "-n", "found.name"));
      return Optional.of(TpmName.of(read("found.name")));
    } catch (TpmException e) {
      if (e.is(TpmRc.Kind.STALE) || e.is(TpmRc.Kind.RESET)) {
        return Optional.empty();
      }
      throw e;
    } catch (IOException e) {
      throw SecureFiles.fault("the TPM store can't be used", e);
    }
  }
}
