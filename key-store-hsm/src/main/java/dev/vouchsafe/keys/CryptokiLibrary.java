package dev.vouchsafe.keys;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A PKCS#11 library in this process, which all stores that name its file share.
 *
 * <p>Invariant: C_Initialize was called, by us or by somebody else, before the first user comes,
 * and C_Finalize, if it was us, after the last one has gone; both under the lock. So a store that
 * has lost its token leaves and comes back: if it is alone, or the others have lost theirs as well,
 * the library begins anew; if not, nobody pulls it from under the others. A C_Finalize that failed,
 * or that the lock could not be had for, is made up for when the next user comes.
 *
 * <p>No lock here is waited for long, since a library may hang while it is held.
 */
final class CryptokiLibrary {
  /** A library is loaded once for each process, whatever we would like. */
  private static final Loaded LOADED = new Loaded();

  private static final String SERVER_ADDRESS = "P11_KIT_SERVER_ADDRESS";
  private static final long SHORT_PAUSE = TimeUnit.MILLISECONDS.toNanos(1);

  private final Cryptoki cryptoki;
  private final LibraryCalls calls;
  private final String named;
  private final ReentrantLock lock = new ReentrantLock();
  private final ReentrantLock making = new ReentrantLock();
  private final AtomicInteger users = new AtomicInteger();
  private final Set<TokenConnection> connections = ConcurrentHashMap.newKeySet();

  /** Under the lock. */
  private boolean initializedByUs;

  private CryptokiLibrary(Path path, Cryptoki cryptoki, LibraryCalls.Limits limits) {
    this.named = path.toString();
    this.cryptoki = cryptoki;
    this.calls = new LibraryCalls(named, limits);
  }

  /** The libraries that were loaded, by their real path. */
  private static final class Loaded {
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Path, CryptokiLibrary> libraries = new HashMap<>();

    CryptokiLibrary get(Path path) throws KeyFault {
      if (!locked(lock)) {
        throw new KeyFault.Unavailable("another PKCS#11 library is being loaded");
      }
      try {
        CryptokiLibrary known = libraries.get(path);
        if (known == null) {
          known = new CryptokiLibrary(path, Cryptoki.load(path), LibraryCalls.Limits.HERE);
          libraries.put(path, known);
        }
        return known;
      } finally {
        lock.unlock();
      }
    }

    /** p11-kit's client makes a new one, with the address of that moment, whenever it is asked. */
    Cryptoki client(Path client, String address) throws KeyFault {
      if (!locked(lock)) {
        throw new KeyFault.Unavailable("another PKCS#11 library is being loaded");
      }
      try {
        ProcessEnvironment.set(SERVER_ADDRESS, address);
        return Cryptoki.load(client);
      } finally {
        ProcessEnvironment.set(SERVER_ADDRESS, System.getenv(SERVER_ADDRESS));
        lock.unlock();
      }
    }
  }

  /**
   * The library, loaded now if it isn't yet.
   *
   * @throws KeyFault.Failed if there is no such file, if somebody else could have written or
   *     exchanged it, or if it is no PKCS#11 library
   * @throws KeyFault.Unavailable if another one is being loaded, and hangs
   */
  static CryptokiLibrary at(Path modulePath, SecureFiles files) throws KeyFault {
    return LOADED.get(checked(modulePath, files));
  }

  /**
   * A library that a helper process runs, for one store alone.
   *
   * @param client p11-kit's client
   * @param socket where p11-kit's server listens, which need not be there yet
   * @param modulePath the library, for people
   */
  static CryptokiLibrary behind(Path client, Path socket, Path modulePath) throws KeyFault {
    String path =
        URLEncoder.encode(socket.toString(), StandardCharsets.UTF_8)
            .replace("+", "%20")
            .replace("%2F", "/");
    Cryptoki cryptoki = LOADED.client(client, "unix:path=" + path);
    return new CryptokiLibrary(modulePath, cryptoki, LibraryCalls.Limits.HELPER);
  }

