package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A PKCS#11 library in this process, which all stores that name its file share.
 *
 * <p>Invariant: C_Initialize was called, by us or by somebody else, before the first user comes,
 * and C_Finalize, if it was us, after the last one has gone; both under the lock. So a store that
 * has lost its token leaves and comes back: if it is alone, or the others have lost theirs as well,
 * the library begins anew; if not, nobody pulls it from under the others.
 */
final class CryptokiLibrary {
  private static final long PATIENCE_SECONDS = 5;

  /** A library is loaded once for each process, whatever we would like. */
  private static final Loaded LOADED = new Loaded();

  private final Path path;
  private final Cryptoki cryptoki;
  private final ReentrantLock lock = new ReentrantLock();
  private final ReentrantLock making = new ReentrantLock();
  private int users;
  private boolean initializedByUs;

  private CryptokiLibrary(Path path, Cryptoki cryptoki) {
    this.path = path;
    this.cryptoki = cryptoki;
  }

  /** The libraries that were loaded, by their real path. */
  private static final class Loaded {
    private final Map<Path, CryptokiLibrary> libraries = new ConcurrentHashMap<>();

    synchronized CryptokiLibrary get(Path path) throws KeyFault.Failed {
      CryptokiLibrary known = libraries.get(path);
      if (known == null) {
        known = new CryptokiLibrary(path, Cryptoki.load(path));
        libraries.put(path, known);
      }
      return known;
    }
  }

  /**
   * @throws KeyFault.Failed if there is no such file, if somebody else could have written it, or if
   *     it is no PKCS#11 library
   */
  static CryptokiLibrary at(Path modulePath, SecureFiles files) throws KeyFault.Failed {
    return LOADED.get(checked(modulePath, files));
  }

  private static Path checked(Path modulePath, SecureFiles files) throws KeyFault.Failed {
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

  Path path() {
    return path;
  }

  /** Held while a label is looked for and its key made. */
  ReentrantLock making() {
    return making;
  }

  /** Comes as a user; {@link #leave} must follow. */
  Cryptoki enter() throws KeyFault.Unavailable, CryptokiException {
    lockSoon();
    try {
      if (users == 0) {
        initializedByUs = cryptoki.initialize();
      }
      users++;
      return cryptoki;
    } finally {
      lock.unlock();
    }
  }

  /** Goes, with all sessions closed and no call under way. */
  void leave() {
    lock.lock();
    try {
      users--;
      if (users == 0 && initializedByUs) {
        cryptoki.call(Cryptoki.Function.FINALIZE, 0);
      }
    } catch (CryptokiException e) {
      System.getLogger(CryptokiLibrary.class.getName())
          .log(System.Logger.Level.DEBUG, "the library was not in use any more", e);
    } finally {
      lock.unlock();
    }
  }

  /** A library that hangs while it is initialized must not hold up those who come later. */
  private void lockSoon() throws KeyFault.Unavailable {
    try {
      if (lock.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new KeyFault.Unavailable("the PKCS#11 library " + path + " does not answer");
  }
}