  /**
   * The file of a library, behind symbolic links.
   *
   * @throws KeyFault.Failed if there is none, or somebody else could have written or exchanged it
   */
  static Path checked(Path modulePath, SecureFiles files) throws KeyFault.Failed {
    try {
      Path file = modulePath.toRealPath();
      files.checkProgram(file);
      return file;
    } catch (NoSuchFileException e) {
      throw new KeyFault.Failed("module-path " + modulePath + " does not exist", e);
    } catch (IOException e) {
      throw new KeyFault.Failed("module-path " + modulePath + " can't be read", e);
    } catch (KeyFault.Failed e) {
      throw new KeyFault.Failed("module-path: " + e.getMessage(), e);
    }
  }

  /** Whoever calls a function of it is one of these. */
  LibraryCalls calls() {
    return calls;
  }

  /** Held while a label is looked for and its key made. */
  ReentrantLock making() {
    return making;
  }

  /** Comes as a user; {@link #leave} must follow. */
  Cryptoki enter() throws KeyFault.Unavailable, CryptokiException {
    if (!locked(lock)) {
      throw new KeyFault.Unavailable("the PKCS#11 library " + named + " does not answer");
    }
    try {
      if (users.get() == 0) {
        finish();
        // "Initialized already" by us, if it could not be finished: it is ours still.
        initializedByUs |= cryptoki.initialize();
      }
      users.incrementAndGet();
      return cryptoki;
    } finally {
      lock.unlock();
    }
  }

  /** That user, who has entered, stays as long as this connection. */
  void joined(TokenConnection connection) {
    connections.add(connection);
  }

  /** That connection is at its end: its user goes. */
  void left(TokenConnection connection) {
    connections.remove(connection);
    leave();
  }

  /**
   * For a store that can't open its token, and has left: looks whether the others that keep the
   * library from beginning anew have lost theirs as well, without having noticed.
   *
   * @return whether the library begins anew for whoever comes next
   */
  boolean probeOthers() {
    if (users.get() == 0) {
      return false;
    }
    connections.forEach(TokenConnection::probe);
    return users.get() == 0;
  }

  /**
   * Lets the library begin anew though others use it, whose calls under way end first: they open
   * their tokens anew as well, each with one login. New users wait meanwhile.
   *
   * @return whether it does: not if the calls of others don't end soon
   */
  boolean beginAnew() {
    if (!locked(lock)) {
      return false;
    }
    try {
      connections.forEach(other -> other.retire("the PKCS#11 library begins anew"));
      long end = System.nanoTime() + LibraryCalls.PATIENCE / 2;
      while (users.get() > 0 && System.nanoTime() - end < 0) {
        LockSupport.parkNanos(SHORT_PAUSE);
      }
      if (users.get() > 0) {
        return false;
      }
      finish();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Whether anybody is in it now. */
  boolean isUsed() {
    return users.get() > 0;
  }

  /** Goes, with all sessions closed and no call under way. */
  void leave() {
    users.decrementAndGet();
    if (locked(lock)) {
      try {
        if (users.get() == 0) {
          finish();
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private void finish() {
    if (!initializedByUs) {
      return;
    }
    try {
      cryptoki.call(Cryptoki.Function.FINALIZE, 0);
      initializedByUs = false;
    } catch (CryptokiException e) {
      if (e.is(Ckr.CRYPTOKI_NOT_INITIALIZED)) {
        initializedByUs = false;
      } else {
        System.getLogger(CryptokiLibrary.class.getName())
            .log(
                System.Logger.Level.WARNING,
                "the PKCS#11 library {0} could not be left: {1}",
                named,
                e.getMessage());
      }
    }
  }

  private static boolean locked(ReentrantLock lock) {
    try {
      return lock.tryLock() || lock.tryLock(LibraryCalls.PATIENCE, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
